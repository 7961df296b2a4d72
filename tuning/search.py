"""A search: trials of one network, one or many at once, in a folder that survives all.

search.json     what is searched, and how; a search of something else is refused the folder
journal.jsonl   every event, and so the whole state: see tuning/store
trials/0000/    the runs of a trial, one folder a seed; an interrupted one goes on at its epoch

Any number of processes may work on one folder.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tuning.space import SearchSpace, apply
from tuning.store.identity import SearchIdentity, check_identity, settle_identity
from tuning.store.journal import Journal
from tuning.store.results import best_of, forget_end
from tuning.store.trials import Budget, TrialStore
from tuning.strategies.base import Strategy, Wait
from tuning.trial import Trial, TrialResult
from zoo.data import Data
from zoo.errors import RunError, SpecError
from zoo.spec import ModelSpec

# Seconds between looks at whether the trials that a strategy waits for have ended.
PAUSE = 0.5


@dataclass(frozen=True)
class Search:
    """What is searched: a network over a space, by a strategy, `executions` seeds a point.

    The score of a trial is the mean, over its executions, of the validation accuracy at the best
    epoch, in 0..1; 0 for one that diverged. Raises SpecError for a space that the network does not
    fit.

    Up to `batch_trials` trials run in one program, as `train_vectorized` does it, where the network
    can. It changes the time that trials take, and of their results the last digits.

    With `storage`, the address of a PostgreSQL database as `tuning.store.database.check_url`
    returns it, trials are recorded there, in a study of the folder's name: nodes with folders of
    their own then work on one search.
    """

    project: Path
    spec: ModelSpec
    space: SearchSpace
    strategy: Strategy
    executions: int = 1
    seed: int = 0
    batch_trials: int = 1
    storage: str = ""

    def __post_init__(self) -> None:
        self.space.check(self.spec)
        for name, least in (("executions", 1), ("seed", 0), ("batch_trials", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise SpecError(f"{name} must be a whole number from {least} up, not {value!r}")
        if self.storage:
            _ = self.study  # a folder that gives it no name is refused here

    @property
    def store(self) -> TrialStore:
        """The trials' files, and the record of them."""
        if self.storage:
            from tuning.store.database import DatabaseStore

            return DatabaseStore(self.project, self.space, self.storage, self.study)
        return TrialStore(self.project, self.space)

    @property
    def study(self) -> str:
        """The name of the study in the database, that of the folder; empty without a database."""
        if not self.storage:
            return ""
        from tuning.store.database import study_of

        return study_of(self.project)

    @property
    def journal(self) -> Journal:
        """The record of all trials that started or ended, a line each."""
        return self.store.journal

    @property
    def seeds(self) -> range:
        """Of the executions of every point."""
        return range(self.seed, self.seed + self.executions)

    def trials(self) -> list[Trial]:
        """All trials so far, ended or not, by their numbers."""
        return self.store.trials()

    def best(self) -> Trial:
        """The ended trial with the highest score, of equals the first; RunError without one.

        Among those that saw the most of the problem: scores on less of it do not compare.
        """
        best = best_of(self.trials())
        if best is None:
            raise RunError(
                f"no trial in {self.project} has learned anything: all diverged, or none has ended"
            )
        return best

    def open(self, data: Data) -> None:
        """Make the folder, or check that it is this search's; RunError where it is another's."""
        strategy, study = self.strategy.to_plain(), self.study
        mine = replace(self.identity(), strategy=strategy, data=data.fingerprint, study=study)

        def widens(space: dict[str, Any]) -> bool:
            there = SearchSpace.from_plain(space)
            if not self.strategy.widenable or not self.space.holds(there):
                return False
            if not self.space.widens(there):
                raise RunError(
                    f"{self.project} holds a search of a part of this space, which has "
                    f"{self.space.size:,} points in all: each is tried once, in an order that "
                    "depends on all of them, so only a search with a range of real numbers goes on "
                    "over a wider space. Choose another folder"
                )
            return True

        path, extendable = self.project / "search.json", self.strategy.extendable
        if self.storage:
            from tuning.store.studies import settle

            check_identity(path, mine, extendable, widens)  # else it would begin a study in vain
            settle(self.store, mine, extendable, widens)
        settle_identity(path, mine, extendable, widens)
        forget_end(self.project)

    def identity(self) -> SearchIdentity:
        """What is searched, whoever decides on the points."""
        return SearchIdentity(
            self.spec.name,
            self.spec.to_plain(),
            self.space.to_plain(),
            self.executions,
            self.seed,
        )

    def work(
        self,
        data: Data,
        *,
        seconds: float | None = None,
        most: int | None = None,
        tell: Callable[[Trial], None] = lambda trial: None,
    ) -> None:
        """Run trials until the search is over.

        It is over when every trial has ended, those of other processes too, and the strategy has no
        more.

        Args:
            data: Training and validation images.
            seconds: No trial begins once all together have cost so much; None sets no limit.
            most: Nor once there are so many of them.
            tell: Called at the end of each trial that ran here.

        Raises:
            RunError: The folder is of another search, or damaged.
        """
        self.open(data)
        budget = Budget(seconds, most)
        while True:
            with self.store.claim(self.strategy, budget) as trial:
                if trial is None:
                    return
                if isinstance(trial, Wait):
                    time.sleep(PAUSE)
                    continue
                for each, result in self._results(trial, budget, data):
                    tell(self.end(replace(each, result=result), data))

    def end(self, trial: Trial, data: Data) -> Trial:
        """Note the result of a trial, with the latency of its network where the strategy asks.

        Args:
            trial: One that is claimed, with its result.
            data: What it was trained on.
        """
        result = self.measured(trial, data)
        self.store.end(trial.number, result)
        return replace(trial, result=result)

    def measured(self, trial: Trial, data: Data) -> TrialResult:
        """A trial's result, with the latency of its network where the strategy asks for it.

        Args:
            trial: As for `end`.
            data: As for `end`.
        """
        result = trial.result
        assert result is not None
        if not self.strategy.measures_latency:
            return result
        from tuning.latency import latency_of

        with contextlib.suppress(SpecError):  # a point that makes no network: the result says so
            return replace(result, latency=latency_of(apply(self.spec, trial.values), data))
        return result

    def is_over(self, *, seconds: float | None = None, most: int | None = None) -> bool:
        """Whether all trials have ended and none will begin.

        Args:
            seconds: As for `work`.
            most: As for `work`.
        """
        trials = self.trials()
        if not all(trial.result for trial in trials):
            return False
        return Budget(seconds, most).spent_by(trials) or self.strategy.suggest(trials) is None

    def _results(
        self, trial: Trial, budget: Budget, data: Data
    ) -> Iterator[tuple[Trial, TrialResult]]:
        """A trial that is claimed, with its result; and others that ran in one program with it."""
        from tuning.vectorized.train import stackable
        from tuning.vectorized.trials import run_vectorized

        if self.batch_trials == 1 or not stackable(self.spec):
            yield trial, self._run(trial, data)
            return
        with self.store.claim_batch(trial, self.strategy, budget, self.batch_trials) as trials:
            yield from run_vectorized(trials, self.spec, data, self.store.folder, self.seeds)

    def _run(self, trial: Trial, data: Data) -> TrialResult:
        from tuning.execution import run

        before = None if trial.after is None else self.store.folder(trial.after)
        folder = self.store.folder(trial.number)
        return run(trial, self.spec, data, folder, self.seeds, before=before)
