"""Random search (J. Bergstra and Y. Bengio, 2012); of a finite space, no point twice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuning.space import SearchSpace, Values
from tuning.trial import Suggestion, Trial
from zoo.errors import SpecError


@dataclass(frozen=True)
class Random:
    """Random points (J. Bergstra and Y. Bengio 2012); of a finite space, none twice.

    So many trials; without a number, until the space is exhausted or the budget spent.
    """

    space: SearchSpace
    trials: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        check_count("a random search", self.trials)

    def next(self, trials: Sequence[Trial]) -> Suggestion | None:
        if self.total is not None and len(trials) >= self.total:
            return None
        return Suggestion(random_point(self.space, self.seed, len(trials)))

    @property
    def total(self) -> int | None:
        return total(self.space, self.trials)


def random_point(space: SearchSpace, seed: int, number: int) -> Values:
    """The random point with a number; a finite space is exhausted before a point comes again."""
    if math.isinf(space.size):
        return space.draw(np.random.default_rng([seed, number]))
    sweep, place = divmod(number, int(space.size))
    generator = np.random.default_rng([seed, sweep] if sweep else seed)
    return space.point(int(generator.permutation(int(space.size))[place]))


def total(space: SearchSpace, trials: int | None) -> int | None:
    """How many trials there are at the most; None where there is no end."""
    most = min(math.inf if trials is None else trials, space.size)
    return None if math.isinf(most) else int(most)


def check_count(what: str, trials: int | None) -> None:
    """SpecError for a number of trials that is none."""
    if trials is None:
        return
    if isinstance(trials, bool) or not isinstance(trials, int) or trials < 1:
        raise SpecError(f"{what} takes one trial or more, not {trials!r}")
