"""network2.py of chapters 3 and 5: costs, regularization, initial weights, monitors, JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.book import bridge, descent, pairs, stored
from zoo.book.costs import CrossEntropyCost, QuadraticCost, keras_cost
from zoo.book.mnist_loader import vectorized_result
from zoo.book.pairs import Pair
from zoo.book.sigmoid_network import (
    Gradient,
    SigmoidNetwork,
    back,
    forward,
    is_changed,
    mean_gradient,
    methods_of,
    outputs_of,
    right,
    sigmoid,
    sigmoid_prime,
)
from zoo.errors import DataError, SpecError
from zoo.spec import ModelSpec, Recipe
from zoo.utils.atomic import atomic_write

__all__ = [
    "CrossEntropyCost", "Network", "QuadraticCost", "load", "sigmoid", "sigmoid_prime",
    "vectorized_result",
]  # fmt: skip

Monitored = tuple[list[float], list[int], list[float], list[int]]


class Network(SigmoidNetwork):
    """A feed-forward network of sigmoid neurons with a cost of choice.

    `cost` is a class, or an object, with `fn(a, y)` and `delta(z, a, y)`; the sizes, weights and
    biases are as in `zoo.book.network`.

    >>> net = Network([784, 30, 10], cost=CrossEntropyCost)
    >>> net.large_weight_initializer()
    >>> [w.shape for w in net.weights]
    [(30, 784), (10, 30)]
    """

    def __init__(self, sizes: Sequence[int], cost: Any = CrossEntropyCost):
        super().__init__(sizes)
        self._recipe = Recipe(cost="cross_entropy", epochs=30, learning_rate=0.5)
        self.default_weight_initializer()
        self.cost = cost

    def default_weight_initializer(self) -> None:
        """Draw biases from N(0, 1), and weights with a deviation of 1/sqrt(inputs)."""
        self.large_weight_initializer()
        self.weights = [w / np.sqrt(w.shape[1]) for w in self.weights]
        self._recipe = dataclasses.replace(self._recipe, initializer="lecun_normal")

    def large_weight_initializer(self) -> None:
        """Draw weights and biases from N(0, 1), as in chapter 1."""
        self._draw_unit_normal()
        self._recipe = dataclasses.replace(self._recipe, initializer="unit_normal")

    def SGD(
        self,
        training_data: Iterable[Pair],
        epochs: int,
        mini_batch_size: int,
        eta: float,
        lmbda: float = 0.0,
        evaluation_data: Iterable[Pair] | None = None,
        monitor_evaluation_cost: bool = False,
        monitor_evaluation_accuracy: bool = False,
        monitor_training_cost: bool = False,
        monitor_training_accuracy: bool = False,
    ) -> Monitored:
        """Train by mini-batches with L2 regularization (eq. 93, 94), and print what is monitored.

        Args:
            training_data: Pairs of columns (x, y), shuffled in place before every epoch.
            epochs: How often all of them are seen.
            mini_batch_size: Pairs in a step.
            eta: The learning rate.
            lmbda: lambda of eq. 85; in every cost it is divided by the size of the set of which
                the cost is.
            evaluation_data: Pairs (x, class), the validation or test data.
            monitor_evaluation_cost: Print and return its cost after every epoch.
            monitor_evaluation_accuracy: Likewise how many of them are answered rightly.
            monitor_training_cost: Likewise the cost of the training data.
            monitor_training_accuracy: Likewise how many of those are answered rightly.

        Returns:
            Four lists, a number an epoch, empty where it is not monitored: evaluation cost,
            evaluation accuracy, training cost, training accuracy. Accuracies are counts.
        """
        training, evaluation = pairs.as_list(training_data), pairs.as_list(evaluation_data)
        if (monitor_evaluation_cost or monitor_evaluation_accuracy) and not evaluation:
            raise SpecError("there is nothing to monitor: give evaluation_data, pairs (x, class)")
        found: Monitored = ([], [], [], [])
        monitors = (  # in the order in which they are printed
            (monitor_training_cost, found[2], "Cost on training data", training),
            (monitor_training_accuracy, found[3], "Accuracy on training data", training),
            (monitor_evaluation_cost, found[0], "Cost on evaluation data", evaluation),
            (monitor_evaluation_accuracy, found[1], "Accuracy on evaluation data", evaluation),
        )
        for epoch in self._epochs(training, epochs, mini_batch_size, eta, lmbda):
            print(f"Epoch {epoch} training complete")
            for wanted, values, name, data in monitors:
                if wanted:
                    values.append(self._measure(name, data, lmbda, data is training))
            print(flush=True)
        return found

    def _epochs(
        self, training: list[Pair], epochs: int, mini_batch_size: int, eta: float, lmbda: float
    ) -> Iterator[int]:
        changed = is_changed(self, _STEP)
        yield from descent.epochs(
            self,
            training,
            epochs,
            mini_batch_size,
            eta=eta,
            lmbda=lmbda,
            cost=None if changed else keras_cost(self.cost),
            by_hand=lambda batch: self.update_mini_batch(batch, eta, lmbda, len(training)),
        )
        self._recipe = dataclasses.replace(
            self._recipe,
            epochs=max(epochs, 1),
            batch_size=mini_batch_size,
            learning_rate=eta,
            l2=lmbda,
            images=len(training),
        )

    def _measure(self, name: str, data: list[Pair], lmbda: float, training: bool) -> Any:
        if name.startswith("Accuracy"):
            count = self.accuracy(data, convert=training)
            print(f"{name}: {count} / {len(data)}")
            return count
        cost = self.total_cost(data, lmbda, convert=not training)
        print(f"{name}: {cost}")
        return cost

    def update_mini_batch(
        self, mini_batch: Sequence[Pair], eta: float, lmbda: float, n: int
    ) -> None:
        """Take one step for a mini-batch, in NumPy (eq. 93, 94).

        Args:
            mini_batch: Pairs of columns (x, y), at least one.
            eta: The learning rate.
            lmbda: lambda of eq. 85.
            n: Pairs of training data in all.
        """
        nabla_b, nabla_w = mean_gradient(self.backprop, mini_batch)
        shrink = 1 - eta * lmbda / n
        self.weights = [
            shrink * w - eta * slope for w, slope in zip(self.weights, nabla_w, strict=True)
        ]
        self.biases = [b - eta * slope for b, slope in zip(self.biases, nabla_b, strict=True)]

    def backprop(self, x: np.ndarray, y: np.ndarray) -> tuple[Gradient, Gradient]:
        """The gradient of the cost C_x of one example, not regularized, by BP1 to BP4.

        Args:
            x: The input, a column.
            y: The output wanted, a column, or a whole number for its one-hot vector.

        Returns:
            (nabla_b, nabla_w), each with an array a layer.
        """
        zs, activations = forward(self, x)
        y = pairs.column(y, self.sizes[-1])
        return back(self, zs, activations, self.cost.delta(zs[-1], activations[-1], y))

    def accuracy(self, data: Iterable[Pair], convert: bool = False) -> int:
        """How many of the pairs are answered rightly; `convert` is not needed, y tells."""
        return right(self, pairs.as_list(data))

    def total_cost(self, data: Iterable[Pair], lmbda: float, convert: bool = False) -> float:
        """The cost of a set with L2 regularization (eq. 85).

        Args:
            data: Pairs (x, y), y a class or a column; at least one.
            lmbda: lambda, divided by the size of this very set, as in the book's program.
            convert: The book's, and not needed: the first y tells its form.
        """
        data = pairs.as_list(data)
        outputs = outputs_of(self, data)
        wanted = pairs.targets(data, self.sizes[-1]).T
        if keras_cost(self.cost):
            cost = self.cost.fn(outputs, wanted)  # a sum over all entries
        else:
            columns = zip(outputs.T[:, :, None], wanted.T[:, :, None], strict=True)
            cost = sum(self.cost.fn(a, y) for a, y in columns)
        return float(cost + 0.5 * lmbda * sum(float(np.sum(w**2)) for w in self.weights)) / len(
            data
        )

    def save(self, filename: str | Path) -> None:
        """Write the network as JSON that the author's network2.py reads, too."""
        data = {
            "sizes": [int(size) for size in self.sizes],
            "weights": [w.tolist() for w in self.weights],
            "biases": [b.tolist() for b in self.biases],
            "cost": _class(self.cost).__name__,
        }
        with atomic_write(filename) as temporary:
            temporary.write_text(json.dumps(data), encoding="utf-8")

    @property
    def spec(self) -> ModelSpec:
        """The zoo's declaration of this network, with the settings that `SGD` was last given."""
        cost = keras_cost(self.cost)
        if cost is None:
            raise SpecError(f"the zoo has no cost {_class(self.cost).__name__}: no spec")
        recipe = dataclasses.replace(self._recipe, cost=cost)
        return bridge.declaration("network2", self.sizes, recipe)


# A network that has another one of these is trained by it.
_STEP = methods_of(Network, "update_mini_batch", "backprop", "feedforward")


def load(filename: str | Path, cost: Any = None) -> Network:
    """Read a network that `save`, or the author's network2.py, wrote.

    Args:
        filename: The JSON file.
        cost: The cost class whose name the file has; the book's two are known without it.

    Raises:
        DataError: The file cannot be read, is no such JSON, its arrays do not fit its sizes, or
            its cost is another.
    """
    sizes, weights, biases, name = stored.read(filename)
    known = [QuadraticCost, CrossEntropyCost] if cost is None else [cost]
    costs = {_class(each).__name__: each for each in known}
    if not isinstance(name, str) or name not in costs:
        raise DataError(
            f"{filename} has the cost {name!r}; known are {', '.join(costs)}: give its class, as "
            "in load(filename, cost=MyCost)."
        )
    network = Network(sizes, cost=costs[name])
    network.weights, network.biases = weights, biases
    return network


def _class(cost: Any) -> Any:
    return cost if isinstance(cost, type) else type(cost)
