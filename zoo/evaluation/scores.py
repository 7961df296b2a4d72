"""Scores: whole numbers over every image, how sure they are, and which images were wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.mapped import chunks, mapping_of
from zoo.errors import DataError, SpecError
from zoo.spec.validation import shown

if TYPE_CHECKING:
    import keras

    from zoo.data import Split

# Few calls, and no more memory than a processor's caches like.
EVALUATION_BATCH = 1000

# Classes that a confusion matrix shows side by side.
WIDEST = 12


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
        """The Wilson interval, in 0..1: where the accuracy on all such images should lie.

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

    `predicted` and `true` are labels, `probability` what the model gave the label it predicted;
    each has one entry an image. `classes` is the number of the model's outputs.
    """

    predicted: np.ndarray
    true: np.ndarray
    probability: np.ndarray
    classes: int = 10

    @property
    def score(self) -> Score:
        """The number of correct predictions, of how many."""
        return Score(int(np.sum(self.predicted == self.true)), len(self.true))

    @property
    def misclassified(self) -> np.ndarray:
        """The indices of the misclassified images, in the order of the set."""
        return np.flatnonzero(self.predicted != self.true)

    def confusion(self) -> np.ndarray:
        """Counts by true label (rows) and predicted label (columns), [classes, classes]."""
        counts = np.zeros((self.classes, self.classes), dtype=int)
        np.add.at(counts, (self.true, self.predicted), 1)
        return counts


def predict(model: keras.Model, split: Split) -> Predictions:
    """Let a model classify every image of a split.

    Args:
        model: From byte images, uint8 [n, height, width, channels], to one number a class.
        split: The images, with their labels.

    Returns:
        The class with the largest output for each image, beside the true one.

    Raises:
        DataError: A label is none of the model's classes, or `split` is none.
        SpecError: `model` is no model.
    """
    if not hasattr(model, "predict"):
        raise SpecError(f"a Keras model is asked, as zoo.load(NAME) gives, not {shown(model)}")
    if not hasattr(split, "images"):
        several = hasattr(split, "test")
        step = "give data.test" if several else "zoo.Split(images, labels) makes one of arrays"
        raise DataError(f"a Split is classified, not {shown(split)}: {step}")
    outputs = outputs_of(model, split)
    predicted, classes = outputs.argmax(axis=1), outputs.shape[1]
    if split.labels.max() >= classes:
        raise DataError(
            f"there are labels up to {split.labels.max()}, and the model tells {classes} classes "
            f"apart, 0 to {classes - 1}: give images of the classes that it was trained on"
        )
    return Predictions(predicted, split.labels.astype(int), outputs.max(axis=1), classes)


def outputs_of(model: keras.Model, split: Split) -> np.ndarray:
    """A model's outputs for every image of a split.

    Args:
        model: Takes the bytes of the images.
        split: Images on the disk are read in pieces, and stay there.

    Returns:
        [n, classes], in the order of the images.
    """
    # Keras would copy a whole array, which for one on the disk is more than memory may hold.
    whole = mapping_of(split.images) is None
    pieces = [split.images] if whole else chunks(split.images)
    return np.concatenate(
        [model.predict(piece, batch_size=EVALUATION_BATCH, verbose=0) for piece in pieces]
    )


def evaluate(model: keras.Model, split: Split) -> Score:
    """Count the images of a split that a model classifies correctly.

    Args:
        model: From byte images, uint8 [n, 28, 28, 1], to one number a class.
        split: The images, with their labels; every one is counted.

    Returns:
        The number of correct images, of how many.

    Raises:
        DataError: As for `predict`.
        SpecError: As for `predict`.
    """
    return predict(model, split).score


def confusion_table(counts: np.ndarray, names: Sequence[str] = ()) -> str:
    """A confusion matrix as text: a row for each true class, dots for zeros.

    Args:
        counts: By true label (rows) and predicted label (columns), [classes, classes].
        names: Of the classes; their labels unless given.

    Returns:
        The matrix, or, where it would be too wide to read, the pairs that are confused most.

    Raises:
        DataError: There are not as many names as classes.

    >>> print(confusion_table(np.diag(range(1, 11))).splitlines()[2])
       0 |     1     .     .     .     .     .     .     .     .     .
    """
    names = tuple(names) or tuple(map(str, range(len(counts))))
    if len(names) != len(counts):
        raise DataError(f"{len(names)} names for the {len(counts)} classes of a confusion matrix")
    if len(names) > WIDEST or max(map(len, names)) > 4:
        return _confused_pairs(counts, names)
    head = "true |" + "".join(f"{name:>6}" for name in names) + "   predicted"
    lines = [head, "-----+" + "-" * 6 * len(names)]
    for name, row in zip(names, counts, strict=True):
        cells = "".join(f"{count or '.':>6}" for count in row)
        lines.append(f"{name:>4} |{cells}")
    return "\n".join(lines)


def _confused_pairs(counts: np.ndarray, names: tuple[str, ...], most: int = 20) -> str:
    wrong = counts - np.diag(np.diag(counts))
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = [divmod(int(place), len(names)) for place in order if wrong.flat[place]]
    width = max((len(names[true]) for true, _ in pairs), default=0)
    lines = [f"{names[t]:>{width}} taken for {names[p]}: {wrong[t, p]:,}" for t, p in pairs]
    return "\n".join(["confused most", *lines] if lines else ["no image is confused"])
