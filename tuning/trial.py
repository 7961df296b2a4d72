"""A trial of a search: the suggestion that begins it, and the record of what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from tuning.fidelity import FULL, Fidelity
from tuning.space import Values

Count = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[float, Meta(ge=0)]

# Validation images on the full problem, as versions assumed that kept no count.
_OLDER = 10_000


@dataclass(frozen=True)
class Suggestion:
    """A trial to come.

    Attributes:
        values: A value of each setting of the space.
        fidelity: How much of the problem the trial sees.
        after: The number of the trial that it continues for more epochs.
    """

    values: Values
    fidelity: Fidelity = FULL
    after: int | None = None


@dataclass(frozen=True)
class Execution:
    """One training run of a trial, with one seed.

    Attributes:
        seed: Of the initial weights and the order of the images.
        accuracy: On the validation images at the best epoch, in 0..1; 0 if the run diverged.
        best_epoch: Counted from 1; 0 if there is none.
        epochs: How many were trained.
        diverged: Whether the training cost became infinite.
        seconds: Wall time of all epochs.
        curve: The validation accuracy of each epoch.
        costs: The training cost of each epoch; None where it was not finite.
        seconds_an_epoch: The median wall time of an epoch.
        images: How many it trained on; None in the record of an older version.
        validated: How many validation images its accuracies are of; None as above.
    """

    seed: Count
    accuracy: Share
    best_epoch: Count
    epochs: Count
    diverged: bool
    seconds: Seconds
    curve: tuple[Share, ...]
    costs: tuple[float | None, ...]
    seconds_an_epoch: Seconds
    images: Count | None = None
    validated: Count | None = None

    def __post_init__(self) -> None:
        if not len(self.curve) == len(self.costs) == self.epochs >= self.best_epoch:
            raise ValueError("`curve` and `costs` have an entry an epoch, `best_epoch` is one")


@dataclass(frozen=True)
class TrialResult:
    """What came of a trial.

    Attributes:
        score: The mean accuracy of its executions; of another tuner's trial, its objective.
        executions: A record a seed; none of a trial that could not be trained.
        seconds: Wall time of training that this trial paid for.
        error: Why it could not be trained; empty for a trial that could.
        latency: Seconds of one image on the machine that ran it, where the search asks for it.
    """

    score: float
    executions: tuple[Execution, ...] = ()
    seconds: Seconds = 0.0
    error: str = ""
    latency: Seconds | None = None

    @property
    def diverged(self) -> int:
        """How many executions diverged."""
        return sum(execution.diverged for execution in self.executions)

    @property
    def validated(self) -> int | None:
        """How many validation images each execution was scored on; None where no record says."""
        known = (execution.validated for execution in self.executions)
        return next((count for count in known if count is not None), None)

    def to_plain(self) -> dict[str, Any]:
        """The result as plain data, as the journal holds it."""
        executions = [msgspec.to_builtins(execution) for execution in self.executions]
        plain = {"score": self.score, "executions": executions, "seconds": self.seconds}
        plain |= {"error": self.error} if self.error else {}
        return plain | ({} if self.latency is None else {"latency": self.latency})

    @classmethod
    def from_plain(cls, plain: Any) -> TrialResult:
        """Read a result back.

        Raises:
            ValueError: A field is missing, of another type, or out of its range; it is named.
        """
        return msgspec.convert(plain, cls)


@dataclass(frozen=True)
class Trial:
    """One point that was tried: its number, its suggestion, and its result once it has ended."""

    number: int
    values: Values
    result: TrialResult | None = None
    fidelity: Fidelity = FULL
    after: int | None = None

    @property
    def score(self) -> float:
        """Validation accuracy in 0..1; 0 for a trial that diverged or has not ended."""
        return self.result.score if self.result else 0.0

    @property
    def executions(self) -> Sequence[Execution]:
        """What each seed came to; none before the trial has ended."""
        return self.result.executions if self.result else ()

    @property
    def validated(self) -> int | None:
        """How many validation images its score is of; None where nobody knows.

        An older version kept no count: it took what the problem asks for, and MNIST's 10,000 where
        that is all. So does this, with its records: a search that it began goes on as it began.
        """
        if self.result and self.executions and self.result.validated is None:
            return self.fidelity.validation or _OLDER
        return self.result.validated if self.result else None

    @property
    def seconds(self) -> float:
        """Wall time of training that it paid for; 0 before it has ended."""
        return self.result.seconds if self.result else 0.0

    @property
    def error(self) -> str:
        """Why it could not be trained; empty for one that could, or has not ended."""
        return self.result.error if self.result else ""

    @property
    def latency(self) -> float | None:
        """Seconds of one image; None where it was not measured."""
        return self.result.latency if self.result else None

    @property
    def failed(self) -> bool:
        """Whether it has ended without being trained."""
        return bool(self.error)
