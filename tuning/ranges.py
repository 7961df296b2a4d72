"""The ranges of a search space: what one setting may be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from zoo.errors import SpecError

# Of the ends of a range: beyond it, no setting of a recipe makes sense.
GREATEST = 1e15


def as_stored(value: Any) -> Any:
    """A value as JSON gives it back: with lists in the place of tuples."""
    return [as_stored(each) for each in value] if isinstance(value, list | tuple) else value


@dataclass(frozen=True)
class Choice:
    """One of some values, each as likely as the others.

    >>> Choice(5, 10, 20).points(steps=2)
    [5, 10, 20]
    """

    values: tuple[Any, ...]

    def __init__(self, *values: Any):
        # As the journal gives them back: a tuple is a list there.
        object.__setattr__(self, "values", tuple(as_stored(value) for value in values))
        if any(isinstance(value, float) and not math.isfinite(value) for value in values):
            raise SpecError(f"a choice is among finite numbers, not {values!r}")
        # By `==`, which is how points are told apart: 0 and 0.0 would be one point twice.
        if not values or any(value in self.values[:n] for n, value in enumerate(self.values)):
            raise SpecError(f"a choice is among one or more different values, not {values!r}")

    def quantile(self, share: float) -> Any:
        """Return the value at a share, 0 to 1, of the list."""
        return self.values[min(int(share * len(self.values)), len(self.values) - 1)]

    def points(self, steps: int) -> list[Any]:
        """Return all values, in the order given: a list has no steps."""
        return list(self.values)

    @property
    def size(self) -> float:
        """The number of values."""
        return len(self.values)


@dataclass(frozen=True)
class Uniform:
    """A real number from `low` to `high`.

    >>> Uniform(0, 1).points(steps=3)
    [0.0, 0.5, 1.0]
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _check_range(self)

    def quantile(self, share: float) -> float:
        """Return the number at a share, 0 to 1, of the range."""
        return self.low + share * (self.high - self.low)

    def points(self, steps: int) -> list[Any]:
        """Return `steps` evenly spaced numbers, both ends among them; the middle for one step."""
        return (
            [self.quantile(step / (steps - 1)) for step in range(steps)]
            if steps > 1
            else [self.quantile(0.5)]
        )

    @property
    def size(self) -> float:
        """Infinite: a continuous range has no last value."""
        return math.inf


@dataclass(frozen=True)
class LogUniform(Uniform):
    """A real number from `low` to `high`, each order of magnitude as likely as the others.

    >>> LogUniform(0.01, 100).points(steps=3)
    [0.01, 1.0, 100.0]
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.low <= 0:
            raise SpecError(f"a logarithmic range starts above 0, not at {self.low!r}")

    def quantile(self, share: float) -> float:
        """Return the number at a share, 0 to 1, of the range of logarithms."""
        # Rounded, so that 10 ** -2 is 0.01 in a journal, too.
        return float(f"{self.low * (self.high / self.low) ** share:.12g}")


@dataclass(frozen=True)
class Integer:
    """A whole number from `low` to `high`, both included.

    >>> Integer(10, 50).points(steps=3)
    [10, 30, 50]
    """

    low: int
    high: int

    def __post_init__(self) -> None:
        _check_range(self)
        if self.low != int(self.low) or self.high != int(self.high):
            raise SpecError(f"a range of whole numbers has whole ends, not {self.low}, {self.high}")
        object.__setattr__(self, "low", int(self.low))  # 10.0 from JSON counts as 10
        object.__setattr__(self, "high", int(self.high))

    def quantile(self, share: float) -> int:
        """Return the whole number at a share, 0 to 1, of the range; each is equally likely."""
        return min(self.low + int(share * self.size), self.high)

    def points(self, steps: int) -> list[Any]:
        """Return at most `steps` evenly spaced whole numbers, both ends among them."""
        span = self.high - self.low
        steps = min(steps, self.size)
        if steps == 1:
            return [self.low + span // 2]
        return [self.low + round(step * span / (steps - 1)) for step in range(steps)]

    @property
    def size(self) -> int:
        """How many whole numbers the range holds."""
        return self.high - self.low + 1


Range = Choice | Uniform | LogUniform | Integer
KINDS = {"choice": Choice, "uniform": Uniform, "log_uniform": LogUniform, "whole": Integer}


def _check_range(given: Uniform | Integer) -> None:
    ends = (given.low, given.high)
    if any(isinstance(end, bool) or not isinstance(end, int | float) for end in ends):
        raise SpecError(f"a range has two numbers for its ends, not {ends!r}")
    if any(end > GREATEST or end < -GREATEST for end in ends):
        raise SpecError(f"the ends of a range lie within {GREATEST:g} of 0")
    if not given.low < given.high:
        raise SpecError(
            f"a range goes from a number to a greater one, not from {ends[0]} to {ends[1]}"
        )
