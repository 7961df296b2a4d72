"""The book's expanded training data: every image also one pixel up, down, left and right."""

from __future__ import annotations

import numpy as np

from zoo.data.dataset import Split
from zoo.data.mapped import mapping_of
from zoo.data.storage import MOST_IN_MEMORY
from zoo.errors import DataError

# Shifts of (rows, columns); the book's own image is the first.
SHIFTS = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))


def expand(split: Split, seed: int = 0) -> Split:
    """Five images for each: itself and its four one-pixel shifts, shuffled once, as in the book.

    The row or column that a shift lays bare is 0; 50,000 images become 250,000 and take 196 MB.
    Source: expand_mnist.py of chapter 3.

    Args:
        split: The images; those on the disk are read into memory.
        seed: Of the order; the same one gives the same order, always.

    Raises:
        DataError: The images are on the disk, and would take more than MOST_IN_MEMORY.

    >>> one = Split(np.full((1, 28, 28, 1), 9, np.uint8), np.array([3]))
    >>> len(expand(one)), sorted(expand(one).images.sum(axis=(1, 2, 3)).tolist())
    (5, [6804, 6804, 6804, 6804, 7056])
    """
    size = len(SHIFTS) * split.images.nbytes
    if mapping_of(split.images) is not None and size > MOST_IN_MEMORY:
        raise DataError(
            f"Expanding these images takes {size:,} bytes of memory: leave them as they are and set"
            " augment=['shift'] in the recipe, which shifts them as it trains."
        )
    count = len(split)
    places = np.random.default_rng(seed).permutation(len(SHIFTS) * count).reshape(-1, count)
    images = np.empty((places.size, *split.images.shape[1:]), np.uint8)
    labels = np.empty(places.size, np.int32)
    for (rows, columns), place in zip(SHIFTS, places, strict=True):
        images[place] = shifted(split.images, rows, columns)
        labels[place] = split.labels
    return Split(images, labels)


def shifted(images: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Images moved by whole pixels.

    Args:
        images: [n, height, width, channels].
        rows: How far down; up where it is negative.
        columns: How far to the right; to the left where it is negative.

    Returns:
        Images of the same shape: what is laid bare is 0, and what leaves the image is gone.
    """
    moved = np.zeros_like(images)
    to_rows, from_rows = _overlap(rows, images.shape[1])
    to_columns, from_columns = _overlap(columns, images.shape[2])
    moved[:, to_rows, to_columns] = images[:, from_rows, from_columns]
    return moved


def _overlap(shift: int, length: int) -> tuple[slice, slice]:
    shift = max(-length, min(shift, length))
    return (
        slice(max(shift, 0), length + min(shift, 0)),
        slice(max(-shift, 0), length - max(shift, 0)),
    )
