"""Training images altered afresh each time they are seen: shifted, rotated, skewed, distorted.

The book expands MNIST once and leaves doing so on the fly as a problem (chapter 6). All distortions
of an image are added up into one map of where each pixel comes from, so it is resampled only once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter1d

from zoo.data.expand import shifted

# The angle is the book's (chapter 3); sigma and alpha are those of Simard, Steinkraus and Platt,
# "Best practices for convolutional neural networks", 2003.
ANGLE = np.radians(15)
SKEW = 0.25
SIGMA, ALPHA = 4.0, 34.0

# Smoothing is linear and goes by rows, then by columns: on both sides of an image, a product with
# this matrix, which is ten times as fast as filtering.
_SMOOTHING = gaussian_filter1d(np.eye(28, dtype=np.float32), SIGMA, axis=0, mode="constant")


def augment(images: np.ndarray, kinds: Sequence[str], generator: np.random.Generator) -> np.ndarray:
    """Altered copies of byte images [n, 28, 28, 1]; what comes from outside an image is 0.

    `kinds` are any of 'shift' (by up to a pixel in each direction), 'rotate' (by up to 15 degrees
    about the centre), 'skew' (rows slide by up to a quarter of their distance from the centre) and
    'elastic' (each pixel moves by its own, smoothly varying, about 1.4 pixels).
    """
    if tuple(kinds) == ("shift",):
        return _shift(images, generator)
    rows, columns = sources(len(images), kinds, generator)
    return resample(images, rows, columns)


def sources(
    count: int, kinds: Sequence[str], generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The row and the column that each pixel of `count` images is taken from: [count, 28, 28]."""
    row, column = np.mgrid[:28, :28].astype(np.float32) - 13.5

    def drawn(limit: float) -> np.ndarray:
        return generator.uniform(-limit, limit, (count, 1, 1)).astype(np.float32)

    angle = drawn(ANGLE) if "rotate" in kinds else np.zeros((count, 1, 1), np.float32)
    rows = np.cos(angle) * row - np.sin(angle) * column
    columns = np.sin(angle) * row + np.cos(angle) * column
    if "skew" in kinds:
        columns += drawn(SKEW) * row
    if "shift" in kinds:
        rows += generator.integers(-1, 2, (count, 1, 1))
        columns += generator.integers(-1, 2, (count, 1, 1))
    if "elastic" in kinds:
        for field in (rows, columns):
            noise = 2 * generator.random((count, 28, 28), np.float32) - 1
            field += ALPHA * (_SMOOTHING @ noise @ _SMOOTHING.T)
    return rows + 13.5, columns + 13.5


def resample(images: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Byte images whose pixels are read, bilinearly, at the given rows and columns."""
    # A border of zeros stands for all that lies outside; points further out are read in it.
    framed = np.pad(images[..., 0], ((0, 0), (2, 2), (2, 2)))
    rows, columns = np.clip(rows, -2, 29) + 2, np.clip(columns, -2, 29) + 2
    top, left = np.minimum(rows.astype(np.intp), 30), np.minimum(columns.astype(np.intp), 30)
    down, right = rows - top, columns - left
    corner = (np.arange(len(images))[:, None, None] * 32 + top) * 32 + left
    read = (1 - down) * (1 - right) * framed.take(corner)
    read += (1 - down) * right * framed.take(corner + 1)
    read += down * (1 - right) * framed.take(corner + 32)
    read += down * right * framed.take(corner + 33)
    return np.rint(read).astype(np.uint8)[..., None]


def _shift(images: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    # Whole pixels need no resampling: the images of each of the nine shifts move together.
    moves = generator.integers(-1, 2, (len(images), 2))
    moved = np.empty_like(images)
    for rows, columns in np.ndindex(3, 3):
        chosen = (moves == (rows - 1, columns - 1)).all(axis=1)
        moved[chosen] = shifted(images[chosen], rows - 1, columns - 1)
    return moved
