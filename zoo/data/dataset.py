"""The records `Split` and `Data`: images with their labels, checked once, when they are made."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import operator
from dataclasses import dataclass

import numpy as np

from zoo.errors import DataError

IMAGE_SHAPE = (28, 28, 1)


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """Images and their labels, in a fixed order, not to be written to.

    `images` is uint8 of shape [n, 28, 28, 1], 0 white to 255 black; `labels` is int32 of shape
    [n], 0 to 9 (other integer types are converted). Raises DataError for anything else, for
    differing lengths, and where there is no image at all.

    >>> split = Split(np.zeros((3, 28, 28, 1), np.uint8), np.array([5, 0, 4]))
    >>> len(split), split.take(2).labels.tolist(), split.only_digits(4, 5).labels.tolist()
    (3, [5, 0], [5, 4])
    """

    images: np.ndarray
    labels: np.ndarray

    def __post_init__(self) -> None:
        _check_images(self.images)
        _check_labels(self.labels, len(self.images))
        object.__setattr__(self, "images", _locked(self.images))
        object.__setattr__(self, "labels", _locked(self.labels.astype(np.int32, copy=False)))

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"Split({len(self)} images)"

    def take(self, n: int) -> Split:
        """The first `n` images, as in the book's "first 1,000 training images".

        Raises DataError unless 1 <= n <= len(self).
        """
        if not _is_whole(n) or not 1 <= n <= len(self):
            raise DataError(f"Cannot take {n!r} images of {len(self)}: ask for 1 to {len(self)}.")
        return Split(self.images[:n], self.labels[:n])

    def only_digits(self, *digits: int) -> Split:
        """The images of these digits, in their old order, under their old labels.

        Raises DataError for no digit, for one outside 0 to 9, and where no image is left.
        """
        if not digits or not all(_is_whole(digit) and 0 <= digit <= 9 for digit in digits):
            raise DataError(f"Cannot keep the digits {digits}: name one or more of 0 to 9.")
        kept = np.isin(self.labels, digits)
        if not kept.any():
            raise DataError(f"None of the {len(self)} images shows a digit of {digits}.")
        return Split(self.images[kept], self.labels[kept])


@dataclass(frozen=True, eq=False)
class Data:
    """A data set under a name: train and validation to learn from, test to be judged by."""

    name: str
    train: Split
    validation: Split
    test: Split

    @functools.cached_property
    def fingerprint(self) -> str:
        """The first 16 hex digits of a SHA-256 over every image and label, in order."""
        digest = hashlib.sha256()
        for split in (self.train, self.validation, self.test):
            digest.update(len(split).to_bytes(8, "big"))
            digest.update(np.ascontiguousarray(split.images))
            digest.update(split.labels.astype(np.uint8))
        return digest.hexdigest()[:16]

    def take(self, n: int) -> Data:
        """The same set with the first `n` training images only; see `Split.take`."""
        return dataclasses.replace(self, train=self.train.take(n))

    def only_digits(self, *digits: int) -> Data:
        """The same set with these digits only, in all three splits; see `Split.only_digits`."""
        train, validation, test = (
            split.only_digits(*digits) for split in (self.train, self.validation, self.test)
        )
        return Data(self.name, train, validation, test)


def _check_images(images: np.ndarray) -> None:
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8:
        raise DataError(f"Images are bytes (a NumPy array of uint8), not {_kind(images)}.")
    if images.shape[1:] != IMAGE_SHAPE:
        raise DataError(f"Images have the shape [n, 28, 28, 1], not {list(images.shape)}.")
    if not len(images):
        raise DataError("There is no image in this set; at least one is needed.")


def _check_labels(labels: np.ndarray, count: int) -> None:
    if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu":
        raise DataError(f"Labels are whole numbers in a NumPy array, not {_kind(labels)}.")
    if labels.shape != (count,):
        raise DataError(f"{count} images need labels of shape [{count}], not {list(labels.shape)}.")
    if labels.min() < 0 or labels.max() > 9:
        raise DataError(f"Labels go from 0 to 9, these from {labels.min()} to {labels.max()}.")


def _kind(value: object) -> str:
    return f"an array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__


def _is_whole(value: object) -> bool:
    try:
        operator.index(value)
    except TypeError:
        return False
    return True


def _locked(array: np.ndarray) -> np.ndarray:
    # A view, so that an array of the caller's stays writable for the caller.
    view = array.view()
    view.flags.writeable = False
    return view
