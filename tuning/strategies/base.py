"""Strategies: which point of the space comes next, read off the trials so far and nothing else.

So that a search that was cut off goes on as the unbroken one would have, a strategy keeps no state.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tuning.space import SearchSpace
from tuning.trial import Suggestion, Trial


class Wait:
    """Said by a strategy that must see the end of trials that run before it can go on."""


WAIT = Wait()


class Strategy(Protocol):
    """What a search asks: the next point, given all trials in the order of their numbers."""

    space: SearchSpace

    def next(self, trials: Sequence[Trial]) -> Suggestion | Wait | None:
        """The plan of trial number len(trials); None when the search is over."""

    @property
    def total(self) -> int | None:
        """How many trials there will be, if that is known."""
