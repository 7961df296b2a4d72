"""The page that compares several searches: the best so far by what it cost, and ranks."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from tuning.fidelity import FULL
from tuning.report import scales
from tuning.report.charts import ACCURACY
from tuning.report.drawing import at, escaped, framed, polyline
from tuning.report.page import GENERATOR, style
from tuning.report.record import Record
from tuning.report.sections import keys
from tuning.space import apply
from tuning.store.identity import read_identity
from tuning.trial import Trial
from zoo.errors import RunError
from zoo.spec import ModelSpec
from zoo.utils.atomic import atomic_write
from zoo.utils.html_page import check_ours, html_page

# Where the curves of one strategy are compared, from the first score to the last.
POINTS = 120

NONE_YET = "no score on the full problem yet"

# As many curves can be told apart.
DASHES = 5

Curve = list[tuple[float, float]]


def write_comparison(records: Sequence[Record], path: str | Path) -> Path:
    """Write the comparison of several searches; return its path.

    Args:
        records: One or more.
        path: Of the page; an older one is replaced.

    Raises:
        RunError: They are of different data, or another file is in the way.
        OSError: The folder cannot be written.
    """
    path = Path(path)
    check_ours(path, GENERATOR)
    first, *others = (read_identity(record.project / "search.json").data for record in records)
    if any(other != first for other in others):
        raise RunError("these searches saw different data, where scores do not compare")
    with atomic_write(path) as temporary:
        temporary.write_text(comparison(records), encoding="utf-8")
    return path


def comparison(records: Sequence[Record]) -> str:
    """The comparison as HTML; of a strategy with several searches, the median and a band."""
    groups = _groups(records)
    lines = [
        (f'<path class="curve curve{number % DASHES}" d="M0 8H38"/>', _said(name, group))
        for number, (name, group) in enumerate(groups.items())
    ]
    title = f"{len(records)} searches compared"
    body = f"""<main>
<h1>{title}</h1>
<section id="curves">
<h2>The best so far</h2>
<p>On the full problem, by the image presentations that all trials cost, forward and backward. Of a
strategy with several searches the median, and the band from the lower to the upper quartile.</p>
<div class="charts"><div>{_chart(groups)}</div></div>
{keys(lines)}
</section>
{_table(records)}
</main>"""
    return html_page(title=title, style=style(), body=body, script="", generator=GENERATOR)


def presentations(trials: Sequence[Trial], trial: Trial, spec: ModelSpec) -> int:
    """How many images a trial trained on, counted as often as each was seen.

    Args:
        trials: Of the search, by their numbers.
        trial: One of them; where it continues another one, the images of that one are not its own.
        spec: The network that is searched.
    """
    epochs = sum(each.epochs for each in trial.executions)
    if not epochs:  # as of a point that makes no network
        return 0
    images = trial.executions[0].images  # of two classes alone there may be fewer than asked for
    if images is None:
        images = trial.fidelity.of_spec(apply(spec, trial.values)).recipe.images
    if trial.after is not None:  # the epochs before are paid for by the trial that it goes on from
        epochs -= sum(each.epochs for each in trials[trial.after].executions)
    return images * max(epochs, 0)


def curve_of(record: Record) -> Curve:
    """The best score on the full problem so far, after each trial that raised it, and at the end.

    Returns:
        Pairs of image presentations, in millions, and the score; none where no trial has learned
        anything on the full problem.
    """
    spent, best, points = 0.0, 0.0, []
    for trial in record.ended:
        spent += presentations(record.all, trial, record.spec) / 1e6
        if trial.fidelity.rank == FULL.rank and trial.score > best:
            best = trial.score
            points.append((spent, best))
    return [*points, (spent, best)] if points else []


def best_at(curve: Curve, cost: float) -> float:
    """The score of a curve at a cost; 0 before its first.

    Args:
        curve: Pairs of a cost and the best score by then.
        cost: In the same unit.
    """
    return max((score for spent, score in curve if spent <= cost), default=0.0)


def _groups(records: Sequence[Record]) -> dict[str, list[Curve]]:
    networks = {record.spec.name for record in records}
    groups: dict[str, list[Curve]] = {}
    for record in records:
        name = record.kind if len(networks) == 1 else f"{record.kind}, {record.spec.name}"
        groups.setdefault(name, []).append(curve_of(record))
    return groups


def _said(name: str, group: list[Curve]) -> str:
    ends = [100 * curve[-1][1] if curve else 0.0 for curve in group]
    many = f"{len(group)} searches, median " if len(group) > 1 else ""
    median = statistics.median(ends) if all(group) else statistics.median_low(ends)
    return f"{name}: {many}{median:.2f} %" if median else f"{name}: {many}{NONE_YET}"


def _chart(groups: dict[str, list[Curve]]) -> str:
    known = [point for group in groups.values() for curve in group for point in curve]
    if not known:
        return "<p>No trial has learned anything on the full problem yet.</p>"
    x = scales.padded(scales.logarithmic("image presentations (millions)", [c for c, _ in known]))
    y = scales.accuracy(ACCURACY, [score for _, score in known])
    inside = []
    for number, group in enumerate(groups.values()):
        curves = [curve for curve in group if curve]
        if not curves:
            continue
        start = max(curve[0][0] for curve in curves)
        end = max(curve[-1][0] for curve in curves)
        grid = np.geomspace(start, max(end, start), POINTS)
        table = np.array([[best_at(curve, cost * 1.000001) for cost in grid] for curve in group])
        # A search that has learned nothing counts as the worst, and is averaged with none.
        method: Literal["linear", "lower"] = "linear" if all(group) else "lower"
        low, middle, high = np.quantile(table, (0.25, 0.5, 0.75), axis=0, method=method)
        places = [x.place(float(cost)) for cost in grid]

        def drawn(scores: np.ndarray, places: list[float] = places) -> list[tuple[float, float]]:
            heights = [max(y.place(float(score)), 0.0) for score in scores]
            return [at(place, height) for place, height in zip(places, heights, strict=True)]

        if len(group) > 1:
            edge = drawn(high) + drawn(low)[::-1]
            corners = " ".join(f"{a:.1f},{b:.1f}" for a, b in edge)
            inside.append(f'<polygon class="band band{number % DASHES}" points="{corners}"/>')
        inside.append(polyline(drawn(middle), f"curve curve{number % DASHES}"))
    return framed("the best so far by image presentations", x, y, inside)


def _table(records: Sequence[Record]) -> str:
    ends = {record.project: (curve_of(record) or [(0.0, 0.0)])[-1] for record in records}
    ranked = sorted(records, key=lambda record: -ends[record.project][1])
    rows = []
    for record in ranked:
        cost, score = ends[record.project]
        rank = 1 + sum(round(other, 4) > round(score, 4) for _, other in ends.values())
        best = f"{100 * score:.2f}" if score else NONE_YET
        cells = [rank, record.project, record.kind, record.spec.name, len(record.ended),
                 f"{cost:.2f}", f"{record.seconds:.0f}", best]  # fmt: skip
        rows.append("<tr>" + "".join(f"<td>{escaped(cell)}</td>" for cell in cells) + "</tr>")
    heads = ("rank", "search", "strategy", "network", "trials", "presentations (millions)",
             "training (s)", "best (%)")  # fmt: skip
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    return f"""<section id="ranks">
<h2>Ranks</h2>
<div class="table" tabindex="0" role="region" aria-label="all searches">
<table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>
</section>"""
