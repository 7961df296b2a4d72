"""The layers of network3.py: declared as in the book, with their weights in the book's layout.

The book's layout differs from Keras' in two ways. A filter [rows, columns] is turned by 180 degrees
before it is laid over the image, since Theano convolves where Keras correlates. And behind a
convolution, neurons are counted map by map, where Keras counts all maps of one place together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from zoo.book.sigmoid_network import sigmoid
from zoo.errors import SpecError
from zoo.spec import ConvPool, FullyConnected, Softmax

Keras = tuple[np.ndarray, np.ndarray]


def linear(z: np.ndarray) -> np.ndarray:
    """z itself."""
    return z


def ReLU(z: np.ndarray) -> np.ndarray:
    """max(0, z), the rectified linear unit (eq. 112)."""
    return np.maximum(0.0, z)


def tanh(z: np.ndarray) -> np.ndarray:
    """The hyperbolic tangent (eq. 109)."""
    return np.tanh(z)


ACTIVATIONS: dict[Callable[[Any], Any], str] = {
    linear: "linear",
    ReLU: "relu",
    sigmoid: "sigmoid",
    tanh: "tanh",
    np.tanh: "tanh",
}


class ConvPoolLayer:
    """A convolution and max-pooling in one.

    Args:
        filter_shape: (filters, input maps, rows, columns) of the filters, which are square.
        image_shape: (mini-batch size, input maps, rows, columns) of what comes in.
        poolsize: (rows, columns) of what is pooled, square.
        activation_fn: One of `sigmoid`, `tanh`, `ReLU`, `linear`.

    Attributes:
        w: Weights of `filter_shape`.
        b: Biases, one a filter.
    """

    def __init__(
        self,
        filter_shape: Sequence[int],
        image_shape: Sequence[int],
        poolsize: Sequence[int] = (2, 2),
        activation_fn: Callable[[Any], Any] = sigmoid,
    ):
        filters, maps, rows, columns = filter_shape
        if rows != columns or poolsize[0] != poolsize[1]:
            raise SpecError(
                f"filters of {rows}x{columns} with pools of {poolsize[0]}x{poolsize[1]}: the zoo's "
                "are square, as all of the book's are"
            )
        if maps != image_shape[1]:
            raise SpecError(
                f"filter_shape has {maps} input maps and image_shape {image_shape[1]}: give one "
                "number"
            )
        self.filter_shape, self.image_shape = tuple(filter_shape), tuple(image_shape)
        self.poolsize, self.activation_fn = tuple(poolsize), activation_fn
        self.spec = ConvPool(filters, _name(activation_fn), kernel=rows, pool=poolsize[0])
        n_out = filters * rows * columns / math.prod(poolsize)
        self.w = np.random.normal(0.0, math.sqrt(1.0 / n_out), size=self.filter_shape)
        self.b = np.random.normal(0.0, 1.0, size=filters)

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """(maps, rows, columns) of what goes out."""
        rows, columns, maps = self.spec.output_shape((*self.image_shape[2:], self.image_shape[1]))
        return maps, rows, columns

    def to_keras(self) -> Keras:
        """Kernel [rows, columns, input maps, filters] and bias, for Keras."""
        return self.w[:, :, ::-1, ::-1].transpose(2, 3, 1, 0), self.b

    def from_keras(self, kernel: np.ndarray, bias: np.ndarray) -> None:
        """Take the weights of a Keras layer, in the layout of the book's program.

        Args:
            kernel: [rows, columns, input maps, filters]; turned by half a turn, since Theano's
                convolution turns its filters and Keras' does not.
            bias: [filters].
        """
        self.w, self.b = kernel.transpose(3, 2, 0, 1)[:, :, ::-1, ::-1].copy(), bias


class FullyConnectedLayer:
    """Every neuron sees every input.

    Args:
        n_in: Inputs.
        n_out: Neurons.
        activation_fn: One of `sigmoid`, `tanh`, `ReLU`, `linear`.
        p_dropout: The chance that an input is dropped in training.

    Attributes:
        w: Weights [n_in, n_out].
        b: Biases [n_out].
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        activation_fn: Callable[[Any], Any] = sigmoid,
        p_dropout: float = 0.0,
    ):
        self.n_in, self.n_out = n_in, n_out
        self.activation_fn, self.p_dropout = activation_fn, p_dropout
        self.spec: FullyConnected | Softmax = FullyConnected(n_out, _name(activation_fn), p_dropout)
        self.w = np.random.normal(0.0, math.sqrt(1.0 / n_out), size=(n_in, n_out))
        self.b = np.random.normal(0.0, 1.0, size=n_out)
        self.maps: tuple[int, int, int] | None = None  # what a convolution before it puts out

    def to_keras(self) -> Keras:
        """Kernel [inputs, outputs] and bias, for Keras."""
        return _reordered(self.w, self.maps, to_keras=True), self.b

    def from_keras(self, kernel: np.ndarray, bias: np.ndarray) -> None:
        """Take the weights of a Keras layer, in the layout of the book's program.

        Args:
            kernel: [inputs, neurons]; the inputs that come from a convolution are put in the book's
                order, map by map.
            bias: [neurons].
        """
        self.w, self.b = _reordered(kernel, self.maps, to_keras=False), bias


class SoftmaxLayer(FullyConnectedLayer):
    """The output layer: every neuron sees every input, and the outputs sum to 1 (eq. 78).

    Its weights and biases start at 0.
    """

    def __init__(self, n_in: int, n_out: int, p_dropout: float = 0.0):
        self.n_in, self.n_out, self.p_dropout = n_in, n_out, p_dropout
        self.spec = Softmax(n_out, p_dropout)
        self.w, self.b = np.zeros((n_in, n_out)), np.zeros(n_out)
        self.maps = None


Layer = ConvPoolLayer | FullyConnectedLayer


def connect(layers: Sequence[Layer]) -> None:
    """Check that each layer takes what the one before puts out; tell dense ones of the maps.

    Raises:
        SpecError: Two layers that do not fit, or an output layer that is no `SoftmaxLayer`.
    """
    if not layers or not isinstance(layers[-1], SoftmaxLayer):
        raise SpecError("the last layer must be a SoftmaxLayer: network3's cost is for its outputs")
    for number, (before, layer) in enumerate(zip([None, *layers], layers, strict=False)):
        maps = before.output_shape if isinstance(before, ConvPoolLayer) else None
        wanted: Any
        given: Any
        if isinstance(layer, ConvPoolLayer):
            wanted, given = layer.image_shape[1:], maps or (1, 28, 28)
            if before and not maps:
                raise SpecError(f"layer {number}: a ConvPoolLayer stands before the dense layers")
        else:
            layer.maps = maps
            given = math.prod(maps) if maps else getattr(before, "n_out", 784)
            wanted = layer.n_in
        if given != wanted:
            raise SpecError(f"layer {number} wants {wanted} inputs and gets {given}")
    if layers[-1].n_out != 10:
        raise SpecError(f"{layers[-1].n_out} outputs: the zoo's networks have ten, one a digit")


def _reordered(w: np.ndarray, maps: tuple[int, int, int] | None, *, to_keras: bool) -> np.ndarray:
    if maps is None:
        return w
    count, rows, columns = maps
    if to_keras:
        moved = w.reshape(count, rows, columns, -1).transpose(1, 2, 0, 3)
    else:
        moved = w.reshape(rows, columns, count, -1).transpose(2, 0, 1, 3)
    return moved.reshape(w.shape)


def _name(activation: Callable[[Any], Any]) -> Any:
    if activation not in ACTIVATIONS:
        raise SpecError(
            f"{getattr(activation, '__name__', activation)} is no activation of network3: use "
            "sigmoid, tanh, ReLU or linear of this module"
        )
    return ACTIVATIONS[activation]
