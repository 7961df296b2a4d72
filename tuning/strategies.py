"""Strategies: which point of the space comes next, read off the trials so far and nothing else.

So that a search that was cut off goes on as the unbroken one would have, a strategy keeps no state.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tuning.fidelity import FULL, Fidelity
from tuning.space import SearchSpace, Values
from zoo.errors import SpecError


@dataclass(frozen=True)
class Plan:
    """A trial to come: its values, and how much of the problem it sees.

    `after` is the number of the trial that it continues, for more epochs.
    """

    values: Values
    fidelity: Fidelity = FULL
    after: int | None = None


@dataclass(frozen=True)
class Trial:
    """One point that was tried: its number, its plan, and its result once it has ended."""

    number: int
    values: Values
    result: dict[str, Any] | None = None
    fidelity: Fidelity = FULL
    after: int | None = None

    @property
    def score(self) -> float:
        """Validation accuracy in 0..1; 0 for a trial that diverged or has not ended."""
        return self.result["score"] if self.result else 0.0


class Wait:
    """Said by a strategy that must see the end of trials that run before it can go on."""


WAIT = Wait()


class Strategy(Protocol):
    """What a search asks: the next point, given all trials in the order of their numbers."""

    space: SearchSpace

    def next(self, trials: Sequence[Trial]) -> Plan | Wait | None:
        """The plan of trial number len(trials); None when the search is over."""

    @property
    def total(self) -> int | None:
        """How many trials there will be, if that is known."""


@dataclass(frozen=True)
class Grid:
    """Every combination of the choices, and of `steps` points of each range, in order."""

    space: SearchSpace
    steps: int = 5

    def next(self, trials: Sequence[Trial]) -> Plan | None:
        points = self.space.grid(self.steps)
        return Plan(points[len(trials)]) if len(trials) < len(points) else None

    @property
    def total(self) -> int:
        return len(self.space.grid(self.steps))


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

    def next(self, trials: Sequence[Trial]) -> Plan | None:
        if self.total is not None and len(trials) >= self.total:
            return None
        return Plan(random_point(self.space, self.seed, len(trials)))

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
