"""Accuracy against size: the trials that no smaller network beats, by Optuna's multi-objective TPE.

Source: Y. Ozaki et al., "Multiobjective tree-structured Parzen estimator", 2022.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from tuning.space import SearchSpace, Values, apply
from tuning.strategies.random import TRIALS_OPTION
from tuning.strategies.registry import register_strategy, require
from tuning.strategies.tpe import TPE
from tuning.trial import Trial
from zoo.errors import SpecError
from zoo.spec import ModelSpec


@register_strategy(
    "pareto",
    "accuracy against the number of parameters (Optuna's multi-objective sampler)",
    options=(TRIALS_OPTION,),
)
@dataclass(frozen=True)
class Pareto(TPE):
    """The strategy: as `TPE`, with two objectives, high accuracy and few parameters.

    Attributes:
        trials: How many; None for as many as the space or the budget has.
        seed: Of the points.
        start: Points to begin with, as of an earlier search.
        spec: The network, whose parameters are counted.

    Raises:
        SpecError: Every point of the space has as many parameters.
    """

    space: SearchSpace
    trials: int | None = None
    seed: int = 0
    start: tuple[Values, ...] = ()
    spec: ModelSpec | None = None
    directions: ClassVar[tuple[str, ...]] = ("maximize", "minimize")

    def __post_init__(self) -> None:
        self._check_trials("a search for the Pareto front")
        require("optuna", strategy="pareto")
        if self.spec and not _sizes_differ(self.spec, self.space):
            raise SpecError(
                "every point of this space has as many parameters: search `units` as well, "
                'as in --space with {"units": {"whole": [5, 100]}, ...}'
            )

    def objectives(self, trial: Trial) -> list[float]:
        """The accuracy of a trial, and the number of its parameters."""
        return [trial.score, float(parameters_of(self.spec, trial))]


def parameters_of(spec: ModelSpec | None, trial: Trial) -> int:
    """The number of parameters of a trial's network, as on the full problem."""
    if spec is None:
        raise SpecError("a search for the Pareto front needs the declaration of a network")
    return apply(spec, trial.values).parameters or 0


def pareto_front(trials: Sequence[Trial], spec: ModelSpec) -> list[Trial]:
    """The trials that no other beats at once in accuracy and size, smallest network first.

    Args:
        trials: Those that compare: ended, on the same problem. One without a score is left out; of
            equals the first stays.
        spec: The network that is searched.
    """
    learned = [trial for trial in trials if trial.result and trial.score > 0]
    learned.sort(key=lambda trial: (parameters_of(spec, trial), -trial.score, trial.number))
    front: list[Trial] = []
    for trial in learned:
        if not front or trial.score > front[-1].score:
            front.append(trial)
    return front


def _sizes_differ(spec: ModelSpec, space: SearchSpace) -> bool:
    middle = {name: kind.quantile(0.5) for name, kind in space.ranges}
    ends = [
        {**middle, name: kind.quantile(share)}
        for name, kind in space.ranges
        for share in (0.0, 1.0)
    ]
    return len({apply(spec, values).parameters for values in ends}) > 1
