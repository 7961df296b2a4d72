"""The layers of the forward pass in NumPy: what each kind puts out, and the weights it takes."""

from __future__ import annotations

import math
from functools import singledispatch

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from zoo.errors import SpecError
from zoo.spec import LSTM, ConvPool, FullyConnected, Layer, Shape, SimpleRNN, Softmax
from zoo.spec.recurrent import row_length

# What the builder calls each kind of layer.
NAMES: dict[type, str] = {
    ConvPool: "conv",
    FullyConnected: "dense",
    Softmax: "softmax",
    SimpleRNN: "rnn",
    LSTM: "lstm",
}


def parts_of(layer: Layer, shape: Shape = (1, 1, 1)) -> dict[str, Shape]:
    """The weights of a layer by the names of Keras, in its order, with their shapes.

    Args:
        layer: Of a kind in `NAMES`.
        shape: Of its input.
    """
    if isinstance(layer, ConvPool):
        channels = shape[-1] // layer.groups
        kernel: Shape = (layer.kernel, layer.kernel, channels, layer.filters)
        return {"kernel": kernel, "bias": kernel[-1:]}
    if isinstance(layer, SimpleRNN | LSTM):
        units, gates = layer.units, 4 if isinstance(layer, LSTM) else 1
        cell = "lstm_cell" if isinstance(layer, LSTM) else "simple_rnn_cell"
        return {
            f"{cell}/kernel": (row_length(shape), gates * units),
            f"{cell}/recurrent_kernel": (units, gates * units),
            f"{cell}/bias": (gates * units,),
        }
    assert isinstance(layer, FullyConnected | Softmax)
    return {"kernel": (math.prod(shape), layer.units), "bias": (layer.units,)}


@singledispatch
def apply(layer: Layer, x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """What a layer puts out in use, float32; where p of its inputs dropped, they count by 1 - p.

    Source: chapter 6 and network3.py, which multiplies the weights instead; the sums are the same.

    Args:
        layer: A layer of a kind in `NAMES`.
        x: Its input, float32 [n, ...]; a layer that is not a convolution takes it flattened, and a
            recurrent one row by row.
        kernel: Its weights in the layout of Keras.
        bias: Its biases. A recurrent layer takes the recurrent weights before them, as `parts_of`
            lists them.

    Raises:
        SpecError: The layer is of another kind.
    """
    raise SpecError(f"there is no NumPy forward pass for {type(layer).__name__} layers")


@apply.register
def _(layer: ConvPool, x, kernel, bias):
    rows, columns, _ = layer.map_shape(x.shape[1:])
    height, width, _ = layer.output_shape(x.shape[1:])
    if layer.step == layer.pool:
        # What the pooling leaves over at the right and at the bottom is not computed.
        rows, columns = height * layer.pool, width * layer.pool
    x = np.pad(x, [(0, 0), *[(layer.padding,) * 2] * 2, (0, 0)]) if layer.padding else x
    x = x[:, : (rows - 1) * layer.stride + layer.kernel]
    x = x[:, :, : (columns - 1) * layer.stride + layer.kernel]
    patches = sliding_window_view(x, (layer.kernel, layer.kernel), axis=(1, 2))
    patches = patches[:, :: layer.stride, :: layer.stride].transpose(0, 1, 2, 4, 5, 3)
    groups = zip(
        np.split(patches, layer.groups, axis=-1),
        np.split(kernel, layer.groups, axis=-1),
        strict=True,
    )
    parts = [
        part.reshape(-1, each[..., 0].size) @ each.reshape(-1, each.shape[-1])
        for part, each in groups
    ]
    z = np.concatenate(parts, axis=-1) + bias if layer.groups > 1 else parts[0] + bias
    z = z.reshape(len(x), rows, columns, layer.filters)
    if layer.pooling == "max":
        return activate(layer.activation, _pooled(layer, z))
    return _pooled(layer, activate(layer.activation, z))


def _pooled(layer: ConvPool, z: np.ndarray) -> np.ndarray:
    if layer.pool == 1:
        return z
    if layer.step == layer.pool:
        count, rows, columns, filters = z.shape
        pool = layer.pool
        regions, axes = z.reshape(count, rows // pool, pool, columns // pool, pool, filters), (2, 4)
    else:
        windows = sliding_window_view(z, (layer.pool, layer.pool), axis=(1, 2))
        regions, axes = windows[:, :: layer.step, :: layer.step], (4, 5)
    if layer.pooling == "max":
        return regions.max(axis=axes)
    if layer.pooling == "mean":
        return regions.mean(axis=axes)
    return np.sqrt(np.square(regions).sum(axis=axes))


@apply.register
def _(layer: FullyConnected, x, kernel, bias):
    z = _weighted_inputs(layer, x, kernel, bias)
    return activate(layer.activation, z * np.float32(1 - layer.dropconnect))


@apply.register
def _(layer: Softmax, x, kernel, bias):
    # In double precision, since the exponential magnifies what long sums of singles round away.
    z = _weighted_inputs(layer, x.astype(np.float64), kernel.astype(np.float64), bias)
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def _weighted_inputs(layer: FullyConnected | Softmax, x, kernel, bias) -> np.ndarray:
    x = x.reshape(len(x), -1)
    return (x * np.float32(1 - layer.dropout) if layer.dropout else x) @ kernel + bias


@apply.register
def _(layer: SimpleRNN, x, kernel, recurrent, bias):
    state = np.zeros((len(x), layer.units), np.float32)
    for row in np.moveaxis(x.reshape(*x.shape[:2], -1), 1, 0):
        state = activate(layer.activation, row @ kernel + state @ recurrent + bias)
    return state


@apply.register
def _(layer: LSTM, x, kernel, recurrent, bias):
    state = memory = np.zeros((len(x), layer.units), np.float32)
    for row in np.moveaxis(x.reshape(*x.shape[:2], -1), 1, 0):
        z = np.split(row @ kernel + state @ recurrent + bias, 4, axis=1)  # in the order of Keras
        takes_in, forgets, shows = (activate("sigmoid", z[gate]) for gate in (0, 1, 3))
        memory = forgets * memory + takes_in * np.tanh(z[2])
        state = shows * np.tanh(memory)
    return state


def activate(activation: str, z: np.ndarray) -> np.ndarray:
    """An activation function of the book, by name, of weighted inputs of any shape.

    Args:
        activation: 'sigmoid', 'tanh', 'relu', or 'linear'; any other name is taken for 'linear'.
        z: The weighted inputs.
    """
    if activation == "sigmoid":
        return np.float32(0.5) * (1 + np.tanh(np.float32(0.5) * z))  # exp(-z) would overflow
    if activation == "tanh":
        return np.tanh(z)
    return np.maximum(z, 0) if activation == "relu" else z
