"""NumPy arrays out of a pickle, without unpickling: its opcodes are read as data.

Nothing that the pickle names is imported or called, and an opcode or a name that lists of arrays do
not need is refused.
"""

from __future__ import annotations

import math
import pickletools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

_MOST_OPCODES = 1000

_VALUES = {
    *("BININT", "BININT1", "BININT2", "LONG1"),
    *("SHORT_BINSTRING", "BINSTRING", "SHORT_BINUNICODE", "BINUNICODE"),
    *("SHORT_BINBYTES", "BINBYTES", "BINBYTES8"),
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_MARK = object()

_RECONSTRUCT = ("numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct")
_NAMES = (*_RECONSTRUCT, "numpy ndarray", "numpy dtype")


class Readable(Protocol):
    """What is read of a stream, be it a file or a `gzip.GzipFile`."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, `size` at most."""

    def readline(self, size: int, /) -> bytes:
        """The next bytes to the end of a line, `size` at most."""


class Bounded:
    """A stream for the reader of opcodes that ends in an error after `limit` bytes."""

    def __init__(self, stream: Readable, limit: int) -> None:
        self._stream = stream
        self._limit = self._left = limit

    def read(self, size: int) -> bytes:
        """The next bytes, `size` at most; ValueError beyond the limit."""
        return self._counted(self._stream.read(min(size, self._left + 1)))

    def readline(self) -> bytes:
        """The next bytes to the end of a line; ValueError beyond the limit."""
        return self._counted(self._stream.readline(self._left + 1))

    def _counted(self, part: bytes) -> bytes:
        self._left -= len(part)
        if self._left < 0:
            raise ValueError(f"it unpacks to more than {self._limit:,} bytes")
        return part


def read_arrays(stream: Bounded) -> list[Any] | tuple[Any, ...]:
    """What a pickle of protocol 2 to 4 holds: lists, tuples and arrays of numbers.

    Args:
        stream: The pickle; what follows its end is not read.

    Raises:
        ValueError: It holds anything else. A damaged one can raise what `pickletools` does, too.
    """
    stack = _Stack()
    for name, value in _opcodes(stream):
        if name in _VALUES:
            stack.items.append(value)
        elif name in _CONSTANTS:
            stack.items.append(_CONSTANTS[name])
        elif name in _TUPLES:
            stack.items.append(tuple(stack.take(_TUPLES[name])))
        elif name in _ACTIONS:
            _ACTIONS[name](stack, value)
        elif name not in ("PROTO", "FRAME", "STOP"):
            raise ValueError(f"it uses {name}, which arrays do not need")
    contents = stack.items[0] if len(stack.items) == 1 else None
    if not isinstance(contents, list | tuple):
        raise ValueError("it holds no list or tuple of parts")
    return type(contents)(_parts(contents))


def _parts(contents: Any) -> Iterator[Any]:
    # A part is an array, or a list or tuple of arrays; deeper ones stay as they are.
    for part in contents:
        if isinstance(part, list | tuple):
            yield tuple(_finished(each) for each in part)
        else:
            yield _finished(part)


def _finished(value: Any) -> Any:
    return value.numbers if isinstance(value, _Array) else value


def _opcodes(stream: Bounded) -> Iterator[tuple[str, Any]]:
    # It calls `read` and `readline` alone, and its type asks for all that a file can do.
    opcodes = pickletools.genops(stream)  # type: ignore[arg-type]
    for count, (opcode, value, _) in enumerate(opcodes):
        if count == _MOST_OPCODES:
            raise ValueError(f"it has more than {_MOST_OPCODES:,} opcodes; six arrays need 200")
        yield opcode.name, value


@dataclass
class _Type:
    """A type of numbers, `f4` or `i8` say, as NumPy pickles it: the byte order comes later."""

    text: str
    order: str = "<"


@dataclass
class _Array:
    """An array as NumPy pickles it: an empty one first, its numbers later."""

    numbers: np.ndarray | None = None


@dataclass(frozen=True)
class _Name:
    """A name in a module, which is compared and never looked up."""

    text: str


class _Stack:
    """The stack and the memo of a pickle machine."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.memo: dict[int, Any] = {}

    def take(self, count: int) -> list[Any]:
        """The last `count` items, which are gone from it then."""
        if len(self.items) < count:
            raise ValueError("its stack is empty")
        start = len(self.items) - count
        taken, self.items[start:] = self.items[start:], []
        return taken

    def take_to_mark(self) -> list[Any]:
        """The items after the last mark; they and the mark are gone then."""
        place = max((i for i, each in enumerate(self.items) if each is _MARK), default=None)
        if place is None:
            raise ValueError("a mark is missing")
        taken = self.take(len(self.items) - place)
        return taken[1:]

    def top(self, kind: type) -> Any:
        """The last item, which stays; ValueError where it is of another kind."""
        if not self.items or not isinstance(self.items[-1], kind):
            raise ValueError(f"its stack has no {kind.__name__.strip('_').lower()} on top")
        return self.items[-1]

    def memoize(self, place: int | None) -> None:
        """Remember the last item under a number, or the next one."""
        self.memo[len(self.memo) if place is None else place] = self.top(object)

    def call(self) -> None:
        """What NumPy's own functions would make of their arguments."""
        name, given = self.take(2)
        text = name.text if isinstance(name, _Name) else ""
        if text in _RECONSTRUCT:
            self.items.append(_Array())
        elif text == "numpy dtype" and isinstance(given, tuple) and _is_type(given[:1]):
            self.items.append(_Type(given[0]))
        else:
            raise ValueError("it calls something else than an array or its type")

    def set_state(self) -> None:
        """Give a type its byte order, or an array its numbers."""
        (state,) = self.take(1)
        target = self.top(object)
        if isinstance(target, _Type) and isinstance(state, tuple) and state[1:2] in _ORDERS:
            target.order = state[1]
        elif isinstance(target, _Array) and isinstance(state, tuple) and len(state) == 5:
            target.numbers = _numbers(*state[1:])
        else:
            raise ValueError("it builds something else than arrays of numbers")


_ORDERS = (("<",), (">",), ("|",), ("=",))


def _is_type(given: tuple[Any, ...]) -> bool:
    return len(given) == 1 and given[0] in ("f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2")


def _numbers(shape: Any, kind: Any, by_column: Any, raw: Any) -> np.ndarray:
    if not isinstance(kind, _Type):
        raise ValueError("an array holds something else than numbers")
    # Of other things than numbers the product could be a text as large as the memory.
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError("an array has no shape")
    dtype = np.dtype(kind.order + kind.text)
    content = raw.encode("latin-1") if isinstance(raw, str) else raw
    if not isinstance(content, bytes) or math.prod(shape) * dtype.itemsize != len(content):
        raise ValueError("an array has not the bytes that its shape announces")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if by_column is True else "C")


def _named(stack: _Stack, words: list[Any]) -> None:
    name = " ".join(words) if all(isinstance(word, str) for word in words) else ""
    if name not in _NAMES:
        raise ValueError(f"it asks for {name[:100].replace(' ', '.')}, not for an array")
    stack.items.append(_Name(name))


_ACTIONS: dict[str, Callable[[_Stack, Any], object]] = {
    "MARK": lambda stack, _: stack.items.append(_MARK),
    "TUPLE": lambda stack, _: stack.items.append(tuple(stack.take_to_mark())),
    "EMPTY_LIST": lambda stack, _: stack.items.append([]),
    "APPENDS": lambda stack, _: (added := stack.take_to_mark(), stack.top(list).extend(added)),
    "APPEND": lambda stack, _: (added := stack.take(1), stack.top(list).extend(added)),
    "BINPUT": lambda stack, place: stack.memoize(place),
    "LONG_BINPUT": lambda stack, place: stack.memoize(place),
    "MEMOIZE": lambda stack, _: stack.memoize(None),
    "BINGET": lambda stack, place: stack.items.append(stack.memo[place]),
    "LONG_BINGET": lambda stack, place: stack.items.append(stack.memo[place]),
    "GLOBAL": lambda stack, name: _named(stack, name.split(" ")),
    "STACK_GLOBAL": lambda stack, _: _named(stack, stack.take(2)),
    "REDUCE": lambda stack, _: stack.call(),
    "BUILD": lambda stack, _: stack.set_state(),
}
