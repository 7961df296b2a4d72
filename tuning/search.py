"""A search: trials of one network, one or many at once, in a folder that survives all.

search.json     what is searched, and how; a search of something else is refused the folder
journal.jsonl   every event, and so the whole state: see ledger.py
trials/0000/    the runs of a trial, one folder a seed; an interrupted one goes on at its epoch

Any number of processes may work on one folder.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tuning.execution import run
from tuning.space import SearchSpace
from tuning.store.journal import Journal
from tuning.store.trials import Budget, TrialStore, check_same, trials_of, whole
from tuning.strategies.base import Strategy, Wait
from tuning.trial import Trial
from tuning.vectorized.train import stackable
from tuning.vectorized.trials import run_vectorized
from zoo.data import Data
from zoo.errors import RunError, SpecError
from zoo.spec import ModelSpec
from zoo.utils.atomic import atomic_write

__all__ = ["PAUSE", "Search", "trials_of"]

# Seconds between looks at whether the trials that a strategy waits for have ended.
PAUSE = 0.5


@dataclass(frozen=True)
class Search:
    """What is searched: a network over a space, by a strategy, `executions` seeds a point.

    The score of a trial is the mean, over its executions, of the validation accuracy at the best
    epoch, in 0..1; 0 for one that diverged. Raises SpecError for a space that the network does not
    fit.

    Up to `together` trials run in one program, as `train_together` does it, where the network can.
    It changes the time that trials take, and of their results the last digits.
    """

    project: Path
    spec: ModelSpec
    space: SearchSpace
    strategy: Strategy
    executions: int = 1
    seed: int = 0
    together: int = 1

    def __post_init__(self) -> None:
        self.space.check(self.spec)
        for name, least in (("executions", 1), ("seed", 0), ("together", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise SpecError(f"{name} must be a whole number from {least} up, not {value!r}")

    @property
    def store(self) -> TrialStore:
        return TrialStore(self.project)

    @property
    def journal(self) -> Journal:
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
        ended = [trial for trial in self.trials() if trial.score > 0]
        if not ended:
            raise RunError(
                f"no trial in {self.project} has learned anything: all diverged, or none has ended"
            )
        return max(ended, key=lambda trial: (trial.fidelity.rank, trial.score, -trial.number))

    def open(self, data: Data) -> None:
        """Make the folder, or check that it is this search's; RunError where it is another's."""
        mine = {**self.identity(), "strategy": _plain(self.strategy), "data": data.fingerprint}
        path = self.project / "search.json"
        try:
            if not path.exists():
                with atomic_write(path) as temporary:
                    temporary.write_text(json.dumps(mine, indent=2) + "\n")
                return
            there = json.loads(path.read_text())
        except OSError as error:
            raise RunError(
                f"{self.project} cannot be a search's folder ({error.strerror}): choose another"
            ) from error
        except ValueError as error:
            raise RunError(
                f"{path} is damaged ({error}): delete it, the same search writes it anew"
            ) from error
        check_same(there, mine, str(self.project), "Choose another folder, or delete that one.")

    def identity(self) -> dict[str, Any]:
        """What is searched, whoever decides on the points, as plain data."""
        return {
            "network": self.spec.name,
            "spec": self.spec.to_plain(),
            "space": self.space.to_plain(),
            "executions": self.executions,
            "seed": self.seed,
        }

    def work(
        self,
        data: Data,
        *,
        seconds: float | None = None,
        most: int | None = None,
        tell: Callable[[Trial], None] = lambda trial: None,
    ) -> None:
        """Run trials until the strategy has no more, calling `tell` at the end of each.

        No trial begins once all trials together have cost `seconds`, or there are `most` of them.
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
                    self.store.end(each.number, result)
                    tell(replace(each, result=result))

    def _results(
        self, trial: Trial, budget: Budget, data: Data
    ) -> Iterator[tuple[Trial, dict[str, Any]]]:
        """A trial that is taken, with its result; and others that ran together with it."""
        if self.together == 1 or not stackable(self.spec) or not whole(trial):
            yield trial, self._run(trial, data)
            return
        with self.store.claim_batch(trial, self.strategy, budget, self.together) as trials:
            yield from run_vectorized(trials, self.spec, data, self.store.folder, self.seeds)

    def _run(self, trial: Trial, data: Data) -> dict[str, Any]:
        before = None if trial.after is None else self.store.folder(trial.after)
        folder = self.store.folder(trial.number)
        return run(trial, self.spec, data, folder, self.seeds, before=before)


def _plain(strategy: Strategy) -> dict[str, Any]:
    told = {name: value for name, value in vars(strategy).items() if name not in ("space", "spec")}
    return {"kind": type(strategy).__name__, **told}
