"""External data: the files beside an ONNX file that hold its weights, which the file names.

ONNX Runtime, given a path, maps these files into memory: if somebody writes over one, a running
server answers by other weights or is killed by SIGBUS. So their contents are read beforehand.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from zoo.errors import RunError
from zoo.utils.regular import readable

# The messages of onnx.proto that lead to a tensor: the kinds of their fields, by number.
_FIELDS: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
    "entry": {1: "key", 2: "value"},
}
_DEEPEST = 100  # as protobuf itself


def data_files(path: Path) -> dict[str, Path]:
    """The data files of an ONNX file by the names that it gives them, in their order.

    Args:
        path: The ONNX file; it is read again only after a change of its size or time.

    Returns:
        The paths, in the file's folder; nothing for a file that is damaged.

    Raises:
        OSError: The file cannot be read.
        RunError: A name leads out of the file's folder.
    """
    status = readable(path).stat()
    names = _names(path, status.st_size, status.st_mtime_ns)
    for name in names:
        inside = PurePosixPath(name.replace("\\", "/"))
        if inside.is_absolute() or ".." in inside.parts or Path(name).is_absolute():
            raise RunError(f"{path} keeps data in {name!r}: they must be in the file's own folder")
    return {name: path.parent / name for name in names}


@functools.lru_cache(maxsize=256)
def _names(path: Path, size: int, modified: int) -> tuple[str, ...]:
    content = path.read_bytes()
    try:
        found = _locations(content, 0, len(content), "model", _DEEPEST)
        return tuple(dict.fromkeys(name.decode() for name in found))
    except (ValueError, IndexError):  # ONNX Runtime will say what is wrong with it
        return ()


def _locations(content: bytes, start: int, stop: int, kind: str, depth: int) -> Iterator[bytes]:
    """The values of all entries of external data whose key is `location`."""
    if not depth:
        raise ValueError("messages are nested too deep")
    fields = _FIELDS[kind]
    texts: dict[str, bytes] = {}
    for number, begin, end in _messages(content, start, stop):
        wanted = fields.get(number)
        if wanted in _FIELDS:
            yield from _locations(content, begin, end, wanted, depth - 1)
        elif wanted is not None:
            texts[wanted] = content[begin:end]
    if texts.get("key") == b"location":
        yield texts.get("value", b"")


def _messages(content: bytes, place: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """Number, begin and end of each field of a message that has a length."""
    while place < stop:
        tag, place = _varint(content, place)
        wire = tag & 7
        if wire == 2:
            length, place = _varint(content, place)
            if place + length > stop:
                raise ValueError("a message is longer than what holds it")
            yield tag >> 3, place, place + length
            place += length
        elif wire == 0:
            _, place = _varint(content, place)
        elif wire in (1, 5):
            place += 8 if wire == 1 else 4
        else:
            raise ValueError(f"there is no wire type {wire}")


def _varint(content: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
        if shift > 63:
            raise ValueError("a number is longer than ten bytes")
