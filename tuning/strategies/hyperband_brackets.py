"""keras-tuner's Hyperband oracle, brought to where the trials of a search have come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras_tuner
from keras_tuner.engine.trial import Trial as KerasTrial

from tuning.space import Values
from tuning.strategies.random import random_after
from tuning.trial import Trial

if TYPE_CHECKING:
    from tuning.strategies.hyperband import Hyperband


class Brackets(keras_tuner.oracles.HyperbandOracle):
    """keras-tuner's oracle, at the point where the trials so far have brought it."""

    def __init__(self, search: Hyperband, trials: Sequence[Trial]):
        super().__init__(
            objective=keras_tuner.Objective("val_accuracy", "max"),
            max_epochs=search.epochs,
            factor=search.factor,
            hyperband_iterations=search.iterations,
            seed=1,  # draws nothing: the points are ours
        )
        self.search = search
        self.entered = [trial for trial in trials if trial.after is None]
        rungs: dict[int, tuple[dict, int]] = {}
        for trial in trials:
            rungs[trial.number] = self._place(trial, rungs)
            self._remember(trial)

    def _place(self, trial: Trial, rungs: dict[int, tuple[dict, int]]) -> tuple[dict, int]:
        if trial.after is None:
            bracket, rung, past = self._open_bracket(), 0, None
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
        hyperparameters = keras_tuner.HyperParameters()
        hyperparameters.values = dict(trial.values)
        name = str(trial.number)
        self.trials[name] = KerasTrial(
            hyperparameters, name, "COMPLETED" if trial.result else "RUNNING"
        )
        self.trials[name].score = trial.score
        if not trial.result:
            self.ongoing_trials[name] = self.trials[name]

    def _random_values(self) -> Values:
        search = self.search
        if len(self.entered) < len(search.start):
            return dict(search.start[len(self.entered)])
        return random_after(search.start, search.space, search.seed, self.entered)
