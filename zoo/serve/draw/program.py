"""From a declaration and its weights to what the page computes with: plain records and bytes.

The page has no Keras. It gets each member of a network as a list of layer records, which
`assets/engine.js` walks forwards and backwards, and one block of bytes that holds the numbers.
"""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from zoo.errors import SpecError
from zoo.spec import IMAGE_SHAPE, ConvPool, FullyConnected, ModelSpec, Softmax, Vote

Precision = Literal["float32", "float16", "int8"]

_BYTES = {"float32": 4, "float16": 2, "int8": 1}


@dataclass(frozen=True)
class Program:
    """One network as the page runs it: its layers as plain records, and its numbers packed.

    `layers` has one record a layer: `kind` ('conv' or 'dense'), `activation`, the shapes of `input`
    and `output`, and of a convolution `size` and `pool`. `packed` holds for each layer in turn
    the kernel in the order of Keras, and the biases as float32; int8 kernels come after one float32
    scale for each output. Everything is little-endian.
    """

    layers: tuple[dict[str, Any], ...]
    packed: bytes
    precision: Precision

    def base64(self) -> str:
        """The packed numbers deflated, in the letters that a script may hold."""
        return base64.b64encode(zlib.compress(self.packed, 9)).decode("ascii")


def programs(
    spec: ModelSpec, weights: Mapping[str, np.ndarray], precision: Precision = "float16"
) -> tuple[Program, ...]:
    """The members of a network as programs; a network that is no vote is its only member.

    Dropout is folded into the weights: the book multiplies what a layer reads by 1 - p in use, and
    so do these kernels.

    Args:
        spec: a declaration of ConvPool, FullyConnected and Softmax layers, or a Vote of such.
        weights: arrays by the names that Keras gives them, as in `conv_1/kernel`.
        precision: of the kernels; biases are always float32.

    Raises:
        SpecError: for a layer that the page cannot compute, or weights that do not fit.
    """
    if precision not in get_args(Precision):
        raise SpecError(f"precision is one of {', '.join(get_args(Precision))}, not {precision!r}")
    if isinstance(spec.layers[0], Vote):
        members = [(f"member_{n}_", m) for n, m in enumerate(spec.layers[0].members, start=1)]
    else:
        members = [("", spec.layers)]
    return tuple(
        _program(spec.name, layers, prefix, weights, precision) for prefix, layers in members
    )


def _program(name: str, layers: Iterable, prefix: str, weights, precision: Precision) -> Program:
    shape, records, parts, count = IMAGE_SHAPE, [], [], {}
    for layer in layers:
        kind, record = _record(name, layer, shape)
        count[kind] = count.get(kind, 0) + 1
        stem = f"{prefix}{kind}_{count[kind]}"
        outputs = record["output"][-1]
        kernel = _array(weights, f"{stem}/kernel", _kernel_shape(layer, shape))
        bias = _array(weights, f"{stem}/bias", (outputs,))
        parts += _pack(kernel * (1 - getattr(layer, "dropout", 0.0)), precision)
        parts.append(bias.astype("<f4").tobytes())
        records.append(record)
        shape = layer.output_shape(shape)
    return Program(tuple(records), b"".join(parts), precision)


def _record(name: str, layer, shape) -> tuple[str, dict[str, Any]]:
    """The name that the builder gives such layers, and the record that the page reads."""
    sides = {"input": list(shape)}
    match layer:
        case ConvPool():
            size = {"size": layer.kernel, "pool": layer.pool}
            kind, record = "conv", {"kind": "conv", "activation": layer.activation, **size}
        case FullyConnected():
            kind, record = "dense", {"kind": "dense", "activation": layer.activation}
        case Softmax():
            kind, record = "softmax", {"kind": "dense", "activation": "softmax"}
        case _:
            raise SpecError(
                f"the page cannot compute the {type(layer).__name__} layer of {name}: it knows "
                "ConvPool, FullyConnected, Softmax, and a Vote of networks of these"
            )
    return kind, {**record, **sides, "output": list(layer.output_shape(shape))}


def _kernel_shape(layer, shape) -> tuple[int, ...]:
    if isinstance(layer, ConvPool):
        return (layer.kernel, layer.kernel, shape[-1], layer.filters)
    return (math.prod(shape), layer.units)


def _array(weights: Mapping[str, np.ndarray], name: str, shape: tuple[int, ...]) -> np.ndarray:
    if name not in weights:
        raise SpecError(f"the weights hold no {name}: they belong to another network")
    array = np.asarray(weights[name])
    if array.shape != shape:
        raise SpecError(
            f"the weights belong to another network: {name} has shape {array.shape}, not {shape}"
        )
    return array.astype(np.float32)


def _pack(kernel: np.ndarray, precision: Precision) -> list[bytes]:
    if precision != "int8":
        return [kernel.astype(f"<f{_BYTES[precision]}").tobytes()]
    scales = np.abs(kernel).reshape(-1, kernel.shape[-1]).max(axis=0) / 127
    scales = np.where(scales > 0, scales, 1).astype("<f4")
    return [scales.tobytes(), np.rint(kernel / scales).astype(np.int8).tobytes()]
