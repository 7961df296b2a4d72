"""Hyperband (L. Li et al. 2017), decided by keras-tuner's own oracle: many points, few epochs each.

Of the points in a rung, the best third goes on for three times the epochs, and so on up to the full
number; brackets differ in how many points they start with, and for how long. keras-tuner's oracle
remembers its brackets; here they are rebuilt from the trials whenever it is asked, so that it
decides the same whatever was killed in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras_tuner
from keras_tuner.engine.trial import Trial as KerasTrial

from tuning.fidelity import FULL, Fidelity
from tuning.space import SearchSpace, Values
from tuning.strategies.base import WAIT, Wait
from tuning.strategies.random import random_point
from tuning.trial import Suggestion, Trial
from zoo.errors import SpecError


@dataclass(frozen=True)
class Hyperband:
    """The strategy: up to `epochs` a run, of which each rung runs `factor` times the last one's.

    A run that goes on is taken up where it paused. It is paused, not cut short: a schedule over its
    epochs is that of the full run.
    """

    space: SearchSpace
    epochs: int
    factor: int = 3
    iterations: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("factor", 2), ("iterations", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise SpecError(f"Hyperband's {name} are {least} or more, not {value!r}")

    def next(self, trials: Sequence[Trial]) -> Suggestion | Wait | None:
        chosen = _Brackets(self, trials).populate_space(str(len(trials)))
        if chosen["status"] != "RUNNING":
            return WAIT if chosen["status"] == "IDLE" else None
        told = chosen["values"]
        values = {name: told[name] for name, _ in self.space.ranges}
        epochs, after = told["tuner/epochs"], told.get("tuner/trial_id")
        fidelity = FULL if epochs == self.epochs else Fidelity(until=epochs)
        return Suggestion(values, fidelity, None if after is None else int(after))

    @property
    def total(self) -> int:
        """All trials of all rungs."""
        oracle = _Brackets(self, [])
        rungs = [(bracket, rung) for bracket in range(oracle._current_bracket + 1)
                 for rung in range(bracket + 1)]  # fmt: skip
        return self.iterations * sum(oracle._get_size(*rung) for rung in rungs)


class _Brackets(keras_tuner.oracles.HyperbandOracle):
    """keras-tuner's oracle, at the point where the trials so far have brought it."""

    def __init__(self, search: Hyperband, trials: Sequence[Trial]):
        super().__init__(
            objective=keras_tuner.Objective("val_accuracy", "max"),
            max_epochs=search.epochs,
            factor=search.factor,
            hyperband_iterations=search.iterations,
            seed=1,  # draws nothing: the points are ours
        )
        self.search, self.drawn = search, 0
        rungs: dict[int, tuple[dict, int]] = {}
        for trial in trials:
            rungs[trial.number] = self._place(trial, rungs)
            self._remember(trial)

    def _place(self, trial: Trial, rungs: dict[int, tuple[dict, int]]) -> tuple[dict, int]:
        if trial.after is None:
            bracket, rung, past = self._open_bracket(), 0, None
            self.drawn += 1
        else:
            bracket, rung = rungs[trial.after]
            rung, past = rung + 1, str(trial.after)
        bracket["rounds"][rung].append({"past_id": past, "id": str(trial.number)})
        return bracket, rung

    def _open_bracket(self) -> dict:
        newest = self._brackets[-1]
        if len(newest["rounds"][0]) == self._get_size(newest["bracket_num"], 0):
            self._increment_bracket_num()
            self._start_new_bracket()
        return self._brackets[-1]

    def _remember(self, trial: Trial) -> None:
        told = keras_tuner.HyperParameters()
        told.values = dict(trial.values)
        name = str(trial.number)
        self.trials[name] = KerasTrial(told, name, "COMPLETED" if trial.result else "RUNNING")
        self.trials[name].score = trial.score
        if not trial.result:
            self.ongoing_trials[name] = self.trials[name]

    def _random_values(self) -> Values:
        return random_point(self.search.space, self.search.seed, self.drawn)
