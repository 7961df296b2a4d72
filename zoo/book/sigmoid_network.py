"""What network.py and network2.py have in common: sigmoid layers, backpropagation, counting."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.book import bridge, descent, pairs
from zoo.book.pairs import Pair
from zoo.errors import SpecError
from zoo.spec import ModelSpec, Recipe

if TYPE_CHECKING:
    import keras

Gradient = list[np.ndarray]
Methods = Mapping[str, Callable[..., Any]]


class SigmoidNetwork:
    """A feed-forward network of sigmoid neurons: the base of both programs' `Network`.

    Attributes:
        sizes: Neurons in each layer, the inputs first, as in [784, 30, 10].
        num_layers: How many layers those are.
        weights: One array [outputs, inputs] for each layer but the first.
        biases: One array [outputs, 1] for each layer but the first.
    """

    weights: list[np.ndarray]
    biases: list[np.ndarray]
    _recipe: Recipe

    def __init__(self, sizes: Sequence[int]):
        check_sizes(sizes)
        self.sizes = sizes
        self.num_layers = len(sizes)

    def feedforward(self, a: np.ndarray) -> np.ndarray:
        """The output for the input `a`, a column (inputs, 1) or several side by side."""
        for w, b in zip(self.weights, self.biases, strict=True):
            a = sigmoid(w @ a + b)
        return a

    @property
    def spec(self) -> ModelSpec:
        """The zoo's declaration of this network, with the settings that `SGD` was last given."""
        raise NotImplementedError

    @property
    def model(self) -> keras.Model:
        """The zoo's Keras model with these weights, for `zoo.evaluate`, `zoo.save` and export."""
        return bridge.keras_model(self.spec, self)

    def _draw_unit_normal(self) -> None:
        """Draw biases, then weights, from N(0, 1), by `np.random.randn`."""
        self.biases = [np.random.randn(outputs, 1) for outputs in self.sizes[1:]]
        self.weights = [
            np.random.randn(outputs, inputs) for inputs, outputs in pairwise(self.sizes)
        ]


def methods_of(program: type[SigmoidNetwork], *names: str) -> Methods:
    """The methods of a program as they are now, to be compared by `is_changed`."""
    return {name: getattr(program, name) for name in names}


def is_changed(network: SigmoidNetwork, methods: Methods) -> bool:
    """Whether a network has another method than its program: by a subclass, or by assignment.

    Args:
        network: Of the program's class, or of a subclass.
        methods: The program's, as they were when its module was imported.
    """
    return any(
        name in vars(network) or getattr(type(network), name) is not method
        for name, method in methods.items()
    )


_FEEDFORWARD = methods_of(SigmoidNetwork, "feedforward")


def check_sizes(sizes: Sequence[int]) -> None:
    """Raise SpecError unless there are two whole numbers from 1 up, or more."""
    whole = all(isinstance(size, int | np.integer) and size > 0 for size in sizes)
    if len(sizes) < 2 or not whole:
        raise SpecError(
            f"sizes must be two or more whole numbers from 1 up, as in [784, 30, 10], not {sizes!r}"
        )


def forward(
    network: descent.Parameters, x: np.ndarray
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The weighted inputs and the activations of every layer (eq. 25).

    Args:
        network: Has weights and biases.
        x: The input, a column (inputs, 1).

    Returns:
        z of every layer but the first, and a of every layer, of which x is the first; all are
        columns.
    """
    zs, activations = [], [x]
    for w, b in zip(network.weights, network.biases, strict=True):
        zs.append(w @ activations[-1] + b)
        activations.append(sigmoid(zs[-1]))
    return zs, activations


def back(
    network: descent.Parameters,
    zs: list[np.ndarray],
    activations: list[np.ndarray],
    delta: np.ndarray,
) -> tuple[Gradient, Gradient]:
    """The gradient of the cost of one example, from the error of the output layer (BP2 to BP4).

    Args:
        network: Has weights.
        zs: The weighted inputs, as `forward` gives them.
        activations: The activations, likewise.
        delta: The error of the output layer (BP1), a column.

    Returns:
        (nabla_b, nabla_w), each with an array a layer, of the shape of biases and weights.
    """
    nabla_b, nabla_w = [delta], [delta @ activations[-2].T]  # BP3, BP4
    for layer in range(len(zs) - 2, -1, -1):
        delta = network.weights[layer + 1].T @ delta * sigmoid_prime(zs[layer])  # BP2
        nabla_b.insert(0, delta)
        nabla_w.insert(0, delta @ activations[layer].T)
    return nabla_b, nabla_w


def mean_gradient(backprop, mini_batch: Sequence[Pair]) -> tuple[Gradient, Gradient]:
    """The mean gradient of a mini-batch (eq. 18, 19).

    Args:
        backprop: Gives (nabla_b, nabla_w) for one x and y.
        mini_batch: Pairs of columns (x, y), at least one.

    Returns:
        (nabla_b, nabla_w), each with an array a layer.
    """
    each = [backprop(x, y) for x, y in mini_batch]
    nabla_b, nabla_w = (
        [sum(layer) / len(each) for layer in zip(*part, strict=True)]
        for part in zip(*each, strict=True)
    )
    return nabla_b, nabla_w


def outputs_of(network: SigmoidNetwork, data: Sequence[Pair]) -> np.ndarray:
    """The outputs for the x of all pairs, side by side, [outputs, n].

    A `feedforward` of the reader's is called once for each column, as the book's programs call it.

    Args:
        network: Of the program's class, or of a subclass.
        data: Pairs (x, y).

    Raises:
        DataError: An x does not fit the network's sizes.
    """
    inputs = pairs.inputs(data, network.sizes[0])
    if not is_changed(network, _FEEDFORWARD):
        return network.feedforward(inputs.T)
    return np.stack([np.ravel(network.feedforward(x)) for x, _ in data], axis=1)


def right(network, data: Sequence[Pair]) -> int:
    """How many pairs are answered rightly.

    Args:
        network: Its largest output is its answer.
        data: Pairs (x, y), y a class or a target whose largest entry it is; none are no right
            answer.

    Raises:
        DataError: An x or a y does not fit the network's sizes.
    """
    if not data:
        return 0
    outputs = outputs_of(network, data)
    return int((outputs.argmax(axis=0) == pairs.classes(data, network.sizes[-1])).sum())


def sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-z)) (eq. 3).

    >>> float(sigmoid(0.0)), float(sigmoid(-1000.0))
    (0.5, 0.0)
    """
    with np.errstate(over="ignore"):  # where exp is infinite, 0 is the answer
        return 1.0 / (1.0 + np.exp(-np.asarray(z, dtype=np.float64)))


def sigmoid_prime(z: np.ndarray) -> np.ndarray:
    """The slope of the sigmoid, sigma (1 - sigma)."""
    return sigmoid(z) * (1 - sigmoid(z))
