"""The two file formats MNIST comes in: IDX, and the book's pickle; neither is trusted.

Whatever is wrong with a file is one DataError, and no file can run code or fill the memory.
"""

from __future__ import annotations

import gzip
import io
import math
import pickle
import re
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from zoo.data.dataset import Split
from zoo.errors import DataError
from zoo.utils.regular import is_readable_to_its_end

# MNIST's largest file is 47 MB as IDX and 220 MB as a pickle of floats.
LARGEST = 256 * 2**20

_UNSIGNED_BYTE = 8
_CHUNK = 2**14  # bytes, which unpack to 16 MB at most
_ZEROS = re.compile(rb"\0*")


def read_file(path: Path, limit: int = LARGEST) -> bytes:
    """The bytes of the file at `path`; raises DataError for more than `limit`, or no access."""
    if not is_readable_to_its_end(path):
        raise DataError(f"{path} is a pipe or a device. Name a regular file.")
    try:
        with path.open("rb") as file:
            raw = file.read(limit + 1)
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}.") from error
    return _within(limit, raw, str(path))


def unpacked(raw: bytes, what: str, limit: int = LARGEST) -> bytes:
    """`raw`, gunzipped if it is gzipped.

    `what` names it in errors. Raises DataError for a damaged or truncated gzip file, and for one
    that holds more than `limit` bytes, of which it then unpacks no more than that.
    """
    if raw[:2] != b"\x1f\x8b":
        return raw
    try:
        inside = _gunzipped(raw, limit)
    except (EOFError, zlib.error) as error:
        raise DataError(f"Cannot unpack {what}: {error}. Get the file anew.") from error
    return _within(limit, inside, f"{what}, unpacked,")


def _gunzipped(raw: bytes, limit: int) -> bytes:
    """What gzip members hold one after another, or its beginning where that is above `limit`.

    Zeros may follow a member, as on a tape: Python's reader goes through them one by one, and
    would take a quarter of a minute for 64 MB.
    """
    parts, size, at = [], 0, 0
    while at < len(raw) and size <= limit:
        member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        while not member.eof and size <= limit:
            chunk = raw[at : at + _CHUNK]
            if not chunk:
                raise EOFError("it ends before its contents do")
            parts.append(member.decompress(chunk))
            size += len(parts[-1])
            at += len(chunk) - len(member.unused_data)
        at = _ZEROS.match(raw, at).end()
    return b"".join(parts)


def _within(limit: int, raw: bytes, what: str) -> bytes:
    if len(raw) > limit:
        raise DataError(f"{what} is larger than {limit:,} bytes: no file of MNIST's kind is.")
    return raw


def parse_images(raw: bytes, what: str) -> np.ndarray:
    """The images of an IDX file: uint8 [n, 28, 28, 1], a read-only view of `raw`.

    Raises DataError for another magic number, another image size, and any other length than
    the header announces.
    """
    (count, *size), pixels = _parse(raw, 3, what)
    if size != [28, 28]:
        raise DataError(f"{what} holds images of {size[0]}x{size[1]}, the networks see 28x28.")
    return pixels.reshape(count, 28, 28, 1)


def parse_labels(raw: bytes, what: str) -> np.ndarray:
    """The labels of an IDX file: uint8 [n], a read-only view of `raw`; raises DataError."""
    return _parse(raw, 1, what)[1]


def to_idx(array: np.ndarray) -> bytes:
    """The IDX file of an array of uint8: its header, then its bytes.

    >>> to_idx(np.array([7, 2], np.uint8)).hex(" ")
    '00 00 08 01 00 00 00 02 07 02'
    """
    magic = bytes([0, 0, _UNSIGNED_BYTE, array.ndim])
    return magic + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def _parse(raw: bytes, dimensions: int, what: str) -> tuple[tuple[int, ...], np.ndarray]:
    magic = bytes([0, 0, _UNSIGNED_BYTE, dimensions])
    start = 4 + 4 * dimensions
    if raw[:4] != magic or len(raw) < start:
        raise DataError(
            f"{what} is no IDX file of bytes in {dimensions} dimension(s): it begins with"
            f" {raw[:4].hex(' ') or 'nothing'}, not {magic.hex(' ')} and {dimensions} length(s)."
        )
    shape = struct.unpack(f">{dimensions}I", raw[4:start])
    announced, there = math.prod(shape), len(raw) - start
    if announced != there:
        raise DataError(
            f"{what} announces {announced:,} bytes of data and holds {there:,}. Get the file anew."
        )
    return shape, np.frombuffer(raw, np.uint8)[start:]


def parse_pickle(raw: bytes, what: str, limit: int = LARGEST) -> tuple[Split, Split, Split]:
    """Training, validation and test data of the book's `mnist.pkl.gz`, read without trust.

    `raw` is the gzipped file. The pickle may hold NumPy arrays and nothing else: one that asks
    for any other object is refused, and nothing of it has run. Its pixels are floats
    that are exactly byte/256; the images returned are those bytes. Raises DataError otherwise,
    and for a pickle of more than `limit` bytes.
    """
    # Python's reader of gzip goes through zeros behind one by one; the trailer may have some.
    raw = raw[: len(raw.rstrip(b"\0")) + 64]
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as stream:
            contents = _ArraysOnly(_Bounded(stream, limit), encoding="latin1").load()
            # To be at the end is also what makes gzip compare its checksum.
            if stream.read(1):
                raise pickle.UnpicklingError("more bytes follow its end")
        pairs = [(np.asarray(pixels), np.asarray(labels)) for pixels, labels in contents]
    # A broken pickle can raise anything: KeyError, AttributeError, MemoryError and more.
    except Exception as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"Cannot read the pickle {what}: {text}.") from error
    if len(pairs) != 3:
        raise DataError(f"{what} holds {len(pairs)} parts; the book's file holds 3.")
    train, validation, test = (Split(_to_bytes(pixels, what), labels) for pixels, labels in pairs)
    return train, validation, test


def _to_bytes(pixels: np.ndarray, what: str) -> np.ndarray:
    if pixels.dtype != np.float32 or pixels.ndim != 2 or pixels.shape[1] != 784:
        raise DataError(
            f"{what} holds pixels of type {pixels.dtype} and shape {list(pixels.shape)};"
            " the book's file holds float32 [n, 784]."
        )
    scaled = pixels * 256
    with np.errstate(invalid="ignore"):
        images = scaled.astype(np.uint8)
    if not np.array_equal(images, scaled):
        raise DataError(f"{what} holds pixels that are no byte/256, so it is not the book's file.")
    return images.reshape(-1, 28, 28, 1)


class _ArraysOnly(pickle.Unpickler):
    """An unpickler that can make NumPy arrays, and knows no other name."""

    _reconstruct = np.empty(0).__reduce__()[0]
    _ADMITTED = {  # noqa: RUF012
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    }

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in self._ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, not for an array")
        return self._ADMITTED[module, name]


class _Bounded:
    """A stream for the unpickler that ends in an error after `limit` bytes."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream = stream
        self._limit = self._left = limit

    def read(self, size: int) -> bytes:
        return self._counted(self._stream.read(min(size, self._left + 1)))

    def readline(self) -> bytes:
        return self._counted(self._stream.readline(self._left + 1))

    def _counted(self, part: bytes) -> bytes:
        self._left -= len(part)
        if self._left < 0:
            raise pickle.UnpicklingError(f"it unpacks to more than {self._limit:,} bytes")
        return part
