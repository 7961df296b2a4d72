"""The claim: what the book reports for a network, and how it measured it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zoo.spec import validation

Protocol = Literal["best epoch", "last epoch", "best validation epoch"]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What the book reports for a network, and how it measured it; `accuracy` is in per cent.

    `quoted` figures are other people's, which the book only tells of.
    """

    chapter: int
    section: str
    accuracy: float | None = None
    protocol: Protocol = "best epoch"
    on: Literal["test", "validation"] = "test"
    note: str = ""
    quoted: bool = False

    def __post_init__(self) -> None:
        validation.whole(self, "chapter")
        if self.accuracy is not None:
            validation.real(self, "accuracy", least=0, below=100.0001)
        validation.text(self, "section", "note")
        validation.choice(self, "protocol", Protocol)
        validation.choice(self, "on", Literal["test", "validation"])
        validation.flag(self, "quoted")

    def __str__(self) -> str:
        place = f"chapter {self.chapter}, {self.section!r}"
        if self.accuracy is None:
            return f"no figure ({place})"
        how = "quoted" if self.quoted else self.protocol
        return f"{self.accuracy:.2f} % ({place}; {self.on} images, {how})"
