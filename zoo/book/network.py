"""network.py of chapters 1 and 2: sigmoid neurons, quadratic cost, stochastic gradient descent."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from zoo.book import bridge, descent, pairs
from zoo.book.pairs import Pair
from zoo.errors import SpecError
from zoo.spec import ModelSpec, Recipe

if TYPE_CHECKING:
    import keras

Gradient = list[np.ndarray]


class Network:
    """A feed-forward network of sigmoid neurons, started from N(0, 1).

    Attributes:
        sizes: Neurons in each layer, the inputs first, as in [784, 30, 10].
        num_layers: How many layers those are.
        weights: One array [outputs, inputs] for each layer but the first.
        biases: One array [outputs, 1] for each layer but the first.

    They are drawn by `np.random.randn`, so that `np.random.seed` decides them.

    >>> np.random.seed(0); net = Network([2, 3, 1])
    >>> net.weights[1].shape, net.biases[0].shape, net.feedforward(np.ones((2, 1))).shape
    ((1, 3), (3, 1), (1, 1))
    """

    def __init__(self, sizes: Sequence[int]):
        check_sizes(sizes)
        self.sizes = sizes
        self.num_layers = len(sizes)
        self.biases = [np.random.randn(outputs, 1) for outputs in sizes[1:]]
        self.weights = [np.random.randn(outputs, inputs) for inputs, outputs in pairwise(sizes)]
        self._recipe = Recipe(
            cost="quadratic", epochs=30, learning_rate=3.0, initializer="unit_normal"
        )

    def feedforward(self, a: np.ndarray) -> np.ndarray:
        """The output for the input `a`, a column (inputs, 1) or several side by side."""
        for w, b in zip(self.weights, self.biases, strict=True):
            a = sigmoid(w @ a + b)
        return a

    def SGD(
        self,
        training_data: Iterable[Pair],
        epochs: int,
        mini_batch_size: int,
        eta: float,
        test_data: Iterable[Pair] | None = None,
    ) -> None:
        """Train by mini-batches (eq. 20, 21), and print how each epoch ends.

        `training_data`, pairs of columns (x, y), is shuffled in place before every epoch. With
        `test_data`, pairs of a column and the right class, each line has how many the network
        answers rightly. The weights kept are those of the last epoch. Keras takes the steps, by the
        fast fit; a subclass with an `update_mini_batch`, `backprop`, `feedforward` or
        `cost_derivative` of its own is trained by that, in NumPy.
        """
        training, test = pairs.as_list(training_data), pairs.as_list(test_data)
        passed = descent.epochs(
            self,
            training,
            epochs,
            mini_batch_size,
            eta=eta,
            cost=None if _changed(self) else "quadratic",
            by_hand=lambda batch: self.update_mini_batch(batch, eta),
        )
        for epoch in passed:
            if test_data is not None:
                print(f"Epoch {epoch}: {self.evaluate(test)} / {len(test)}", flush=True)
            else:
                print(f"Epoch {epoch} complete", flush=True)
        self._recipe = dataclasses.replace(
            self._recipe,
            epochs=max(epochs, 1),
            batch_size=mini_batch_size,
            learning_rate=eta,
            images=len(training),
        )

    def update_mini_batch(self, mini_batch: Sequence[Pair], eta: float) -> None:
        """Take one step down the mean gradient of a mini-batch, in NumPy (eq. 20, 21)."""
        nabla_b, nabla_w = mean_gradient(self.backprop, mini_batch)
        self.weights = [w - eta * slope for w, slope in zip(self.weights, nabla_w, strict=True)]
        self.biases = [b - eta * slope for b, slope in zip(self.biases, nabla_b, strict=True)]

    def backprop(self, x: np.ndarray, y: np.ndarray) -> tuple[Gradient, Gradient]:
        """The gradient (nabla_b, nabla_w) of the cost C_x of one example, by BP1 to BP4.

        Each has an array a layer, of the shape of `biases` and `weights`.
        """
        zs, activations = forward(self, x)
        delta = self.cost_derivative(activations[-1], y) * sigmoid_prime(zs[-1])  # BP1
        return back(self, zs, activations, delta)

    def evaluate(self, test_data: Iterable[Pair]) -> int:
        """How many of the pairs (x, class) the network answers rightly, by its largest output."""
        data = pairs.as_list(test_data)
        return right(self, data)

    def cost_derivative(self, output_activations: np.ndarray, y: np.ndarray) -> np.ndarray:
        """dC_x/da of the quadratic cost, a - y."""
        return output_activations - y

    @property
    def spec(self) -> ModelSpec:
        """The zoo's declaration of this network, with the settings that `SGD` was last given."""
        return bridge.declaration("network", self.sizes, self._recipe)

    @property
    def model(self) -> keras.Model:
        """The zoo's Keras model with these weights, for `zoo.evaluate`, `zoo.save` and export."""
        return bridge.keras_model(self.spec, self)


# --- what network2.py has in common with it -------------------------------------------------------


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
    """The weighted inputs z of every layer, and the activations, of which x is the first."""
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
    """The gradient (nabla_b, nabla_w), from the error `delta` of the output layer."""
    nabla_b, nabla_w = [delta], [delta @ activations[-2].T]  # BP3, BP4
    for layer in range(len(zs) - 2, -1, -1):
        delta = network.weights[layer + 1].T @ delta * sigmoid_prime(zs[layer])  # BP2
        nabla_b.insert(0, delta)
        nabla_w.insert(0, delta @ activations[layer].T)
    return nabla_b, nabla_w


def mean_gradient(backprop, mini_batch: Sequence[Pair]) -> tuple[Gradient, Gradient]:
    """The means over a mini-batch of the two parts of a gradient."""
    each = [backprop(x, y) for x, y in mini_batch]
    nabla_b, nabla_w = (
        [sum(layer) / len(each) for layer in zip(*part, strict=True)]
        for part in zip(*each, strict=True)
    )
    return nabla_b, nabla_w


def right(network, data: Sequence[Pair]) -> int:
    """How many pairs are answered rightly; y is a class, or a target whose largest entry it is."""
    if not data:
        return 0
    outputs = network.feedforward(pairs.inputs(data, network.sizes[0]).T)
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


def _changed(network: Network) -> bool:
    own = ("update_mini_batch", "backprop", "feedforward", "cost_derivative")
    return any(getattr(type(network), name) is not getattr(Network, name) for name in own)
