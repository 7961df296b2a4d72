"""The sections of a report that are words and bars: its summary, what matters, the explanation."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from tuning.fidelity import FULL
from tuning.report.charts import percent
from tuning.report.drawing import bar, escaped, svg, text
from tuning.report.importance import Importance
from tuning.report.record import Record
from tuning.report.scales import linear, short
from tuning.store.results import duration, score_text, train_command
from tuning.trial import Trial
from zoo.utils.extras import install_command


def keys(entries: Sequence[tuple[str, str]]) -> str:
    """A legend: a picture 38 by 16 and words each."""
    items = "".join(
        f'<li><svg viewBox="0 0 38 16" aria-hidden="true">{picture}</svg>{escaped(words)}</li>'
        for picture, words in entries
    )
    return f'<ul class="keys">{items}</ul>'


def trial_text(trial: Trial) -> str:
    """A trial in a line: its number, score and values."""
    values = ", ".join(f"{name} = {short(value)}" for name, value in trial.values.items())
    return f"trial {trial.number}: {percent(trial)} ({values})"


# --- the summary ----------------------------------------------------------------------------------


def summary(record: Record) -> str:
    """What a person wants to know first: how far it has come, and the best point."""
    best = record.best
    facts = [("trials", _progress(record)), ("training time", duration(record.seconds))]
    if best:
        facts.insert(0, ("best validation accuracy", score_text(best)))
    listed = "".join(
        f"<div><dt>{name}</dt><dd>{escaped(value)}</dd></div>" for name, value in facts
    )
    lines = [*_outcome(record), " ".join(_findings(record))]
    return f'<dl class="facts">{listed}</dl>\n' + "\n".join(
        f"<p>{line}</p>" for line in lines if line
    )


def _progress(record: Record) -> str:
    of = f" of {record.total}" if record.total and record.total > len(record.ended) else ""
    return f"{len(record.ended)}{of}"


def _outcome(record: Record) -> list[str]:
    best = record.best
    if not record.all:
        return ["No trial has begun yet: there is nothing to show."]
    if not record.ended:
        return ["No trial has ended yet: there is nothing to show but what has begun."]
    if not best:
        return ["No trial has learned anything: all have diverged or failed."]
    values = ", ".join(
        f'<code class="value">{escaped(name)} = {escaped(short(value))}</code>'
        for name, value in best.values.items()
    )
    whole = [problem.rank for problem in record.problems] == [FULL.rank]
    on = "" if whole else f", on {escaped(best.fidelity)}"
    command = escaped(train_command(record.project / "best.json"))
    lines = [f"Trial {best.number} is the best{on}: {values}.", _doubt(record)]
    return [
        *lines,
        f"It trains again by <code>{command}</code>, with the "
        "options of the search for images and modules, if it had any.",
    ]


def _doubt(record: Record) -> str:
    rivals = len(record.rivals)
    if len(record.fullest) == 1:
        return "No other trial has ended that saw as much of the problem."
    if not rivals:
        return "No other trial on the same problem comes so near that chance could part them."
    others = "One other trial is" if rivals == 1 else f"{rivals} other trials are"
    return (
        f"{others} not distinguishable from it: their scores differ by no more than chance makes "
        "1 time in 20."
    )


def _findings(record: Record) -> list[str]:
    running = sum(trial.result is None for trial in record.all)
    failed = sum(trial.failed for trial in record.ended)
    diverged = sum(any(each.diverged for each in trial.executions) for trial in record.ended)
    said = (
        (running, "has begun and not ended", "have begun and not ended"),
        (diverged, "diverged", "diverged"),
        (failed, "could not be trained", "could not be trained"),
    )
    return [
        f"{count} trial{'' if count == 1 else 's'} {one if count == 1 else many}."
        for count, one, many in said
        if count
    ]


# --- importance -----------------------------------------------------------------------------------


def importance_of(found: Importance | str) -> str:
    """How much each setting matters, as bars; or why that cannot be told."""
    inside = f"<p>{escaped(found)}</p>" if isinstance(found, str) else _bars(found)
    return f'<section id="importance">\n<h2>What matters</h2>\n{inside}\n</section>'


def _bars(found: Importance) -> str:
    points = {name: (value, value, value, f"{value:.2f}") for name, value in found.points.items()}
    chart = _bar_chart("importance of each setting", points, " points of accuracy")
    words = f"""<p>By how many points of accuracy the predictions of a random forest get worse where
the values of one setting are shuffled among trials that the forest has not seen.
{_trust(found)}</p>
<div class="scroll bars">{chart}</div>"""
    if found.explained <= 0:
        return words
    if not found.shares:
        return (
            f"{words}\n<p>Shares by functional ANOVA need Optuna: {install_command('optuna')}.</p>"
        )
    shares = {
        name: (100 * each.share, 100 * each.low, 100 * each.high, f"{100 * each.share:.0f} %")
        for name, each in found.shares.items()
    }
    chart = _bar_chart("share of each setting", shares, " % of the differences")
    return f"""{words}
<p>The share of each setting alone in the differences among all scores, by functional ANOVA; the
lines are 90 % intervals by bootstrap over the trials. What the shares lack of 100 % is what
settings do together.</p>
<div class="scroll bars">{chart}</div>"""


def _bar_chart(name: str, values: dict[str, tuple[float, float, float, str]], unit: str) -> str:
    """Bars with intervals: each a value, the ends of its interval, and what is written beside."""
    ranked = sorted(values.items(), key=lambda each: -each[1][0])
    scale = linear("", [0.0, *(each for _, ends in ranked for each in ends[:3])])
    left, right, height = 150, 640, 28 * len(ranked) + 34
    bottom = 28 * len(ranked) + 6

    def across(place: float) -> float:
        return left + place * (right - left)

    parts = [
        f'<path class="grid" d="M{across(place):.1f} 4V{bottom}"/>'
        + text(tick, (across(place), bottom + 18))
        for place, tick in scale.ticks
    ]
    for number, (setting, (value, low, high, shown)) in enumerate(ranked):
        y = 20 + 28 * number
        ends = across(scale.place(0.0)), across(scale.place(value))
        parts.append(bar(y, ends, f"{setting}: {value:.2f}{unit}"))
        if low < high:
            between = across(scale.place(low)), across(scale.place(high))
            parts.append(f'<path class="whisker" d="M{between[0]:.1f} {y}H{between[1]:.1f}"/>')
        parts += [text(setting, (left - 10, y + 4), "beside")]
        beside = across(scale.place(max(value, high, 0))) + 8
        parts += [text(shown, (beside, y + 4), "after")]
    return svg(name, parts, 700, height)


def _trust(found: Importance) -> str:
    on = f"It was grown on {found.trials} trials, all on {escaped(found.problem)}, and "
    if found.explained <= 0:
        on += "foretells unseen trials no better than their mean: these bars mean nothing."
    else:
        on += f"explains {100 * found.explained:.0f} % of the differences among unseen ones."
    unvaried = escaped(", ".join(found.unvaried))
    return f"{on} {unvaried} had one value in all of them." if unvaried else on


# --- the explanation ------------------------------------------------------------------------------


def explanation(record: Record) -> str:
    """The strategy's own words, step by step; nothing for one that says nothing."""
    steps = []
    for stage, decisions in groupby(record.decisions, key=lambda decision: decision.stage):
        items = "".join(
            f"<li>{escaped(decision.text)} {_links(decision.trials)}</li>" for decision in decisions
        )
        steps.append(f"<h3>{escaped(stage)}</h3>\n<ul class='story'>{items}</ul>")
    if not steps:
        return ""
    return '<section id="story">\n<h2>Step by step</h2>\n' + "\n".join(steps) + "\n</section>"


def _links(trials: Sequence[int]) -> str:
    if not trials:
        return ""
    linked = ", ".join(f'<a href="#trial-{number}">{number}</a>' for number in trials)
    return f'<span class="note">(trial{"" if len(trials) == 1 else "s"} {linked})</span>'
