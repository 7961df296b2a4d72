"""The costs of network2.py: each a class with its value `fn` and the output error `delta`."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from zoo.book.sigmoid_network import sigmoid_prime


class QuadraticCost:
    """C = ||a - y||^2 / 2 (eq. 6)."""

    @staticmethod
    def fn(a: np.ndarray, y: np.ndarray) -> float:
        """The cost of an output, or the sum over several side by side (eq. 6).

        Args:
            a: The output, [neurons, n].
            y: What is wanted, of the same shape.
        """
        return 0.5 * float(np.sum((a - y) ** 2))

    @staticmethod
    def delta(z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The error of the output layer (eq. 30).

        Args:
            z: The weighted inputs of the output layer, [neurons, n].
            a: Its output, sigmoid(z).
            y: What is wanted, of the same shape.
        """
        return (a - y) * sigmoid_prime(z)


class CrossEntropyCost:
    """C = -sum_j [y_j ln a_j + (1 - y_j) ln(1 - a_j)] (eq. 63)."""

    @staticmethod
    def fn(a: np.ndarray, y: np.ndarray) -> float:
        """The cost of an output, or the sum over several side by side (eq. 63).

        0 ln 0 counts as 0, and an output that is wrong beyond 64 bits is not inf.

        Args:
            a: The output, [neurons, n], from 0 to 1.
            y: What is wanted, of the same shape.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.sum(np.nan_to_num(-y * np.log(a) - (1 - y) * np.log(1 - a))))

    @staticmethod
    def delta(z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The error of the output layer, in which the slope of the sigmoid cancels (eq. 66).

        Args:
            z: The weighted inputs of the output layer, which are not needed.
            a: Its output, [neurons, n].
            y: What is wanted, of the same shape.
        """
        return a - y


# The costs that Keras knows too, with their functions as they are here.
_KERAS_COSTS: dict[Any, tuple[Literal["quadratic", "cross_entropy"], Any]] = {
    QuadraticCost: ("quadratic", (QuadraticCost.fn, QuadraticCost.delta)),
    CrossEntropyCost: ("cross_entropy", (CrossEntropyCost.fn, CrossEntropyCost.delta)),
}


def keras_cost(cost: Any) -> Literal["quadratic", "cross_entropy"] | None:
    """Keras' name of a cost; None for one that it does not know, with which descent is in NumPy.

    Args:
        cost: A class or an object with `fn` and `delta`; one of the two above to which another of
            these was assigned is another cost.
    """
    kind = cost if isinstance(cost, type) else type(cost)
    if kind not in _KERAS_COSTS:
        return None
    name, functions = _KERAS_COSTS[kind]
    return name if functions == (cost.fn, cost.delta) else None
