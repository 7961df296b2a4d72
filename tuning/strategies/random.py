"""Random search (J. Bergstra and Y. Bengio, 2012); of a finite space, no point twice."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from tuning.space import SearchSpace, Values
from tuning.strategies.base import Startable
from tuning.strategies.registry import Option, count, register_strategy
from tuning.trial import Suggestion, Trial
from zoo.errors import SpecError
from zoo.spec import ModelSpec

# Where neither --trials nor a budget is given.
TRIALS = 20

# Of a space with more points than this, an order of them all is not made.
_LISTED = 1_000_000

# Numbers that NumPy draws; of more points, no two draws will ever be the same.
_COUNTABLE = 2**62

TRIALS_OPTION = Option(
    "--trials", count, None, f"how many points (default {TRIALS}, or what the budget allows)"
)


class Capped(Startable):
    """A strategy of as many trials as were asked for; more, or fewer, may be asked for later."""

    trials: int | None
    seed: int = 0
    extendable: ClassVar[tuple[str, ...]] = ("trials",)

    @property
    def total(self) -> int | None:
        """How many trials: as asked, or all points of a small space; None without end."""
        most = min(math.inf if self.trials is None else self.trials, self.space.size)
        return None if math.isinf(most) else int(most)

    @classmethod
    def from_options(cls, options: argparse.Namespace, spec: ModelSpec, space: SearchSpace) -> Self:
        """Read trials and seed from the command line."""
        trials = options.trials or (None if options.budget.limited else TRIALS)
        return cls.from_plain({"trials": trials, "seed": options.seed}, spec, space)

    def _random(self, trials: Sequence[Trial]) -> Values:
        """The random point of this number; none of those that the search began with again."""
        return random_after(self.start, self.space, self.seed, trials)

    def _check_trials(self, what: str) -> None:
        trials = self.trials
        if trials is None:
            return
        if isinstance(trials, bool) or not isinstance(trials, int) or trials < 1:
            raise SpecError(f"{what} takes one trial or more, not {trials!r}")


@register_strategy("random", "random points", options=(TRIALS_OPTION,), batch_trials=8)
@dataclass(frozen=True)
class Random(Capped):
    """Random points (J. Bergstra and Y. Bengio 2012); of a finite space, none twice.

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

    def __post_init__(self) -> None:
        self._check_trials("a random search")

    def suggest(self, trials: Sequence[Trial]) -> Suggestion | None:
        """Suggest the next random point, or None after the last."""
        if self.total is not None and len(trials) >= self.total:
            return None
        if len(trials) < len(self.start):
            return Suggestion(dict(self.start[len(trials)]))
        return Suggestion(self._random(trials))


def random_point(space: SearchSpace, seed: int, number: int) -> Values:
    """The random point with a number; a finite space is exhausted before a point comes again.

    Args:
        space: That is searched.
        seed: Of the points.
        number: From 0; the same seed and number give the same point.
    """
    size = space.size
    if size > _COUNTABLE:
        return space.draw(np.random.default_rng([seed, number]))
    if size > _LISTED:
        return space.point(_distinct(int(size), seed, number))
    sweep, place = divmod(number, int(size))
    generator = np.random.default_rng([seed, sweep] if sweep else seed)
    return space.point(int(generator.permutation(int(size))[place]))


def random_after(
    start: Sequence[Values], space: SearchSpace, seed: int, trials: Sequence[Trial]
) -> Values:
    """The random point of the next number, and none that trials had where there was a start.

    Args:
        start: The points that the search began with.
        space: That is searched.
        seed: Of the points.
        trials: So far.
    """
    point = random_point(space, seed, len(trials))
    return untried(point, space, seed, trials) if start and space.size > len(trials) else point


def untried(values: Values, space: SearchSpace, seed: int, trials: Sequence[Trial]) -> Values:
    """A point, or the first random one that no trial has had, where a trial has had it.

    Args:
        values: Of the point.
        space: That is searched.
        seed: Of the random points.
        trials: So far.
    """
    tried = [trial.values for trial in trials]
    number = 0
    while values in tried:
        values, number = random_point(space, seed, number), number + 1
    return values


def _distinct(size: int, seed: int, number: int) -> int:
    """The number-th of numbers below `size` that are drawn until they differ."""
    drawn: set[int] = set()
    generator = np.random.default_rng(seed)
    while True:
        value = int(generator.integers(size))
        if value not in drawn:
            if len(drawn) == number:
                return value
            drawn.add(value)
