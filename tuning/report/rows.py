"""The table of a report: a row a trial, and what it is sorted by."""

from __future__ import annotations

import json

from tuning.report.charts import cost_of
from tuning.report.drawing import escaped
from tuning.report.record import Record, state_of
from tuning.report.scales import short
from tuning.trial import Trial

Cell = tuple[str, str]  # what is shown, as HTML, and what is sorted by


def table(record: Record) -> str:
    """Every trial in a row, sortable by any column."""
    words = _wordy(record)
    columns = _columns(record)
    best = record.best
    head = "".join(
        f'<th scope="col"{_side(name in words)}><button type="button">{escaped(name)}</button></th>'
        for name in columns
    )
    rows = []
    for trial in record.all:
        cells = "".join(
            f'<td{_side(name in words)} data-value="{escaped(key)}">{shown}</td>'
            for name, (shown, key) in _cells(record, trial).items()
        )
        kind = ' class="best"' if best and trial.number == best.number else ""
        number = trial.number
        rows.append(f'<tr id="trial-{number}" data-trial="{number}"{kind}>{cells}</tr>')
    return f"""<section id="trials">
<h2>All trials</h2>
<p>Press a heading to sort, and a trial's number to see it in the charts.</p>
<div class="table" tabindex="0" role="region" aria-label="all trials">
<table><thead><tr>{head}</tr></thead>
<tbody>{"".join(rows)}</tbody></table></div>
</section>"""


def _columns(record: Record) -> list[str]:
    return list(_cells(record, record.all[0]))


def _cells(record: Record, trial: Trial) -> dict[str, Cell]:
    """What stands in a trial's row, by column."""
    done = trial.executions
    cells = {"trial": (_button(trial), str(trial.number)), "validation (%)": _score(trial)}
    if record.executions > 1:
        scores = [100 * each.accuracy for each in done]
        low, high = (min(scores), max(scores)) if scores else (None, None)
        cells["worst seed (%)"] = _number(low, ".2f")
        cells["best seed (%)"] = _number(high, ".2f")
    for name, value in trial.values.items():
        cells[name] = (escaped(short(value)), _key(value))
    cells["epochs"] = _number(max((each.epochs for each in done), default=None), "d")
    cells["best epoch"] = _number(max((each.best_epoch for each in done), default=None), "d")
    cells["training cost"] = _number(cost_of(trial), ".4g")
    cells["time (s)"] = _number(trial.seconds if trial.result else None, ".1f")
    ranks = [problem.rank for problem in record.problems]
    if len(ranks) > 1:
        cells["problem"] = (escaped(trial.fidelity), f"{ranks.index(trial.fidelity.rank):04}")
    if any(each.after is not None for each in record.all):
        cells["goes on from"] = _number(trial.after, "d")
    if any(state_of(each) for each in record.all):
        cells["remark"] = (escaped(state_of(trial)), state_of(trial))
    return cells


def _button(trial: Trial) -> str:
    number = trial.number
    label = f"show trial {number} in the charts"
    return f'<button type="button" aria-pressed="false" aria-label="{label}">{number}</button>'


def _score(trial: Trial) -> Cell:
    return _number(100 * trial.score, ".2f") if trial.result else ("", "")


def _number(value: float | None, form: str) -> Cell:
    return ("", "") if value is None else (format(value, form), repr(value))


def _key(value: object) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return repr(value) if number else json.dumps(value)


def _wordy(record: Record) -> set[str]:
    values = {
        name
        for trial in record.all
        for name, value in trial.values.items()
        if not isinstance(value, int | float)
    }
    return {"problem", "remark", *values}


def _side(words: bool) -> str:
    return ' class="words"' if words else ""
