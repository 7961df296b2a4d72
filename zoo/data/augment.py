"""Training images altered afresh each time they are seen: shifted, rotated, skewed, distorted.

The book expands MNIST once and leaves doing so on the fly as a problem (chapter 6). All distortions
of an image are added up into one map of where each pixel comes from, so it is resampled only once.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter1d

from zoo.data.expand import shifted

# The angle is the book's (chapter 3); sigma and alpha are those of Simard, Steinkraus and Platt,
# "Best practices for convolutional neural networks", 2003.
ANGLE = np.radians(15)
SKEW = 0.25
SIGMA, ALPHA = 4.0, 34.0

# Few enough that what is computed of them stays in the processor's cache: twice as fast as a block.
PIXELS_AT_ONCE = 50_000


def augment(images: np.ndarray, kinds: Sequence[str], generator: np.random.Generator) -> np.ndarray:
    """Altered copies of images; what comes from outside of an image is 0.

    Args:
        images: uint8, [n, height, width, channels]; all channels of an image move together.
        kinds: Any of 'shift' (by up to a pixel in each direction), 'rotate' (by up to 15 degrees
            about the centre), 'skew' (rows slide by up to a quarter of their distance from the
            centre) and 'elastic' (each pixel moves by its own, smoothly varying, about 1.4 pixels).
        generator: Of the random numbers.

    Returns:
        uint8 of the same shape.
    """
    if tuple(kinds) == ("shift",):
        return _shift(images, generator)
    rows, columns = sources(len(images), kinds, generator, images.shape[1:3])
    return resample(images, rows, columns)


def sources(
    count: int,
    kinds: Sequence[str],
    generator: np.random.Generator,
    size: tuple[int, int] = (28, 28),
) -> tuple[np.ndarray, np.ndarray]:
    """The row and the column that each pixel of altered images is taken from.

    Args:
        count: How many images.
        kinds: As for `augment`; others change nothing.
        generator: Of the random numbers.
        size: Height and width of an image.

    Returns:
        Rows and columns in pixels, float32 [count, height, width]; they may lie outside of the
        image.
    """
    height, width = size
    middle_row, middle_column = (height - 1) / 2, (width - 1) / 2
    row, column = np.mgrid[:height, :width].astype(np.float32)
    row, column = row - middle_row, column - middle_column

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
            noise = 2 * generator.random((count, height, width), np.float32) - 1
            field += ALPHA * (_smoothing(height) @ noise @ _smoothing(width).T)
    return rows + middle_row, columns + middle_column


@functools.cache
def _smoothing(length: int) -> np.ndarray:
    # Smoothing is linear and goes by rows, then by columns: on both sides of an image, a product
    # with this matrix, which is ten times as fast as filtering.
    return gaussian_filter1d(np.eye(length, dtype=np.float32), SIGMA, axis=0, mode="constant")


def resample(images: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Images whose pixels are read, bilinearly, at other places.

    Args:
        images: uint8, [n, height, width, channels].
        rows: The row that each pixel is read at, float32, [n, height, width].
        columns: Its column, likewise.

    Returns:
        uint8 of the images' shape; 0 where the place is outside.
    """
    moved = np.empty_like(images)
    step = max(1, PIXELS_AT_ONCE // math.prod(images.shape[1:3]))
    for start in range(0, len(images), step):
        part = slice(start, start + step)
        moved[part] = _resample(images[part], rows[part], columns[part])
    return moved


def _resample(images: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    height, width = images.shape[1:3]
    # A border of zeros stands for all that lies outside; points further out are read in it.
    framed = np.pad(images, ((0, 0), (2, 3), (2, 3), (0, 0)))
    rows, columns = np.clip(rows, -2, height + 1) + 2, np.clip(columns, -2, width + 1) + 2
    top, left = rows.astype(np.intp), columns.astype(np.intp)
    down, right = rows - top, columns - left
    wide, first = width + 5, np.arange(len(images))[:, None, None] * (height + 5)
    above = (first + top) * wide + left
    below = above + wide
    moved = np.empty_like(images)
    for channel in range(images.shape[3]):
        pixels = framed[..., channel].ravel()
        change = np.diff(pixels.astype(np.int16), append=0)
        upper = pixels.take(above) + right * change.take(above)
        lower = pixels.take(below) + right * change.take(below)
        moved[..., channel] = np.rint(upper + down * (lower - upper))
    return moved


def _shift(images: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    # Whole pixels need no resampling: the images of each of the nine shifts move together.
    moves = generator.integers(-1, 2, (len(images), 2))
    moved = np.empty_like(images)
    for rows, columns in np.ndindex(3, 3):
        chosen = (moves == (rows - 1, columns - 1)).all(axis=1)
        moved[chosen] = shifted(images[chosen], rows - 1, columns - 1)
    return moved
