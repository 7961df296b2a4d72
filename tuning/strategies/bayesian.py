"""Bayesian optimisation by keras-tuner's own model: a Gaussian process over the trials so far."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tuning.space import SearchSpace, Values
from tuning.strategies.keras_tuner_space import check_convertible, hyperparameters
from tuning.strategies.random import TRIALS_OPTION, Capped, untried
from tuning.strategies.registry import register_strategy
from tuning.trial import Suggestion, Trial

if TYPE_CHECKING:
    import keras_tuner


@register_strategy(
    "bayesian",
    "where a model of the trials so far hopes for most (keras-tuner's)",
    options=(TRIALS_OPTION,),
)
@dataclass(frozen=True)
class Bayesian(Capped):
    """The strategy: random points first, three a setting, then where the model hopes for most.

    No point of a finite space comes twice. keras-tuner's oracle draws from a generator that it does
    not keep; here each decision has a generator of its own, by seed and number.
    """

    space: SearchSpace
    trials: int | None = None
    seed: int = 0
    start: tuple[Values, ...] = ()
    widenable: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._check_trials("a Bayesian search")
        check_convertible(self.space)

    def suggest(self, trials: Sequence[Trial]) -> Suggestion | None:
        """Suggest the point of the largest upper confidence bound; random points come first."""
        if self.total is not None and len(trials) >= self.total:
            return None
        if len(trials) < len(self.start):
            return Suggestion(dict(self.start[len(trials)]))
        ended = [trial for trial in trials if trial.result]
        if len(ended) < max(3 * len(self.space.ranges), 3):
            return Suggestion(self._random(trials))
        return Suggestion(untried(self._hoped_for(trials), self.space, self.seed, trials))

    def _hoped_for(self, trials: Sequence[Trial]) -> Values:
        import keras_tuner
        from threadpoolctl import threadpool_limits

        oracle = keras_tuner.oracles.BayesianOptimizationOracle(
            objective=keras_tuner.Objective("val_accuracy", "max"),
            hyperparameters=hyperparameters(self.space),
            num_initial_points=1,
            # From 1 up: keras-tuner takes 0 for no seed.
            seed=1 + int(np.random.default_rng([self.seed, len(trials)]).integers(2**31 - 1)),
        )
        # On one thread: the matrices are small, and two threads take seven times as long.
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore")  # of scikit-learn's, on fits that end at a bound
            self._tell(oracle, [trial for trial in trials if trial.result])
            # For trials that run, the oracle assumes what its last fit says of them.
            oracle.gpr.fit(*oracle._vectorize_trials())
            self._tell(oracle, [trial for trial in trials if not trial.result])
            chosen = oracle.populate_space(str(len(trials)))["values"]
        return {name: _plain(chosen[name]) for name, _ in self.space.ranges}

    def _tell(self, oracle: keras_tuner.Oracle, trials: Sequence[Trial]) -> None:
        from keras_tuner.engine.trial import Trial as KerasTrial

        for trial in trials:
            point = oracle.get_space()
            point.values = dict(trial.values)
            name = str(trial.number)
            keras_trial = KerasTrial(point, name, "COMPLETED" if trial.result else "RUNNING")
            keras_trial.score = trial.score
            oracle.trials[name] = keras_trial
            if not trial.result:
                oracle.ongoing_trials[name] = keras_trial


def _plain(value: object) -> object:
    value = value.item() if isinstance(value, np.generic) else value
    return float(f"{value:.12g}") if isinstance(value, float) else value
