"""Images that stay in a memory-mapped file, read some at a time, so that memory stays small.

What is read of a mapped file counts as memory of the process until it is let go of; here that is
done after each read. The system keeps the pages as long as it has room, so a second read is quick.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterator

import numpy as np

CHUNK = 2**23  # bytes of images that are read in one piece

# Images that are read before the pages are let go of: around each, the system maps up to 512 kB.
_AT_ONCE = 32


def mapping_of(images: np.ndarray) -> mmap.mmap | None:
    """The mapped file that an array is a view of; None for an array in memory."""
    base = images
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) else None


def read_images(images: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """The images at these indices, in their order, in memory.

    A mapped file is read from its beginning to its end, whatever the order of the indices.

    >>> read_images(np.arange(5) * 10, np.array([3, 0, 3])).tolist()
    [30, 0, 30]
    """
    mapping = mapping_of(images)
    if mapping is None:
        return images[indices]
    # Images that lie far apart: what stands between them is not worth reading.
    mapping.madvise(mmap.MADV_RANDOM)
    order = np.argsort(indices, kind="stable")
    read = np.empty((len(indices), *images.shape[1:]), images.dtype)
    for start in range(0, len(order), _AT_ONCE):
        some = order[start : start + _AT_ONCE]
        read[some] = images[indices[some]]
        mapping.madvise(mmap.MADV_DONTNEED)
    return read


def chunks(images: np.ndarray, size: int = CHUNK) -> Iterator[np.ndarray]:
    """All images in order, in pieces of about `size` bytes; a mapped file is read ahead.

    A piece of a mapped file is valid until the next one is asked for.
    """
    mapping = mapping_of(images)
    if mapping is not None:
        mapping.madvise(mmap.MADV_NORMAL)
    step = max(1, size // math.prod(images.shape[1:]))
    for start in range(0, len(images), step):
        yield images[start : start + step]
        if mapping is not None:
            mapping.madvise(mmap.MADV_DONTNEED)
