"""network.py of chapters 1 and 2: sigmoid neurons, quadratic cost, stochastic gradient descent."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from zoo.book import bridge, descent, pairs
from zoo.book.pairs import Pair
from zoo.book.sigmoid_network import (
    Gradient,
    SigmoidNetwork,
    back,
    forward,
    is_changed,
    mean_gradient,
    methods_of,
    right,
    sigmoid,
    sigmoid_prime,
)
from zoo.spec import ModelSpec, Recipe

__all__ = ["Network", "sigmoid", "sigmoid_prime"]


class Network(SigmoidNetwork):
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
        super().__init__(sizes)
        self._draw_unit_normal()
        self._recipe = Recipe(
            cost="quadratic", epochs=30, learning_rate=3.0, initializer="unit_normal"
        )

    def SGD(
        self,
        training_data: Iterable[Pair],
        epochs: int,
        mini_batch_size: int,
        eta: float,
        test_data: Iterable[Pair] | None = None,
    ) -> None:
        """Train by mini-batches (eq. 20, 21), and print how each epoch ends.

        The weights kept are those of the last epoch. Keras takes the steps, by the fast fit; a
        subclass with an `update_mini_batch`, `backprop`, `feedforward` or `cost_derivative` of its
        own is trained by that, in NumPy, and so is a network to which one was assigned.

        Args:
            training_data: Pairs of columns (x, y); a list is shuffled in place before every epoch.
            epochs: How often all of them are seen.
            mini_batch_size: Pairs in a step; the last one of an epoch may have fewer.
            eta: The learning rate.
            test_data: Pairs of a column and the right class; each line then has how many of them
                the network answers rightly.
        """
        training, test = pairs.as_list(training_data), pairs.as_list(test_data)
        passed = descent.epochs(
            self,
            training,
            epochs,
            mini_batch_size,
            eta=eta,
            cost=None if is_changed(self, _STEP) else "quadratic",
            by_hand=lambda batch: self.update_mini_batch(batch, eta),
        )
        for epoch in passed:
            if test:
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
        """Take one step down the mean gradient of a mini-batch, in NumPy (eq. 20, 21).

        Args:
            mini_batch: Pairs of columns (x, y), at least one.
            eta: The learning rate.
        """
        nabla_b, nabla_w = mean_gradient(self.backprop, mini_batch)
        self.weights = [w - eta * slope for w, slope in zip(self.weights, nabla_w, strict=True)]
        self.biases = [b - eta * slope for b, slope in zip(self.biases, nabla_b, strict=True)]

    def backprop(self, x: np.ndarray, y: np.ndarray) -> tuple[Gradient, Gradient]:
        """The gradient of the cost C_x of one example, by BP1 to BP4.

        Args:
            x: The input, a column (inputs, 1).
            y: The output wanted, a column (outputs, 1), or a whole number for its one-hot vector.

        Returns:
            (nabla_b, nabla_w), each with an array a layer, of the shape of `biases` and `weights`.
        """
        zs, activations = forward(self, x)
        y = pairs.column(y, self.sizes[-1])
        delta = self.cost_derivative(activations[-1], y) * sigmoid_prime(zs[-1])  # BP1
        return back(self, zs, activations, delta)

    def evaluate(self, test_data: Iterable[Pair]) -> int:
        """How many of the pairs (x, class) the network answers rightly, by its largest output."""
        data = pairs.as_list(test_data)
        return right(self, data)

    def cost_derivative(self, output_activations: np.ndarray, y: np.ndarray) -> np.ndarray:
        """dC_x/da of the quadratic cost, a - y.

        Args:
            output_activations: The network's output, a column.
            y: The output wanted, a column.
        """
        return output_activations - y

    @property
    def spec(self) -> ModelSpec:
        """The zoo's declaration of this network, with the settings that `SGD` was last given."""
        return bridge.declaration("network", self.sizes, self._recipe)


# A network that has another one of these is trained by it.
_STEP = methods_of(Network, "update_mini_batch", "backprop", "feedforward", "cost_derivative")
