"""Tensors at the border: what a model takes and gives, and the names each protocol has for it."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import msgspec
import numpy as np
from msgspec import Raw

from zoo.serve.limits import Refused

# One line a type: NumPy, ONNX Runtime, Open Inference Protocol, TensorFlow.
_TYPES = (
    ("bool", "tensor(bool)", "BOOL", "DT_BOOL"),
    ("uint8", "tensor(uint8)", "UINT8", "DT_UINT8"),
    ("uint16", "tensor(uint16)", "UINT16", "DT_UINT16"),
    ("uint32", "tensor(uint32)", "UINT32", "DT_UINT32"),
    ("uint64", "tensor(uint64)", "UINT64", "DT_UINT64"),
    ("int8", "tensor(int8)", "INT8", "DT_INT8"),
    ("int16", "tensor(int16)", "INT16", "DT_INT16"),
    ("int32", "tensor(int32)", "INT32", "DT_INT32"),
    ("int64", "tensor(int64)", "INT64", "DT_INT64"),
    ("float16", "tensor(float16)", "FP16", "DT_HALF"),
    ("float32", "tensor(float)", "FP32", "DT_FLOAT"),
    ("float64", "tensor(double)", "FP64", "DT_DOUBLE"),
    ("string", "tensor(string)", "BYTES", "DT_STRING"),
)
NUMPY_OF_ONNX = {onnx: numpy for numpy, onnx, _, _ in _TYPES}
OPEN_INFERENCE_OF_NUMPY = {numpy: name for numpy, _, name, _ in _TYPES}
TENSORFLOW_OF_NUMPY = {numpy: name for numpy, _, _, name in _TYPES}
NUMPY_OF_OPEN_INFERENCE = {name: numpy for numpy, _, name, _ in _TYPES}

Arrays = dict[str, np.ndarray]

_decode_numbers = msgspec.json.Decoder(list[int]).decode


@dataclass(frozen=True)
class TensorInfo:
    """A tensor that a model takes or gives.

    Attributes:
        name: Its name in the model.
        dtype: NumPy's name of the type, or `string`.
        shape: Its sides; -1 is any length, and the first is the number of examples.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name}, {self.dtype} {shape_text(self.shape)}"

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of this shape may be given.

        >>> TensorInfo("images", "uint8", (-1, 28, 28, 1)).fits((3, 28, 28, 1))
        True
        """
        # Loops, since a generator takes twice as long, and every request comes by.
        if len(shape) != len(self.shape):
            return False
        for ours, theirs in zip(self.shape, shape, strict=True):  # noqa: SIM110
            if ours not in (-1, theirs):
                return False
        return True

    def check(self, shape: tuple[int, ...]) -> None:
        """Refuse a shape that does not fit, or holds no example.

        Raises:
            Refused: With status 400.
        """
        if not self.fits(shape) or min(shape, default=1) < 1:
            expected = shape_text(self.shape) + (", n from 1 up" if -1 in self.shape else "")
            raise Refused(
                400, f"{self.name} must have the shape {expected}, not {_shape_text(shape)}"
            )


def shape_text(shape: Iterable[int]) -> str:
    """A shape as text, as in [n, 28, 28, 1]."""
    sides = ["n" if side == -1 else str(side) for side in shape]
    return f"[{', '.join(sides)}]"


def _shape_text(shape: tuple[int, ...]) -> str:
    # What a client sent: -1 is no n.
    return f"[{', '.join(map(str, shape[:8]))}{', ...' if len(shape) > 8 else ''}]"


def from_json(value: Any, info: TensorInfo) -> np.ndarray:
    """The array that nested lists of numbers stand for.

    Args:
        value: What a JSON decoder made of it.
        info: The tensor that it is given for; numbers must have its type and fit its shape.

    Raises:
        Refused: With status 400, for another shape or type, ragged lists, or numbers beyond the
            range of the type.
    """
    if info.dtype == "uint8" and isinstance(value, list):
        quick = _bytes(value, info.shape[1:])
        if quick is not None:
            info.check(quick.shape)
            return quick
    # As objects: of texts, NumPy would make an array as wide as the longest of them.
    array = np.array(value, object)
    kinds = set(map(type, array.ravel().tolist()))
    if list in kinds:
        raise Refused(400, f"{info.name} must be nested lists of {info}: its rows differ")
    info.check(array.shape)
    return _converted(array, kinds, info)


def images_from_json(text: Raw, info: TensorInfo) -> np.ndarray | None:
    """The same for bytes of known sides, from JSON text that is known to be well-formed.

    No list is made but a flat one: four times as fast as `from_json`.

    Args:
        text: Nested lists of whole numbers 0 to 255.
        info: The tensor that it is given for.

    Returns:
        The array, or None for anything else: `from_json` says what is wrong with it, if it is.
    """
    sides = info.shape[1:]
    if info.dtype != "uint8" or len(info.shape) < 2 or -1 in sides:
        return None
    content, one = bytes(text), _brackets(sides)
    brackets = content.translate(None, b"0123456789 \t\n\r")
    # n images, the commas between them, and the brackets around: n (len(one) + 1) + 1.
    count, rest = divmod(len(brackets) - 1, len(one) + 1)
    if rest or count < 1 or brackets != b"[" + b",".join([one] * count) + b"]":
        return None
    try:
        numbers = _decode_numbers(b"[" + content.translate(None, b"[] \t\n\r") + b"]")
        return np.frombuffer(bytes(numbers), np.uint8).reshape(count, *sides)
    except (msgspec.MsgspecError, ValueError):  # an empty list, a number above 255
        return None


@functools.cache
def _brackets(sides: tuple[int, ...]) -> bytes:
    """What is left of nested lists with these sides when their numbers are gone."""
    text = b""
    for side in reversed(sides):
        text = b"[" + b",".join([text] * side) + b"]"
    return text


def _bytes(value: list, sides: tuple[int, ...]) -> np.ndarray | None:
    # Three times as fast as NumPy, for images; whatever it does not understand is None.
    flat: Any = value
    try:
        for side in sides:
            if side != -1 and set(map(len, flat)) != {side}:
                return None
            flat = list(chain.from_iterable(flat))
        if not value or bool in set(map(type, flat)):
            return None
        return np.frombuffer(bytes(flat), np.uint8).reshape(len(value), *sides)
    except (TypeError, ValueError):
        return None


def _converted(array: np.ndarray, kinds: set[type], info: TensorInfo) -> np.ndarray:
    wanted = np.dtype(info.dtype)
    numbers: dict[str, set[type]] = {"b": {bool}, "u": {int}, "i": {int}, "f": {int, float}}
    allowed = numbers[wanted.kind]
    if not kinds <= allowed:
        raise Refused(400, f"{info.name} must be numbers of type {info.dtype}")
    if wanted.kind in "iu":
        limits = np.iinfo(wanted)
        if array.min() < limits.min or array.max() > limits.max:
            raise Refused(400, f"{info.name} must be whole numbers {limits.min} to {limits.max}")
    try:
        with np.errstate(over="ignore"):
            return check_finite(array.astype(wanted), info)
    except OverflowError:
        raise Refused(400, f"{info.name} holds a number too large for {info.dtype}") from None


def check_finite(array: np.ndarray, info: TensorInfo) -> np.ndarray:
    """The array itself, if it holds neither NaN nor infinity.

    Args:
        array: Numbers of any type and shape; only floats can be refused.
        info: The input that it is for, which the refusal names.

    Raises:
        Refused: With status 400, where a number is NaN or infinite.
    """
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise Refused(400, f"{info.name} holds NaN or infinity: all numbers must be finite")
    return array
