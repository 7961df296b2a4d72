"""External data: the files beside an ONNX file that hold its weights, which the file names.

ONNX Runtime, given a path, maps these files into memory: if somebody writes over one, a running
server answers by other weights or is killed by SIGBUS. So their contents are read beforehand.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

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
_LENGTH = 2  # the wire type of texts and messages


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
        found = _locations(content, "model", _DEEPEST)
        return tuple(dict.fromkeys(name.decode() for name in found))
    except (ValueError, DecodeError):  # ONNX Runtime will say what is wrong with it
        return ()


def _locations(content: bytes, kind: str, depth: int) -> Iterator[bytes]:
    """The values of all entries of external data whose key is `location`."""
    if not depth:
        raise ValueError("messages are nested too deep")
    kinds, texts = _FIELDS[kind], dict[str, bytes]()
    for field in UnknownFieldSet(Empty.FromString(content)):
        wanted = kinds.get(field.field_number) if field.wire_type == _LENGTH else None
        if wanted in _FIELDS:
            yield from _locations(field.data, wanted, depth - 1)
        elif wanted is not None:
            texts[wanted] = field.data
    if texts.get("key") == b"location":
        yield texts.get("value", b"")
