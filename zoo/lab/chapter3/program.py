"""The program behind the chapter's plots: network2.py's arithmetic on the numbers its seed draws.

All in NumPy and in 64 bits, as in the book. Python's and NumPy's generators start from 12345678.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zoo.lab.chapter2.backpropagation import Parameters, backpropagate, forward

if TYPE_CHECKING:
    from zoo.data import Split

SEED = 12345678
BATCH = 10


class Pictures(NamedTuple):
    """Images [n, 784] as numbers from 0 to 1, their digits, and the targets [n, 10]."""

    x: np.ndarray
    digits: np.ndarray
    y: np.ndarray

    @classmethod
    def of(cls, split: Split) -> Pictures:
        """Those of a split, scaled as in the book."""
        from zoo.evaluation.baselines import pixels

        return cls(pixels(split), split.labels, np.eye(10)[split.labels])


class Draws:
    """What a program of the book draws: weights by NumPy, the order of its images by Python 2.

    Each epoch's order is a shuffle of the order before it, also from one network to the next.
    """

    def __init__(self, images: int):
        self._normal = np.random.RandomState(SEED)
        self._uniform = random.Random(SEED)
        self._order = list(range(images))

    def network(self, sizes: tuple[int, ...], kind: str) -> Parameters:
        """Weights [inputs, outputs] and biases, layer by layer, as network2.py draws them.

        The kinds are the recipe's 'lecun_normal' and 'unit_normal'; all biases come before the
        first weight.
        """
        from zoo.nn.initializers import kernel_deviation

        layers = list(pairwise(sizes))
        biases = [self._normal.randn(outputs) for _, outputs in layers]
        parameters = []
        for (inputs, outputs), bias in zip(layers, biases, strict=True):
            deviation = kernel_deviation(kind, fan_in=inputs, fan_out=outputs)
            parameters += [deviation * self._normal.randn(outputs, inputs).T, bias]
        return parameters

    def order(self) -> np.ndarray:
        """The order of the images in the next epoch."""
        # `random.shuffle` of Python 2; today's makes other numbers of the same bits.
        for last in reversed(range(1, len(self._order))):
            chosen = int(self._uniform.random() * (last + 1))
            self._order[last], self._order[chosen] = self._order[chosen], self._order[last]
        return np.array(self._order)


def descend(
    parameters: Parameters, train: Pictures, draws: Draws, *, epochs: int, eta: float, l2: float
) -> Iterator[Parameters]:
    """The parameters after each epoch of network2.py's descent on the cross-entropy (eq. 93)."""
    decay = 1 - eta * l2 / len(train.x)
    for _ in range(epochs):
        order = draws.order()
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            gradient = backpropagate(parameters, train.x[batch], train.y[batch], np.subtract)
            parameters = [
                (decay * each if each.ndim == 2 else each) - eta * slope
                for each, slope in zip(parameters, gradient, strict=True)
            ]
        yield parameters


def right(parameters: Parameters, pictures: Pictures) -> int:
    """How many images are answered rightly."""
    return int((forward(parameters, pictures.x)[-1].argmax(axis=1) == pictures.digits).sum())


def cost(parameters: Parameters, pictures: Pictures, l2: float) -> float:
    """The cross-entropy with L2 (eq. 85), as network2.py monitors it."""
    y, a = pictures.y, forward(parameters, pictures.x)[-1]
    entropy = -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a))
    squares = sum(float(np.sum(weights**2)) for weights in parameters[::2])
    return float(entropy + l2 / 2 * squares) / len(y)
