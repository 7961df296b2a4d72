"""Asynchronous successive halving: many points for few epochs, more for the best of each rung.

Source: L. Li et al., "A system for massively parallel hyperparameter tuning", 2020.

A point goes up a rung as soon as it is among the best of those that have ended in its own. Each
rung trains for `factor` times the epochs of the one below, the top one for all of them. Points
start anew in each rung, as whole runs, so that one program trains several of them at once.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from tuning.fidelity import FULL, Fidelity
from tuning.space import SearchSpace, Values
from tuning.strategies.base import WAIT, Wait
from tuning.strategies.random import TRIALS, TRIALS_OPTION, Capped
from tuning.strategies.registry import Option, count, register_strategy
from tuning.trial import Suggestion, Trial
from zoo.errors import SpecError
from zoo.spec import ModelSpec

# With more, the lowest rung would tell a point's first steps and not its merit.
MOST_RUNGS = 4


@register_strategy(
    "halving",
    "many points for few epochs, and more for whatever is among the best third so far",
    options=(TRIALS_OPTION, Option("--factor", count, 3, "of epochs, rung by rung (default 3)")),
    batch_trials=8,
)
@dataclass(frozen=True)
class Halving(Capped):
    """The strategy.

    Attributes:
        epochs: Of a run in the top rung.
        trials: How many points enter the lowest rung; None for as many as the budget allows.
        factor: Of the epochs from rung to rung; one in so many goes up.
        seed: Of the points.
        start: Points that enter the lowest rung first, as of an earlier search.
    """

    space: SearchSpace
    epochs: int
    trials: int | None = None
    factor: int = 3
    seed: int = 0
    start: tuple[Values, ...] = ()
    widenable: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._check_trials("successive halving")
        for name, least in (("epochs", 1), ("factor", 2)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise SpecError(f"the {name} of halving are {least} or more, not {value!r}")

    @classmethod
    def from_options(cls, options: argparse.Namespace, spec: ModelSpec, space: SearchSpace) -> Self:
        """Read trials, factor and seed from the command line."""
        trials = options.trials or (None if options.budget.limited else TRIALS)
        return cls(space, spec.recipe.epochs, trials, options.factor, options.seed)

    @property
    def rungs(self) -> list[Fidelity]:
        """How much each rung sees, the lowest first."""
        epochs = [self.epochs // self.factor**power for power in range(MOST_RUNGS)]
        return [Fidelity(epochs=few) for few in reversed(epochs[1:]) if few] + [FULL]

    @property
    def total(self) -> int | None:
        """Not known: what goes up depends on what comes out."""
        return None

    def suggest(self, trials: Sequence[Trial]) -> Suggestion | Wait | None:
        """Suggest a promotion where a rung has one, else a new random point."""
        rungs = self._sorted(trials)
        for level in reversed(range(len(rungs) - 1)):
            ended = [trial for trial in rungs[level] if trial.result]
            best = self._best(ended)[: len(ended) // self.factor]
            for trial in best:
                promising = trial.score != 0 and not trial.failed  # below 0: a cost that is to fall
                if promising and not _holds(rungs[level + 1], trial.values):
                    return Suggestion(trial.values, self.rungs[level + 1])
        entered = len(rungs[0])
        if self._points is None or entered < self._points:
            begun = entered < len(self.start)
            point = dict(self.start[entered]) if begun else self._random(rungs[0])
            return Suggestion(point, self.rungs[0])
        if not all(trial.result for trial in trials):
            return WAIT
        return self._last(rungs)

    @property
    def _points(self) -> int | None:
        most = min(math.inf if self.trials is None else self.trials, self.space.size)
        return None if math.isinf(most) else int(most)

    def _last(self, rungs: list[list[Trial]]) -> Suggestion | None:
        """The best of few points goes to the top, where too few were left to choose from."""
        level = max(level for level, there in enumerate(rungs) if there)
        best = self._best(rungs[level])[0]
        if level == len(rungs) - 1 or best.score == 0 or best.failed:
            return None
        return Suggestion(best.values, self.rungs[level + 1])

    def _sorted(self, trials: Sequence[Trial]) -> list[list[Trial]]:
        return [[trial for trial in trials if trial.fidelity == rung] for rung in self.rungs]

    def _best(self, trials: Sequence[Trial]) -> list[Trial]:
        return sorted(trials, key=lambda trial: (-trial.score, trial.number))


def _holds(trials: Sequence[Trial], values: Values) -> bool:
    return json.dumps(values) in {json.dumps(trial.values) for trial in trials}
