"""The book's pickles, read as data: nothing that a pickle asks for is ever called.

The official `mnist.pkl.gz` is known by its SHA-256, so that its arrays are found by their place in
the file. Any other file of the form, as expand_mnist.py writes one, is taken apart opcode by opcode
into NumPy arrays of numbers; an opcode or a name that such a file does not need is refused.
"""

from __future__ import annotations

import gzip
import io
from typing import Any

import numpy as np

from zoo.data.dataset import Split
from zoo.data.idx import LARGEST, unpacked
from zoo.data.pickled_arrays import Bounded, read_arrays
from zoo.errors import DataError

Pair = tuple[np.ndarray, np.ndarray]

# Of the official file, unpacked: its bytes in all; and where the pixels and the labels of each part
# begin, and how many images the part has.
OFFICIAL_SIZE = 220_080_342
OFFICIAL_PARTS = (
    (133, 156_800_199, 50_000),
    (157_200_236, 188_560_267, 10_000),
    (188_640_304, 220_000_335, 10_000),
)

PIXELS = 784


def official_parts(raw: bytes, what: str) -> tuple[Split, Split, Split]:
    """Training, validation and test data of the official file, whose SHA-256 has been checked.

    Args:
        raw: The gzipped file.
        what: Names it in errors.

    Raises:
        DataError: It does not unpack to what that file holds.
    """
    inside = unpacked(raw, what)
    if len(inside) != OFFICIAL_SIZE:
        raise DataError(f"{what} unpacks to {len(inside):,} bytes, not {OFFICIAL_SIZE:,}.")
    train, validation, test = (
        _split(
            np.frombuffer(inside, "<f4", count * PIXELS, pixels).reshape(count, PIXELS),
            np.frombuffer(inside, "<i8", count, labels),
            what,
        )
        for pixels, labels, count in OFFICIAL_PARTS
    )
    return train, validation, test


def parse_pickle(raw: bytes, what: str, limit: int = LARGEST) -> tuple[Split, Split, Split]:
    """Training, validation and test data of a file in the form of the book's `mnist.pkl.gz`.

    The pixels are floats that are exactly byte/256; the images returned are those bytes.

    Args:
        raw: The gzipped file: a pickle, of protocol 2 to 4, of three pairs of arrays.
        what: Names it in errors.
        limit: The most bytes that it may unpack to.

    Raises:
        DataError: It is damaged, larger, or holds anything else.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as stream:
            contents = read_arrays(Bounded(stream, limit))
            # To be at the end is also what makes gzip compare its checksum.
            if stream.read(1):
                raise ValueError("more bytes follow its end")
        pairs = [_pair(part) for part in contents]
    # A damaged file can raise anything: EOFError, zlib.error, MemoryError and more.
    except Exception as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"Cannot read the pickle {what}: {text[:300]}.") from error
    if len(pairs) != 3:
        raise DataError(f"{what} holds {len(pairs)} parts; the book's file holds 3.")
    train, validation, test = (_split(pixels, labels, what) for pixels, labels in pairs)
    return train, validation, test


def _split(pixels: np.ndarray, labels: np.ndarray, what: str) -> Split:
    if pixels.dtype != np.float32 or pixels.ndim != 2 or pixels.shape[1] != PIXELS:
        raise DataError(
            f"{what} holds pixels of type {pixels.dtype} and shape {list(pixels.shape)};"
            f" the book's file holds float32 [n, {PIXELS}]."
        )
    scaled = pixels * 256
    with np.errstate(invalid="ignore"):
        images = scaled.astype(np.uint8)
    if not np.array_equal(images, scaled):
        raise DataError(f"{what} holds pixels that are no byte/256, so it is not the book's file.")
    return Split(images.reshape(-1, 28, 28, 1), labels)


def _pair(part: Any) -> Pair:
    if not isinstance(part, list | tuple) or len(part) != 2:
        raise ValueError("a part is no pair of pixels and labels")
    pixels, labels = part
    if not isinstance(pixels, np.ndarray) or not isinstance(labels, np.ndarray):
        raise ValueError("a part holds something else than arrays")
    return pixels, labels
