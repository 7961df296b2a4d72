"""The charts of a report: accuracy against time and cost, parallel coordinates, learning curves."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from functools import partial

from tuning.report import scales
from tuning.report.drawing import at, framed, mark, polyline, svg, text
from tuning.report.record import Record, state_of
from tuning.report.scales import Scale, short
from tuning.trial import Trial

ACCURACY = "validation accuracy (%)"

# Learning curves are drawn of so many trials; as many dashes can be told apart.
CURVES = 5

# Of the parallel coordinates: a picture as wide as the page.
PARALLEL = (980, 340)
MARGIN = (70, 60, 34, 36)  # left, right, top, bottom


def against_time(record: Record) -> str:
    """The score of every trial by the training time that the search had spent; the best so far."""
    spent, after = 0.0, {}
    for trial in record.ended:
        spent += trial.seconds
        after[trial.number] = spent
    x = scales.linear("training time of the search (s)", after.values(), zero=True)

    def spent_at(trial: Trial) -> float:
        return after[trial.number]

    return scatter(record, x, spent_at, lambda x, y: _best_so_far(record, x, y, spent_at))


def against_seconds(record: Record) -> str:
    """The score of every trial by the seconds that it took."""
    seconds = [trial.seconds for trial in record.ended]
    scale = scales.logarithmic if min(seconds) > 0 else scales.linear
    x = scale("training time of the trial (s)", seconds)
    return scatter(record, x, lambda trial: trial.seconds)


def against_cost(record: Record) -> str:
    """The score of every trial by its training cost at the best epoch; nothing without costs."""
    costs = [cost for trial in record.ended if (cost := cost_of(trial)) is not None]
    if not costs:
        return ""
    x = scales.logarithmic("training cost at the best epoch", costs)
    return scatter(record, x, cost_of)


def cost_of(trial: Trial) -> float | None:
    """The training cost at the best epoch, over the seeds; None where one diverged."""
    costs = [
        execution.costs[execution.best_epoch - 1]
        for execution in trial.executions
        if execution.costs and not execution.diverged
    ]
    known = [cost for cost in costs if cost is not None]
    return statistics.mean(known) if known and len(known) == len(trial.executions) else None


def hover_of(record: Record, trial: Trial) -> str:
    """What a mark tells of its trial.

    Args:
        record: Decides whether the trial's share of the problem is shown: where not all have the
            same.
        trial: One that has ended.
    """
    lines = [f"trial {trial.number}: {percent(trial)}"]
    lines += [f"{name} = {short(value)}" for name, value in trial.values.items()]
    lines += [str(trial.fidelity)] if len(record.problems) > 1 else []
    return "\n".join(lines)


def percent(trial: Trial) -> str:
    """A score with its unit, or the reason why there is none."""
    return f"{100 * trial.score:.2f} %" if trial.score else state_of(trial) or "0 %"


def parallel(record: Record) -> str:
    """A line a trial, through its value on the axis of each setting, to its score."""
    axes = _axes(record)
    left, right, top, bottom = MARGIN
    width, height = PARALLEL
    step = (width - left - right) / max(len(axes) - 1, 1)
    low = height - bottom

    def point(number: int, place: float) -> tuple[float, float]:
        return left + number * step, low - place * (low - top)

    parts = []

    def worst_first(trial: Trial) -> tuple:
        return trial.fidelity.rank, trial.score, -trial.number

    for trial in sorted(record.ended, key=worst_first):
        places = [scale.place(value(trial)) for scale, value in axes[:-1]]
        places.append(axes[-1][0].place(trial.score) if trial.score else -0.08)
        points = [point(number, place) for number, place in enumerate(places)]
        parts.append(polyline(points, _shade(record, trial), hover_of(record, trial), trial.number))
    parts += [_upright(scale, point, number, len(axes)) for number, (scale, _) in enumerate(axes)]
    return svg("parallel coordinates: a line a trial", parts, width, height)


def _value(name: str, trial: Trial) -> object:
    return trial.values[name]


def _axes(record: Record) -> list[tuple[Scale, Callable[[Trial], object]]]:
    axes: list[tuple[Scale, Callable[[Trial], object]]] = []
    for name, kind in record.space.ranges:
        values = [trial.values[name] for trial in record.ended]
        axes.append((scales.of_setting(name, kind, values), partial(_value, name)))
    ranks = [problem.rank for problem in record.problems]
    if len(ranks) > 1:
        # The names are long: they stand in the table, and here only their order.
        scale = scales.named("problem", range(len(ranks)))
        ends = ((0.0, "least of it"), (1.0, "most of it"))
        axes.insert(
            0, (Scale(scale.label, ends, scale.place), lambda t: ranks.index(t.fidelity.rank))
        )
    return [*axes, (scales.accuracy("validation (%)", _scores(record)), lambda trial: trial.score)]


def _upright(scale: Scale, point: Callable, number: int, count: int) -> str:
    (x, low), (_, high) = point(number, 0), point(number, 1)
    last = number == count - 1
    parts = [f'<path class="axis" d="M{x:.1f} {low:.1f}V{high:.1f}"/>']
    for place, label in scale.ticks:
        _, y = point(number, place)
        parts.append(f'<path class="axis" d="M{x - 4:.1f} {y:.1f}h8"/>')
        beside = (x + 8, y + 4) if last else (x - 8, y + 4)
        parts.append(text(label, beside, "after" if last else "beside"))
    kind = "label start" if number == 0 else "label end" if last else "label"
    edge = x - 60 if number == 0 else x + 55 if last else x
    return "".join([*parts, text(scale.label, (edge, 16), kind)])


def _shade(record: Record, trial: Trial) -> str:
    """The darker, the nearer to the best: six shades, by rank among the fullest."""
    if record.best and trial.number == record.best.number:
        return "way best"
    rivals = record.fullest
    if trial.number not in {each.number for each in rivals}:
        return "way less"
    worse = sum(each.score < trial.score for each in rivals)
    return f"way shade{round(5 * worse / max(len(rivals) - 1, 1))}"


def curves(record: Record) -> tuple[str, str, list[Trial]]:
    """Learning curves of the best trials: accuracy, cost, and which trials they are of."""
    ranked = sorted(record.fullest, key=lambda trial: (-trial.score, trial.number))
    drawn = [trial for trial in ranked if trial.score > 0][:CURVES]
    epochs = max((execution.epochs for trial in drawn for execution in trial.executions), default=1)
    x = scales.linear("epoch", [1, epochs], whole=True)
    charts = []
    for name, label, scale in (
        ("curve", ACCURACY, scales.accuracy),
        ("costs", "training cost", scales.logarithmic),
    ):
        known = [value for trial in drawn for line in _lines(trial, name) for _, value in line]
        y = scale(label, known)
        inside = [
            polyline(
                [at(x.place(epoch), y.place(value)) for epoch, value in line],
                f"curve curve{number}",
                hover_of(record, trial),
                trial.number,
            )
            for number, trial in enumerate(drawn)
            for line in _lines(trial, name)
        ]
        charts.append(framed(f"{label} by epoch, of the best trials", x, y, inside[::-1]))
    return charts[0], charts[1], drawn


def _lines(trial: Trial, name: str) -> list[list[tuple[int, float]]]:
    """A line a seed, as (epoch, value); epochs without a value are left out."""
    lines = [
        [
            (epoch, value)
            for epoch, value in enumerate(getattr(execution, name), start=1)
            if value is not None
        ]
        for execution in trial.executions
    ]
    return [line for line in lines if line]


def scatter(
    record: Record,
    x: Scale,
    measure: Callable[[Trial], float | None],
    line: Callable[[Scale, Scale], str] = lambda x, y: "",
) -> str:
    """A mark a trial, at its score and at what is measured of it, over a line.

    Args:
        record: The search.
        x: The scale of what is measured.
        measure: What it is; None leaves a trial out.
        line: Draws the line on both scales.
    """
    x, y = scales.padded(x), scales.accuracy(ACCURACY, _scores(record))
    best, fullest = record.best, {trial.number for trial in record.fullest}
    marks = [line(x, y)]
    for trial in sorted(record.ended, key=lambda trial: (trial.number in fullest, trial.score)):
        measured = measure(trial)
        if measured is None:
            continue
        kind = "full" if trial.number in fullest else "less"
        kind = "best" if best and trial.number == best.number else kind
        kind = kind if trial.score else "cross"
        place = y.place(trial.score) if trial.score else 0.0
        marks.append(
            mark(at(x.place(measured), place), kind, hover_of(record, trial), trial.number)
        )
    return framed(f"{y.label} against {x.label}", x, y, marks)


def _best_so_far(record: Record, x: Scale, y: Scale, measure: Callable) -> str:
    points: list[tuple[float, float]] = []
    best = 0.0
    fullest = {trial.number for trial in record.fullest}
    for trial in record.ended:
        if trial.number in fullest and trial.score > best:
            if points:
                points.append(at(x.place(measure(trial)), y.place(best)))
            best = trial.score
            points.append(at(x.place(measure(trial)), y.place(best)))
    if not points:
        return ""
    points.append(at(x.place(measure(record.ended[-1])), y.place(best)))
    return polyline(points, "so-far", "the best so far")


def _scores(record: Record) -> Sequence[float]:
    return [trial.score for trial in record.ended if trial.score] or [0.5]
