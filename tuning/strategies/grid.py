"""Grid search: every combination, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tuning.space import SearchSpace
from tuning.trial import Suggestion, Trial


@dataclass(frozen=True)
class Grid:
    """Every combination of the choices, and of `steps` points of each range, in order."""

    space: SearchSpace
    steps: int = 5

    def next(self, trials: Sequence[Trial]) -> Suggestion | None:
        points = self.space.grid(self.steps)
        return Suggestion(points[len(trials)]) if len(trials) < len(points) else None

    @property
    def total(self) -> int:
        return len(self.space.grid(self.steps))
