"""Strategies: which point of the space comes next, read off the trials so far and nothing else.

So that a search that was cut off goes on as the unbroken one would have, a strategy keeps no state.
"""

from __future__ import annotations

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
    """Random points (J. Bergstra and Y. Bengio 2012); of a finite space, none twice."""

    space: SearchSpace
    trials: int
    seed: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.trials, bool) or not isinstance(self.trials, int) or self.trials < 1:
            raise SpecError(f"a random search takes one trial or more, not {self.trials!r}")

    def next(self, trials: Sequence[Trial]) -> Plan | None:
        number = len(trials)
        if number >= self.total:
            return None
        if np.isinf(self.space.size):
            return Plan(self.space.draw(np.random.default_rng([self.seed, number])))
        order = np.random.default_rng(self.seed).permutation(int(self.space.size))
        return Plan(self.space.point(int(order[number])))

    @property
    def total(self) -> int:
        return int(min(self.trials, self.space.size))
