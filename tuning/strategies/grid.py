"""Grid search: every combination, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tuning.space import SearchSpace
from tuning.strategies.base import Strategy
from tuning.strategies.registry import Option, count, register_strategy
from tuning.trial import Suggestion, Trial
from zoo.errors import SpecError

# A search of more would take months.
MOST = 100_000


@register_strategy(
    "grid",
    "every combination",
    options=(Option("--steps", count, 5, "points of a range (default 5)"),),
    batch_trials=8,
)
@dataclass(frozen=True)
class Grid(Strategy):
    """Every combination of the choices, and of `steps` points of each range, in order.

    Raises:
        SpecError: There are more than 100,000 combinations.
    """

    space: SearchSpace
    steps: int = 5

    def __post_init__(self) -> None:
        if self.total > MOST:
            raise SpecError(
                f"a grid of {self.steps} steps has {self.total:,} points, and {MOST:,} at most are "
                "searched: take fewer steps or settings, or search at random"
            )

    def suggest(self, trials: Sequence[Trial]) -> Suggestion | None:
        """Suggest the next point of the grid, or None after the last."""
        if len(trials) >= self.total:
            return None
        return Suggestion(self.space.grid_point(len(trials), self.steps))

    @property
    def total(self) -> int:
        """The number of points of the grid."""
        return self.space.grid_size(self.steps)
