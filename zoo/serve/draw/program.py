"""From a declaration and its weights to what the page computes with: plain records and bytes.

The page has no Keras. It gets each member of a network as a list of layer records, which
`assets/engine.js` walks forwards and backwards, and one block of bytes that holds the numbers.
"""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from zoo.errors import SpecError
from zoo.spec import IMAGE_SHAPE, ConvPool, FullyConnected, ModelSpec, NetworkSpec, Softmax

Precision = Literal["float32", "float16", "int8"]

_BYTES = {"float32": 4, "float16": 2, "int8": 1}


@dataclass(frozen=True)
class Program:
    """One network as the page runs it: its layers as plain records, and its numbers packed.

    `layers` has one record a layer: `kind` ('conv' or 'dense'), `activation`, the shapes of `input`
    and `output`, and of a convolution `size` and `pool`. `packed` holds for each layer in turn
    the kernel in the order of Keras, and the biases as float32; int8 kernels come after one float32
    scale for each output. Everything is little-endian. `scale` makes numbers of the image's bytes.
    """

    layers: tuple[dict[str, Any], ...]
    packed: bytes
    precision: Precision
    scale: float

    def base64(self) -> str:
        """The packed numbers deflated, in the letters that a script may hold."""
        return base64.b64encode(zlib.compress(self.packed, 9)).decode("ascii")


def programs(
    spec: NetworkSpec, weights: Mapping[str, np.ndarray], precision: Precision = "float16"
) -> tuple[Program, ...]:
    """The members of a network as programs; a network that is no vote is its only member.

    Dropout is folded into the weights: the book multiplies what a layer reads by 1 - p in use, and
    so do these kernels.

    Args:
        spec: a declaration of ConvPool, FullyConnected and Softmax layers, or an ensemble of such.
        weights: arrays by the names that Keras gives them, as in `conv_1/kernel`.
        precision: of the kernels; biases are always float32.

    Raises:
        SpecError: for an input or a layer that the page cannot compute, or weights that do not fit.
    """
    if precision not in get_args(Precision):
        raise SpecError(f"precision is one of {', '.join(get_args(Precision))}, not {precision!r}")
    if spec.input.shape != IMAGE_SHAPE:
        raise SpecError(f"one draws 28x28 in grey, and {spec.name} takes {spec.input.shape}")
    members = [("", spec)]
    if spec.members:
        members = [(f"member_{n}_", each) for n, each in enumerate(spec.members, start=1)]
    return tuple(_program(member, prefix, weights, precision) for prefix, member in members)


def _program(spec: NetworkSpec, prefix: str, weights, precision: Precision) -> Program:
    if not isinstance(spec, ModelSpec):
        raise SpecError(
            f"the page cannot compute {spec.name}, a {type(spec).__name__}: it knows stacks of "
            "layers, and ensembles of these"
        )
    shape = spec.input.shape
    records: list[dict[str, Any]] = []
    parts: list[bytes] = []
    count: dict[str, int] = {}
    for layer in spec.layers:
        kind, record = _record(spec.name, layer, shape)
        count[kind] = count.get(kind, 0) + 1
        stem = f"{prefix}{kind}_{count[kind]}"
        outputs = record["output"][-1]
        kernel = _array(weights, f"{stem}/kernel", _kernel_shape(layer, shape))
        bias = _array(weights, f"{stem}/bias", (outputs,))
        kept = 1 - getattr(layer, "dropconnect", 0.0)
        parts += _pack(kernel * (kept * (1 - getattr(layer, "dropout", 0.0))), precision)
        parts.append((kept * bias).astype("<f4").tobytes())
        records.append(record)
        shape = layer.output_shape(shape)
    return Program(tuple(records), b"".join(parts), precision, spec.input.scale)


def _record(name: str, layer, shape) -> tuple[str, dict[str, Any]]:
    """The name that the builder gives such layers, and the record that the page reads."""
    sides = {"input": list(shape)}
    match layer:
        case ConvPool() if layer.is_plain:
            size = {"size": layer.kernel, "pool": layer.pool}
            kind, record = "conv", {"kind": "conv", "activation": layer.activation, **size}
        case FullyConnected():
            kind, record = "dense", {"kind": "dense", "activation": layer.activation}
        case Softmax():
            kind, record = "softmax", {"kind": "dense", "activation": "softmax"}
        case _:
            raise SpecError(
                f"the page cannot compute {name}: {layer}. It knows dense layers, convolutions "
                "(valid, stride 1) with max-pooling, and ensembles of networks of these"
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
