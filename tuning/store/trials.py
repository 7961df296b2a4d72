"""The trials of a search in a folder: claimed by one process at a time, ended once, none lost.

journal.jsonl       every event, and so the whole state
trials/0000/lock    held by the process that runs the trial

The operating system lets a lock go when its holder dies, and the next process to look claims the
trial again.
"""

from __future__ import annotations

import contextlib
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuning.space import SearchSpace
from tuning.store.events import ended_event, started_event, trials_of
from tuning.store.journal import Journal
from tuning.strategies.base import WAIT, Strategy, Wait
from tuning.trial import Trial, TrialResult
from zoo.utils.locks import file_lock


@dataclass(frozen=True)
class Budget:
    """What a search may spend: seconds of training in all, or a number of trials."""

    seconds: float | None = None
    trials: int | None = None

    @property
    def limited(self) -> bool:
        """Whether it sets any limit."""
        return self != ENDLESS

    def spent_by(self, trials: Sequence[Trial]) -> bool:
        """Whether no trial may begin after these."""
        if self.trials is not None and len(trials) >= self.trials:
            return True
        spent = sum(trial.result.seconds for trial in trials if trial.result)
        return self.seconds is not None and spent >= self.seconds

    def holds(self, trials: Sequence[Trial]) -> float:
        """About how many more trials the seconds allow: by the mean so far, and one to begin with.

        What runs together ends together, so that a batch may not be larger.
        """
        if self.seconds is None:
            return math.inf
        spent = [trial.result.seconds for trial in trials if trial.result]
        return (self.seconds - sum(spent)) / max(statistics.mean(spent), 1e-9) if spent else 1


ENDLESS = Budget()


@dataclass(frozen=True)
class TrialStore:
    """The folder of a search.

    Attributes:
        project: The folder.
        space: Every trial must have a value of each of its settings; None to check none.
    """

    project: Path
    space: SearchSpace | None = None

    @property
    def journal(self) -> Journal:
        """The record of all trials that started or ended, a line each."""
        return Journal(self.project / "journal.jsonl")

    def trials(self) -> list[Trial]:
        """All trials so far, ended or not, by their numbers."""
        return self._trials(self.journal.read())

    def folder(self, number: int) -> Path:
        """Where a trial keeps its runs."""
        return self.project / "trials" / f"{number:04}"

    @contextlib.contextmanager
    def claim(self, strategy: Strategy, budget: Budget = ENDLESS) -> Iterator[Trial | Wait | None]:
        """The trial to run next, one that its process left or a new one; held until the block ends.

        Args:
            strategy: Suggests a new one.
            budget: When no new one begins any more.

        Yields:
            The trial; WAIT where the next depends on trials that other processes run, or where
            those are all that is left; None when every trial has ended and none will begin.
        """
        with contextlib.ExitStack() as stack:
            with self.journal.writing() as writer:
                trials = self._trials(writer.events)
                trial = self._left_behind(trials, stack) or _new(strategy, trials, budget)
                if isinstance(trial, Trial) and trial.number == len(trials):
                    stack.enter_context(self.hold(trial.number))
                    writer.add(started_event(trial))
                elif trial is None and not all(each.result for each in trials):
                    trial = WAIT  # its process may yet die, and then somebody has to run it
            yield trial

    @contextlib.contextmanager
    def claim_batch(
        self, first: Trial, strategy: Strategy, budget: Budget, most: int
    ) -> Iterator[list[Trial]]:
        """A trial that is claimed, and others of its fidelity, held as it is until the block ends.

        Args:
            first: The trial that is claimed.
            strategy: Suggests new ones.
            budget: When no new one begins any more; by its seconds the batch may be smaller.
            most: How many trials in all.

        Yields:
            `first`, and after it those that were left behind, then new ones.
        """

        def joins(trial: Trial | Wait | None) -> bool:
            return isinstance(trial, Trial) and trial.fidelity == first.fidelity

        found = [first]
        with contextlib.ExitStack() as stack:
            with self.journal.writing() as writer:
                trials = self._trials(writer.events)
                limit = budget.holds(trials)
                begun = [trial for trial in trials if not trial.result]  # here or elsewhere
                waiting = [trial for trial in begun if trial.number != first.number]
                waiting = [trial for trial in waiting if joins(trial)]
                while len(found) < min(most, limit):
                    if not (left := self._left_behind(waiting, stack)):
                        break
                    found.append(left)
                while len(found) < most and len(begun) < limit:
                    trial = _new(strategy, trials, budget)
                    if not isinstance(trial, Trial) or not joins(trial):
                        break
                    stack.enter_context(self.hold(trial.number))
                    writer.add(started_event(trial))
                    trials, found, begun = [*trials, trial], [*found, trial], [*begun, trial]
            yield found

    def end(self, number: int, result: TrialResult) -> None:
        """Note a trial's result; nothing where it has one already.

        Args:
            number: Of the trial.
            result: What came of it.
        """
        with self.journal.writing() as writer:
            if self._trials(writer.events)[number].result is None:
                writer.add(ended_event(number, result))

    def hold(self, number: int) -> contextlib.AbstractContextManager[None]:
        """Hold a trial; BlockingIOError where a living process holds it."""
        return file_lock(self.folder(number) / "lock")

    def _trials(self, events: list[dict[str, Any]]) -> list[Trial]:
        ranges = None if self.space is None else dict(self.space.ranges)
        return trials_of(events, self.journal.path, ranges)

    def _left_behind(self, trials: Sequence[Trial], stack: contextlib.ExitStack) -> Trial | None:
        for trial in trials:
            if trial.result is None:
                with contextlib.suppress(BlockingIOError):
                    stack.enter_context(self.hold(trial.number))
                    return trial
        return None


def _new(strategy: Strategy, trials: Sequence[Trial], budget: Budget) -> Trial | Wait | None:
    if budget.spent_by(trials):
        return None
    suggestion = strategy.suggest(trials)
    if suggestion is None or isinstance(suggestion, Wait):
        return suggestion
    values, fidelity, after = suggestion.values, suggestion.fidelity, suggestion.after
    return Trial(len(trials), values, None, fidelity, after)
