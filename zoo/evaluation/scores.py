"""Scores: whole numbers over every image, how sure they are, and which images were wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zoo.errors import DataError

if TYPE_CHECKING:
    import keras

    from zoo.data import Split

# Few calls, and no more memory than a processor's caches like.
EVALUATION_BATCH = 1000


@dataclass(frozen=True)
class Score:
    """How many images of how many were classified correctly.

    >>> print(Score(9648, 10_000))
    9,648 / 10,000 (96.48 %)
    """

    correct: int
    total: int

    def __post_init__(self) -> None:
        if not 0 <= self.correct <= self.total or self.total == 0:
            raise DataError(f"a score of {self.correct} out of {self.total} images cannot be")

    @property
    def accuracy(self) -> float:
        """The share of correct answers, in 0..1."""
        return self.correct / self.total

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """The Wilson interval of the accuracy, in 0..1: what other test images would have given.

        Source: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927).
        """
        from scipy.stats import binomtest

        limits = binomtest(self.correct, self.total).proportion_ci(confidence, method="wilson")
        return float(limits.low), float(limits.high)

    def __str__(self) -> str:
        return f"{self.correct:,} / {self.total:,} ({self.accuracy:.2%})".replace("%", " %")


@dataclass(frozen=True)
class Predictions:
    """A model's answers to a set of images, beside the truth.

    `predicted` and `true` are digits, `probability` what the model gave the digit it predicted;
    each has one entry an image.
    """

    predicted: np.ndarray
    true: np.ndarray
    probability: np.ndarray

    @property
    def score(self) -> Score:
        """The number of correct predictions, of how many."""
        return Score(int(np.sum(self.predicted == self.true)), len(self.true))

    @property
    def misclassified(self) -> np.ndarray:
        """The indices of the misclassified images, in the order of the set."""
        return np.flatnonzero(self.predicted != self.true)

    def confusion(self) -> np.ndarray:
        """Counts by true digit (rows) and predicted digit (columns), 10 x 10."""
        counts = np.zeros((10, 10), dtype=int)
        np.add.at(counts, (self.true, self.predicted), 1)
        return counts


def predict(model: keras.Model, split: Split) -> Predictions:
    """Let a model classify every image of a split.

    Args:
        model: From byte images, uint8 [n, 28, 28, 1], to one number a class.
        split: The images, with their labels.

    Returns:
        The digit with the largest output for each image, beside the true one.
    """
    outputs = model.predict(split.images, batch_size=EVALUATION_BATCH, verbose=0)
    return Predictions(outputs.argmax(axis=1), split.labels.astype(int), outputs.max(axis=1))


def evaluate(model: keras.Model, split: Split) -> Score:
    """Count the images of a split that a model classifies correctly.

    Args:
        model: From byte images, uint8 [n, 28, 28, 1], to one number a class.
        split: The images, with their labels; every one is counted.

    Returns:
        The number of correct images, of how many.
    """
    return predict(model, split).score


def confusion_table(counts: np.ndarray) -> str:
    """A 10 x 10 confusion matrix as text: a row for each true digit, dots for zeros.

    >>> print(confusion_table(np.diag(range(1, 11))).splitlines()[2])
       0 |     1     .     .     .     .     .     .     .     .     .
    """
    head = "true |" + "".join(f"{digit:6}" for digit in range(10)) + "   predicted"
    lines = [head, "-----+" + "-" * 60]
    for digit, row in enumerate(counts):
        cells = "".join(f"{count or '.':>6}" for count in row)
        lines.append(f"{digit:4} |{cells}")
    return "\n".join(lines)
