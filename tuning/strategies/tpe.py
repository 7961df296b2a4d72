"""Tree-structured Parzen estimators, by Optuna's sampler: where the better trials are dense.

Source: J. Bergstra et al., "Algorithms for hyper-parameter optimization", 2011.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tuning.ranges import Choice, Integer, LogUniform, Range
from tuning.space import SearchSpace, Values
from tuning.strategies.random import TRIALS_OPTION, Capped, untried
from tuning.strategies.registry import register_strategy
from tuning.trial import Suggestion, Trial

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

# Random points first, as many as Optuna's own default.
STARTUP_TRIALS = 10


@register_strategy(
    "tpe",
    "where good trials are dense and bad ones few (Optuna's sampler)",
    options=(TRIALS_OPTION,),
)
@dataclass(frozen=True)
class TPE(Capped):
    """The strategy: ten random points, then the sampler's, all settings drawn together.

    Trials that still run are taken for bad ones, so that several workers spread. The sampler is
    made anew for each suggestion, with a generator by seed and number, and told all trials.

    Attributes:
        trials: How many; None for as many as the space or the budget has.
        seed: Of the points.
        start: Points to begin with, as of an earlier search.
    """

    space: SearchSpace
    trials: int | None = None
    seed: int = 0
    start: tuple[Values, ...] = ()
    widenable: ClassVar[bool] = True
    directions: ClassVar[tuple[str, ...]] = ("maximize",)

    def __post_init__(self) -> None:
        self._check_trials("a search by tpe")

    @property
    def packages(self) -> tuple[str, ...]:
        """Optuna."""
        return ("optuna",)

    def suggest(self, trials: Sequence[Trial]) -> Suggestion | None:
        """Suggest the sampler's next point; random points come first."""
        self.check_packages()
        if self.total is not None and len(trials) >= self.total:
            return None
        if len(trials) < len(self.start):
            return Suggestion(dict(self.start[len(trials)]))
        if sum(trial.result is not None for trial in trials) < STARTUP_TRIALS:
            return Suggestion(self._random(trials))
        return Suggestion(untried(self._sampled(trials), self.space, self.seed, trials))

    def objectives(self, trial: Trial) -> list[float]:
        """What the sampler is told of a trial that has ended, a number a direction."""
        return [trial.score]

    def _sampled(self, trials: Sequence[Trial]) -> Values:
        import optuna
        from optuna.trial import TrialState, create_trial

        seed = int(np.random.default_rng([self.seed, len(trials)]).integers(2**31 - 1))
        distributions = {name: _distribution(kind) for name, kind in self.space.ranges}
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(
                seed=seed, n_startup_trials=0, multivariate=True, constant_liar=True
            )
            study = optuna.create_study(sampler=sampler, directions=self.directions)
            for trial in trials:
                params = {
                    name: _encoded(kind, trial.values[name]) for name, kind in self.space.ranges
                }
                state = TrialState.COMPLETE if trial.result else TrialState.RUNNING
                values = self.objectives(trial) if trial.result else None
                study.add_trial(
                    create_trial(
                        state=state, values=values, params=params, distributions=distributions
                    )
                )
            asked = study.ask(distributions).params
        return {name: _decoded(kind, asked[name]) for name, kind in self.space.ranges}


def _distribution(kind: Range) -> BaseDistribution:
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if isinstance(kind, Choice):  # by place: Optuna knows no lists and no dicts
        return CategoricalDistribution(range(len(kind.values)))
    if isinstance(kind, Integer):
        return IntDistribution(int(kind.low), int(kind.high))
    return FloatDistribution(kind.low, kind.high, log=isinstance(kind, LogUniform))


def _encoded(kind: Range, value: Any) -> Any:
    return kind.values.index(value) if isinstance(kind, Choice) else value


def _decoded(kind: Range, value: Any) -> Any:
    if isinstance(kind, Choice):
        return kind.values[value]
    # Rounded, as the other strategies' points are in a journal; never beyond an end.
    return (
        min(max(float(f"{value:.12g}"), kind.low), kind.high) if isinstance(value, float) else value
    )
