"""Images that stay in a memory-mapped file, read some at a time, so that memory stays small.

What is read of a mapped file counts as memory of the process until it is let go of; here that is
done after each read. The system keeps the pages as long as it has room, so a second read is quick.
"""

from __future__ import annotations

import math
import mmap
import os
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from zoo.errors import DataError
from zoo.utils.atomic import shortened

CHUNK = 2**23  # bytes of images that are read in one piece

# Images that are read before the pages are let go of: around each, the system maps up to 512 kB.
_AT_ONCE = 64


# The files of the mappings that were made here, for as long as these last.
_DESCRIPTORS: weakref.WeakKeyDictionary[mmap.mmap, int] = weakref.WeakKeyDictionary()


def mapping_of(images: np.ndarray) -> mmap.mmap | None:
    """The mapped file that an array is a view of; None for an array in memory."""
    base: object = images
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) else None


def map_images(file: BinaryIO, shape: tuple[int, ...]) -> np.memmap:
    """The images of a file of bytes, memory-mapped; the file may be closed, or deleted, after.

    Args:
        file: With the images from its first byte on, and nothing before them.
        shape: [n, ...], of one byte each.

    Returns:
        uint8 of this shape, which cannot be written to.
    """
    images = np.memmap(file, np.uint8, "r", shape=shape)
    mapping = mapping_of(images)
    assert mapping is not None  # the base of every np.memmap
    if hasattr(os, "preadv"):  # not on Windows
        _DESCRIPTORS[mapping] = os.dup(file.fileno())
        weakref.finalize(mapping, os.close, _DESCRIPTORS[mapping])
    return images


def _run_of_bytes(images: np.ndarray) -> tuple[int, int] | None:
    """Where images lie one after the other in a file that was mapped here.

    Returns:
        The file's descriptor and the bytes before the first image; None for images in memory, of
        another mapping, and for a view that steps over bytes or goes backwards.
    """
    mapping = mapping_of(images)
    if mapping is None or mapping not in _DESCRIPTORS or not images.flags.c_contiguous:
        return None
    return _DESCRIPTORS[mapping], images.ctypes.data - np.frombuffer(mapping, np.uint8).ctypes.data


def place_of(images: np.ndarray) -> tuple[str, int] | None:
    """The file that holds mapped images one after the other, and the bytes before them in it.

    Returns:
        None for images in memory, and for a view of a mapped file that steps over bytes of it.

    Raises:
        DataError: The file has no name by which another process would find it.
    """
    if mapping_of(images) is None or not images.flags.c_contiguous:
        return None
    base: Any = images
    while isinstance(base.base, np.ndarray):
        base = base.base
    path, place = getattr(base, "filename", None), _run_of_bytes(images)
    if path is None or place is None or not _is_file(Path(path), place[0]):
        raise DataError(
            "these images lie on the disk in a file without a name, which other processes cannot "
            "open: use one process (--jobs 1), or save them as an .npz file and load that by cache="
        )
    return str(path), place[1]


def _is_file(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except OSError:
        return False


def images_at(path: str, offset: int, shape: tuple[int, ...]) -> np.ndarray:
    """Mapped images again, in this or another process, by what `place_of` said of them.

    Args:
        path: Of the file.
        offset: Bytes before the images.
        shape: Of the images, [n, ...].
    """
    with Path(path).open("rb") as file:
        whole = map_images(file, (os.fstat(file.fileno()).st_size,))
    return whole[offset : offset + math.prod(shape)].reshape(shape)


def read_images(images: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """The images at these indices, in their order, in memory.

    A mapped file is read from its beginning to its end, whatever the order of the indices.

    Args:
        images: [n, ...], in memory or mapped.
        indices: Whole numbers from 0 to n - 1, in any order, each as often as it is wanted.

    Returns:
        A new array [len(indices), ...].

    Raises:
        IndexError: There is no image of an index.
        OSError: The mapped file has been cut short.

    >>> read_images(np.arange(5) * 10, np.array([3, 0, 3])).tolist()
    [30, 0, 30]
    """
    mapping = mapping_of(images)
    if mapping is None:
        return images[indices]
    if len(indices) and not 0 <= indices.min() <= indices.max() < len(images):
        raise IndexError(f"images have the indices 0 to {len(images) - 1}")
    place = _run_of_bytes(images)
    if place is not None:
        return _read_from(*place, images, indices)
    # Images that lie far apart: what stands between them is not worth reading.
    _advise(mapping, "MADV_RANDOM")
    order = np.argsort(indices, kind="stable")
    read = np.empty((len(indices), *images.shape[1:]), images.dtype)
    for start in range(0, len(order), _AT_ONCE):
        some = order[start : start + _AT_ONCE]
        read[some] = images[indices[some]]
        _advise(mapping, "MADV_DONTNEED")
    return read


def _read_from(descriptor: int, offset: int, images: np.ndarray, indices: np.ndarray) -> np.ndarray:
    # A read of the file takes half the time of a page fault for each image.
    read = np.empty((len(indices), *images.shape[1:]), images.dtype)
    rows = read.reshape(-1).data
    size = math.prod(images.shape[1:])
    for place in np.argsort(indices, kind="stable").tolist():
        row = rows[place * size : (place + 1) * size]
        if os.preadv(descriptor, [row], offset + int(indices[place]) * size) != size:
            raise OSError(f"image {indices[place]} cannot be read: its file has been cut short")
    return read


def _advise(mapping: mmap.mmap, advice: str) -> None:
    if hasattr(mmap, advice):  # not on Windows
        mapping.madvise(getattr(mmap, advice))


def chunks(images: np.ndarray, size: int = CHUNK) -> Iterator[np.ndarray]:
    """All images in order, a piece at a time; a mapped file is read ahead.

    A piece of a mapped file is valid until the next one is asked for.

    Args:
        images: uint8 [n, ...].
        size: Bytes of a piece, about; at least one image is in each.

    Yields:
        The next images, [k, ...]; the last piece may have fewer.
    """
    mapping = mapping_of(images)
    if mapping is not None:
        _advise(mapping, "MADV_NORMAL")
    step = max(1, size // math.prod(images.shape[1:]))
    for start in range(0, len(images), step):
        yield images[start : start + step]
        if mapping is not None:
            _advise(mapping, "MADV_DONTNEED")


def set_key(name: str, digest: Any) -> str:
    """What a set is called on the disk: its name, as far as that goes, and a part of a hash.

    Args:
        name: Of the set.
        digest: Of hashlib, over all that decides the images.
    """
    return f"{shortened(name)}-{digest.hexdigest()[:16]}"
