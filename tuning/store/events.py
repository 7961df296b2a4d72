"""The events of a search as checked records, and the trials that they add up to."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from tuning.fidelity import FULL, Fidelity
from tuning.ranges import GREATEST, Choice, Range
from tuning.store.journal import Event, damaged
from tuning.trial import Count, Trial, TrialResult


@dataclass(frozen=True)
class Started:
    """A trial begins; `time` is in seconds since 1970."""

    trial: Count
    values: dict[str, Any]
    fidelity: Fidelity = FULL
    after: Count | None = None
    time: float | None = None


@dataclass(frozen=True)
class Ended:
    """A trial ends with a result."""

    trial: Count
    result: TrialResult


KINDS: dict[str, type[Started] | type[Ended]] = {"started": Started, "ended": Ended}


def started_event(trial: Trial) -> Event:
    """The event that begins a trial, now; what is at its default is left out."""
    event: Event = {"event": "started", "trial": trial.number, "values": trial.values}
    if trial.fidelity != FULL:
        event["fidelity"] = trial.fidelity.to_plain()
    if trial.after is not None:
        event["after"] = trial.after
    return {**event, "time": round(time.time(), 1)}


def ended_event(number: int, result: TrialResult) -> Event:
    """The event that ends a trial."""
    return {"event": "ended", "trial": number, "result": result.to_plain()}


def records(events: Sequence[Event], path: Path) -> list[Started | Ended]:
    """Each event of a journal as a record.

    Args:
        events: In order, the first on line 1.
        path: Of the journal, as the error names it.

    Raises:
        RunError: An event is of no known kind, or a field is missing, of another type or out of
            range; the line and the field are named.
    """
    return [_record(event, path, line) for line, event in enumerate(events, start=1)]


def trials_of(
    events: Sequence[Event], path: Path, ranges: Mapping[str, Range] | None = None
) -> list[Trial]:
    """The trials that the events of a journal add up to, by their numbers; a trial ends once.

    Args:
        events: All events, in order.
        path: The journal, for messages.
        ranges: Those of the space; each trial must have a value of each of them.

    Raises:
        RunError: As for `records`, and where an event does not follow from those before it.
    """
    trials: list[Trial] = []
    for line, event in enumerate(records(events, path), start=1):
        problem = _problem(event, trials, ranges)
        if problem:
            raise damaged(path, line, problem, ended=isinstance(event, Ended))
        if isinstance(event, Started):
            trials.append(Trial(event.trial, event.values, None, event.fidelity, event.after))
        elif trials[event.trial].result is None:
            trials[event.trial] = replace(trials[event.trial], result=event.result)
    return trials


def explained(error: Exception) -> str:
    """What msgspec says of a value that does not fit, with the field in front.

    >>> explained(ValueError("Expected `int`, got `str` - at `$.result.score`"))
    'result.score: expected `int`, got `str`'
    >>> explained(ValueError("Object missing required field `trial`"))
    'object missing required field `trial`'
    """
    what, _, where = str(error).partition(" - at ")
    what = what[:1].lower() + what[1:]
    field = re.sub(r"^\$\.?|`", "", where.strip("`"))
    return f"{field}: {what}" if field else what


def _record(event: Event, path: Path, line: int) -> Started | Ended:
    kind = KINDS.get(str(event["event"]))
    if kind is None:
        expected = " or ".join(KINDS)
        raise damaged(path, line, f"event: expected {expected}, got {event['event']!r}")
    try:
        return msgspec.convert({**event, "event": None}, kind)
    except (ValueError, OverflowError, RecursionError) as error:
        raise damaged(path, line, explained(error), ended=kind is Ended) from error


def _problem(
    event: Started | Ended, trials: Sequence[Trial], ranges: Mapping[str, Range] | None
) -> str:
    """Why an event cannot follow on these trials; nothing where it can."""
    if isinstance(event, Ended):
        begun = event.trial < len(trials)
        return "" if begun else f"trial {event.trial} ends, and no line before begins it"
    if event.trial != len(trials):
        return f"trial {event.trial} begins, where trial {len(trials)} was expected"
    if event.after is not None and event.after >= event.trial:
        return f"after: expected an earlier trial, got {event.after}"
    return "" if ranges is None else _misfit(event.values, ranges)


def _misfit(values: Mapping[str, Any], ranges: Mapping[str, Range]) -> str:
    """Why values are none of a space; nothing where they are. Numbers may lie outside the range."""
    if set(values) != set(ranges):
        odd = sorted(set(values).symmetric_difference(ranges))
        return f"values: expected {', '.join(ranges)}; see {odd[0]!r}"
    for name, kind in ranges.items():
        number = isinstance(values[name], int | float) and not isinstance(values[name], bool)
        if isinstance(kind, Choice):
            continue
        if not number or abs(values[name]) > GREATEST:
            shown = str(values[name])[:40] if number else repr(values[name])
            return f"values.{name}: expected a number within {GREATEST:g}, got {shown}"
    return ""
