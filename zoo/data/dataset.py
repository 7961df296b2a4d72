"""The records `Split` and `Data`: images with their labels, checked once, when they are made."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import operator
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.data.mapped import chunks, images_at, place_of
from zoo.data.splits import LARGEST_LABEL
from zoo.errors import DataError

# MNIST's, and the names of its classes: what the book's networks are made for.
IMAGE_SHAPE = (28, 28, 1)
DIGIT_NAMES = tuple("0123456789")


# Mean bytes of the outermost pixels of an image, up to which it lies on black; and how many images
# tell it of a set.
_BLACK, _ENOUGH = 32, 500


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """Images and their labels, in a fixed order, not to be written to.

    `images` is uint8 of shape [n, height, width, channels], in MNIST 0 white to 255 black; it may
    be a `np.memmap`, which is then read as it is needed. `labels` is int32 of shape [n], from 0 up
    (other integer types are converted). Raises DataError for anything else, for differing lengths,
    for pictures of a single pixel, and where there is no image at all.

    >>> split = Split(np.zeros((3, 28, 28, 1), np.uint8), np.array([5, 0, 4]))
    >>> len(split), split.take(2).labels.tolist(), split.only_classes(4, 5).labels.tolist()
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

    def __reduce__(self) -> tuple[Any, ...]:
        # Images on the disk go to another process by the name of their file, not by the gigabyte.
        place = place_of(self.images)
        if place is None:
            return Split, (np.asarray(self.images), self.labels)
        return _on_disk, (*place, self.images.shape, self.labels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of an image."""
        height, width, channels = self.images.shape[1:]
        return height, width, channels

    def take(self, n: int) -> Split:
        """The first `n` images, as in the book's "first 1,000 training images".

        Raises DataError unless 1 <= n <= len(self).
        """
        if not _is_whole(n) or not 1 <= n <= len(self):
            raise DataError(f"Cannot take {n!r} images of {len(self)}: ask for 1 to {len(self)}.")
        return Split(self.images[:n], self.labels[:n])

    def only_classes(self, *labels: int) -> Split:
        """The images of these classes, in their old order, under their old labels.

        Raises DataError for no label, for one that is no whole number from 0 up, and where no
        image is left.
        """
        if not labels or not all(_is_whole(label) and label >= 0 for label in labels):
            raise DataError(f"Cannot keep the classes {labels}: name whole numbers from 0 up.")
        kept = np.flatnonzero(np.isin(self.labels, labels))
        if not len(kept):
            raise DataError(f"None of the {len(self)} images is of a class of {labels}.")
        return Split(self.images[kept], self.labels[kept])

    only_digits = only_classes  # its name for MNIST


@dataclass(frozen=True, eq=False)
class Data:
    """A data set under a name: train and validation to learn from, test to be judged by.

    `class_names` has the name of each label, 0 first; by default they are the labels' own digits,
    '0' to '9', or further where a label is greater. `skipped` has a line for every file of the
    source that could not be used, and `resize` is how pictures came to one size. Raises DataError
    where the splits differ in shape, a label has no name, or there are fewer than two classes.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...] = ()
    skipped: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    resize: str = dataclasses.field(default="stretch", repr=False)

    def __post_init__(self) -> None:
        greatest = max(int(split.labels.max()) for split in self._splits().values())
        names = tuple(self.class_names) or tuple(map(str, range(max(greatest + 1, 10))))
        check_class_names(names)
        object.__setattr__(self, "class_names", names)
        for name, split in self._splits().items():
            if split.shape != self.shape:
                raise DataError(
                    f"The {name} images are {_size(split.shape)}, the train images"
                    f" {_size(self.shape)}: bring all to one shape."
                )
        if greatest >= len(names):
            raise DataError(
                f"{len(names)} classes have labels from 0 to {len(names) - 1}, one image has"
                f" {greatest}: name all the classes, or count the labels from 0."
            )

    def _splits(self) -> dict[str, Split]:
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of every image."""
        return self.train.shape

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return len(self.class_names)

    @functools.cached_property
    def fingerprint(self) -> str:
        """The first 16 hex digits of a SHA-256 over every image and label, in order.

        Where the images are not 28x28x1, or the classes not the digits, their shape and names are
        hashed first.
        """
        digest = hashlib.sha256()
        plain = self.shape == IMAGE_SHAPE and self.class_names == DIGIT_NAMES
        if not plain:
            digest.update(repr((self.shape, self.class_names)).encode())
        for split in self._splits().values():
            digest.update(len(split).to_bytes(8, "big"))
            for chunk in chunks(split.images):
                digest.update(np.ascontiguousarray(chunk).data)
            digest.update(split.labels.astype(np.uint8 if plain else "<i4").data)
        return digest.hexdigest()[:16]

    def take(self, n: int) -> Data:
        """The same set with the first `n` training images only; see `Split.take`."""
        return dataclasses.replace(self, train=self.train.take(n))

    def only_classes(self, *labels: int) -> Data:
        """The same set with these classes only, in all three splits, under their old labels.

        Raises DataError for no label, for one that is no class, and where a split has no image of
        them.
        """
        known = range(self.classes)
        if not labels or not all(_is_whole(label) and label in known for label in labels):
            raise DataError(
                f"Cannot keep the classes {labels}: name one or more of 0 to {self.classes - 1}."
            )
        train, validation, test = (each.only_classes(*labels) for each in self._splits().values())
        return dataclasses.replace(self, train=train, validation=validation, test=test)

    only_digits = only_classes  # its name for MNIST


def _on_disk(path: str, offset: int, shape: tuple[int, ...], labels: np.ndarray) -> Split:
    return Split(images_at(path, offset, shape), labels)


def check_class_names(names: Sequence[str]) -> None:
    """Raise DataError unless these are two or more names, all different, each one line of text."""
    for name in names:
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise DataError(
                f"{name!r} is no name for a class: a name is one line of printable text. Rename it."
            )
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise DataError(f"Two classes are called {twice[0]!r}: give each a name of its own.")
    if len(names) < 2:
        raise DataError(f"There is one class only, {', '.join(names)!r}: a network needs two.")


def _check_images(images: np.ndarray) -> None:
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8:
        raise DataError(f"Images are bytes (a NumPy array of uint8), not {_kind(images)}.")
    if images.ndim != 4 or 0 in images.shape[1:]:
        raise DataError(
            f"Images have the shape [n, height, width, channels], not {list(images.shape)}."
        )
    if not len(images):
        raise DataError("There is no image in this set; at least one is needed.")
    if images.shape[1:3] == (1, 1):
        raise DataError("The images are 1x1: a single pixel shows nothing. Use larger ones.")


def _check_labels(labels: np.ndarray, count: int) -> None:
    if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu":
        raise DataError(f"Labels are whole numbers in a NumPy array, not {_kind(labels)}.")
    if labels.shape != (count,):
        raise DataError(f"{count} images need labels of shape [{count}], not {list(labels.shape)}.")
    if labels.min() < 0 or labels.max() > LARGEST_LABEL:
        raise DataError(
            f"Labels count the classes from 0 up, to {LARGEST_LABEL:,} at most; these go from"
            f" {labels.min()} to {labels.max()}."
        )


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _kind(value: object) -> str:
    return f"an array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__


def _is_whole(value: Any) -> bool:
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


def are_on_black(images: np.ndarray) -> bool:
    """Whether pictures are light on black, as MNIST's digits are: judged by the edges of most.

    Args:
        images: uint8 [n, height, width, channels].

    >>> paper = np.full((3, 28, 28, 1), 255, np.uint8)
    >>> are_on_black(paper), are_on_black(255 - paper)
    (False, True)
    """
    some = np.asarray(images[:_ENOUGH])
    sides = some[:, [0, -1]].mean((1, 2, 3)), some[:, :, [0, -1]].mean((1, 2, 3))
    return float(np.median(np.mean(sides, axis=0))) <= _BLACK
