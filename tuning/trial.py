"""A trial of a search: the suggestion that begins it, and the record of what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tuning.fidelity import FULL, Fidelity
from tuning.space import Values


@dataclass(frozen=True)
class Suggestion:
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
