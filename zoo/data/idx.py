"""The IDX files that MNIST comes in, read without trust.

Whatever is wrong with a file is one DataError, and no file can fill the memory.
"""

from __future__ import annotations

import math
import re
import struct
import zlib
from pathlib import Path

import numpy as np

from zoo.errors import DataError
from zoo.utils.regular import is_readable_to_its_end

# MNIST's largest file is 47 MB as IDX and 220 MB as a pickle of floats.
LARGEST = 256 * 2**20

_UNSIGNED_BYTE = 8
_CHUNK = 2**14  # bytes, which unpack to 16 MB at most
_ZEROS = re.compile(rb"\0*")


def read_file(path: Path, limit: int = LARGEST) -> bytes:
    """The bytes of a file.

    Args:
        path: Of a regular file.
        limit: The most bytes that it may have; no more than these and one are read.

    Raises:
        DataError: The file is larger, a pipe or a device, or cannot be read.
    """
    if not is_readable_to_its_end(path):
        raise DataError(f"{path} is a pipe or a device. Name a regular file.")
    try:
        with path.open("rb") as file:
            raw = file.read(limit + 1)
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}.") from error
    return _within(limit, raw, str(path))


def unpacked(raw: bytes, what: str, limit: int = LARGEST) -> bytes:
    """A file's bytes, gunzipped if they are gzipped.

    Args:
        raw: The bytes.
        what: Names the file in errors.
        limit: The most bytes that may come out; no more than those are unpacked.

    Raises:
        DataError: The gzip file is damaged or truncated, or holds more than `limit` bytes.
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
        zeros = _ZEROS.match(raw, at)
        assert zeros is not None  # it matches no zero, too
        at = zeros.end()
    return b"".join(parts)


def _within(limit: int, raw: bytes, what: str) -> bytes:
    if len(raw) > limit:
        raise DataError(f"{what} is larger than {limit:,} bytes: no file of MNIST's kind is.")
    return raw


def parse_images(raw: bytes, what: str) -> np.ndarray:
    """The images of an IDX file: uint8 [n, 28, 28, 1], a read-only view of `raw`.

    Args:
        raw: The whole file, unpacked.
        what: Names it in errors.

    Raises:
        DataError: Another magic number, another image size, or any other length than the header
            announces.
    """
    (count, *size), pixels = _parse(raw, 3, what)
    if size != [28, 28]:
        raise DataError(f"{what} holds images of {size[0]}x{size[1]}, the networks see 28x28.")
    return pixels.reshape(count, 28, 28, 1)


def parse_labels(raw: bytes, what: str) -> np.ndarray:
    """The labels of an IDX file: uint8 [n], a read-only view of `raw`.

    Args:
        raw: The whole file, unpacked.
        what: Names it in errors.

    Raises:
        DataError: Another magic number, or any other length than the header announces.
    """
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
