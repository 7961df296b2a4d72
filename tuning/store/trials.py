"""The trials of a search in a folder: taken by one process at a time, ended once, none forgotten.

journal.jsonl       every event, and so the whole state
trials/0000/lock    held by the process that answers for the trial

The operating system lets a lock go when its holder dies, and the next process to look takes the
trial up again.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tuning.fidelity import FULL, Fidelity
from tuning.store.journal import Event, Journal
from tuning.strategies.base import Strategy, Wait
from tuning.trial import Trial
from zoo.errors import RunError


@dataclass(frozen=True)
class Budget:
    """What a search may spend: seconds of training in all, or a number of trials."""

    seconds: float | None = None
    trials: int | None = None

    def spent_by(self, trials: Sequence[Trial]) -> bool:
        """Whether no trial may begin after these."""
        if self.trials is not None and len(trials) >= self.trials:
            return True
        spent = sum(trial.result["seconds"] for trial in trials if trial.result)
        return self.seconds is not None and spent >= self.seconds

    def holds(self, trials: Sequence[Trial]) -> float:
        """About how many more trials the seconds allow: by the mean so far, and one to begin with.

        What runs together ends together, so that a batch may not be larger.
        """
        if self.seconds is None:
            return math.inf
        spent = [trial.result["seconds"] for trial in trials if trial.result]
        return (self.seconds - sum(spent)) / max(statistics.mean(spent), 1e-9) if spent else 1


ENDLESS = Budget()


@dataclass(frozen=True)
class TrialStore:
    """The folder of a search."""

    project: Path

    @property
    def journal(self) -> Journal:
        return Journal(self.project / "journal.jsonl")

    def trials(self) -> list[Trial]:
        """All trials so far, ended or not, by their numbers."""
        return trials_of(self.journal.read())

    def folder(self, number: int) -> Path:
        """Where a trial keeps its runs."""
        return self.project / "trials" / f"{number:04}"

    @contextlib.contextmanager
    def claim(self, strategy: Strategy, budget: Budget = ENDLESS) -> Iterator[Trial | Wait | None]:
        """The trial to run next, held: one that its process left, or a new one; None at the end."""
        with contextlib.ExitStack() as stack:
            with self.journal.writing() as writer:
                trials = trials_of(writer.events)
                trial = self._left_behind(trials, stack) or _new(strategy, trials, budget)
                if isinstance(trial, Trial) and trial.number == len(trials):
                    stack.enter_context(file_lock(self.folder(trial.number) / "lock"))
                    writer.add(_began(trial))
            yield trial

    @contextlib.contextmanager
    def claim_batch(
        self, first: Trial, strategy: Strategy, budget: Budget, most: int
    ) -> Iterator[list[Trial]]:
        """A whole trial that is taken, and up to `most` in all of its fidelity, held as it is."""

        def joins(trial: Trial | Wait | None) -> bool:
            return isinstance(trial, Trial) and whole(trial) and trial.fidelity == first.fidelity

        found = [first]
        with contextlib.ExitStack() as stack:
            with self.journal.writing() as writer:
                trials = trials_of(writer.events)
                most = min(most, budget.holds(trials))
                waiting = [trial for trial in trials if not trial.result and joins(trial)]
                while len(found) < most and (trial := self._left_behind(waiting, stack)):
                    found.append(trial)
                while len(found) < most and joins(trial := _new(strategy, trials, budget)):
                    stack.enter_context(file_lock(self.folder(trial.number) / "lock"))
                    writer.add(_began(trial))
                    trials, found = [*trials, trial], [*found, trial]
            yield found

    def end(self, number: int, result: dict[str, Any]) -> None:
        """Note a trial's result; nothing where it has one already."""
        with self.journal.writing() as writer:
            if trials_of(writer.events)[number].result is None:
                writer.add({"event": "ended", "trial": number, "result": result})

    def _left_behind(self, trials: Sequence[Trial], stack: contextlib.ExitStack) -> Trial | None:
        for trial in trials:
            if trial.result is None:
                with contextlib.suppress(BlockingIOError):
                    stack.enter_context(file_lock(self.folder(trial.number) / "lock"))
                    return trial
        return None


def whole(trial: Trial) -> bool:
    """Whether a trial trains from the first epoch to the last, and is no part of a longer run."""
    return trial.after is None and not trial.fidelity.until


def trials_of(events: Sequence[Event]) -> list[Trial]:
    """The trials that a journal tells of, by their numbers; a trial ends once."""
    trials: dict[int, Trial] = {}
    for event in events:
        if event["event"] == "started":
            fidelity = Fidelity(**event.get("fidelity", {}))
            begun = Trial(event["trial"], event["values"], None, fidelity, event.get("after"))
            trials.setdefault(begun.number, begun)
        elif event["event"] == "ended" and trials[event["trial"]].result is None:
            trials[event["trial"]] = replace(trials[event["trial"]], result=event["result"])
    return [trials[number] for number in sorted(trials)]


@contextlib.contextmanager
def file_lock(lock: Path) -> Iterator[None]:
    """Hold a lock, alone; BlockingIOError where a living process holds it."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def check_same(there: dict[str, Any], mine: dict[str, Any], where: str, advice: str) -> None:
    """RunError, with every difference shown, unless both tell of the same search."""
    for name in mine:
        if there.get(name) != mine[name]:
            shown = "; ".join(_differences(there.get(name), mine[name], name))
            raise RunError(f"{where} holds a search with another {name}: {shown}. {advice}")


def _differences(there: Any, mine: Any, path: str) -> list[str]:
    if isinstance(there, dict) and isinstance(mine, dict):
        names = dict.fromkeys([*there, *mine])
        odd = [name for name in names if there.get(name) != mine.get(name)]
        inner = [_differences(there.get(name), mine.get(name), name) for name in odd]
        return [told for group in inner for told in group]
    return [f"{path} is {_told(there)} there and {_told(mine)} here"]


def _told(value: Any) -> str:
    return "absent" if value is None else json.dumps(value)


def _new(strategy: Strategy, trials: Sequence[Trial], budget: Budget) -> Trial | Wait | None:
    if budget.spent_by(trials):
        return None
    plan = strategy.next(trials)
    if plan is None or isinstance(plan, Wait):
        return plan
    return Trial(len(trials), plan.values, None, plan.fidelity, plan.after)


def _began(trial: Trial) -> Event:
    told: Event = {"event": "started", "trial": trial.number, "values": trial.values}
    if trial.fidelity != FULL:
        told["fidelity"] = trial.fidelity.to_plain()
    if trial.after is not None:
        told["after"] = trial.after
    return {**told, "time": round(time.time(), 1)}
