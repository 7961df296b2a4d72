"""The book's data, lists of pairs (x, y) of columns, as matrices; and the order of training."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from zoo.errors import DataError

Pair = tuple[np.ndarray, Any]


def as_list(data: Iterable[Pair] | None) -> list[Pair]:
    """The data as a list; a list stays the same object, an iterator such as `zip` is used up."""
    if data is None:
        return []
    return data if isinstance(data, list) else list(data)


def inputs(data: Sequence[Pair], size: int) -> np.ndarray:
    """The x of all pairs as rows [n, size]; float32 stays float32.

    Args:
        data: Pairs (x, y), x an array of any shape.
        size: How many numbers each x has.

    Raises:
        DataError: An x has another number of them.
    """
    return _rows([x for x, _ in data], size, "x")


def targets(data: Sequence[Pair], size: int) -> np.ndarray:
    """The y of all pairs as rows [n, size]; a whole number y stands for its one-hot vector.

    Args:
        data: Pairs (x, y); the first one says which form all y have.
        size: Output neurons.

    Raises:
        DataError: A y has not `size` numbers, or is no class below `size`.
    """
    if data and np.ndim(data[0][1]) == 0:
        return np.eye(size)[classes(data, size)]
    return _rows([y for _, y in data], size, "y").astype(np.float64, copy=False)


def column(y: Any, size: int) -> np.ndarray:
    """One y as a column (size, 1); a whole number stands for its one-hot vector.

    Args:
        y: A column, which is returned, or a whole number below `size`.
        size: Output neurons.

    Raises:
        DataError: It is no class below `size`.
    """
    return y if np.ndim(y) else targets([(np.empty(0), y)], size).T


def classes(data: Sequence[Pair], size: int) -> np.ndarray:
    """The classes of all pairs, [n] whole numbers below `size`: y itself, or its largest entry.

    Args:
        data: Pairs (x, y); the first one says which form all y have.
        size: Output neurons.

    Raises:
        DataError: As for `targets`.
    """
    if data and np.ndim(data[0][1]) != 0:
        return targets(data, size).argmax(axis=1)
    found = np.array([y for _, y in data])
    if len(found) and (found.dtype.kind not in "iu" or found.min() < 0 or found.max() >= size):
        raise DataError(f"y must be whole numbers from 0 to {size - 1}, one an output neuron.")
    return found


def _rows(columns: list[np.ndarray], size: int, name: str) -> np.ndarray:
    for number, column in enumerate(columns):
        if np.size(column) != size:
            raise DataError(
                f"{name} of pair {number} has {np.size(column)} numbers, and the network wants "
                f"{size}: give columns of shape ({size}, 1), or make the network of other sizes."
            )
    if not columns:
        return np.empty((0, size))
    return np.concatenate([np.ravel(column) for column in columns]).reshape(-1, size)


@contextlib.contextmanager
def own_random_numbers() -> Iterator[None]:
    """Leave the states of `random` and `np.random` as they were, whatever the block draws.

    TensorFlow draws when it is imported and Keras when it builds, and neither may change what
    comes after the reader's seed.
    """
    states = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])


def shuffle(data: list[Pair]) -> np.ndarray:
    """Shuffle a list in place, as Python 2 did; return where each entry stood before.

    Python 3 makes other numbers of the same bits. With Python 2's, the book's seed gives the
    book's runs: `random.seed(12345678); np.random.seed(12345678)`.

    >>> random.seed(1); letters = list("abcd"); shuffle(letters).tolist(), "".join(letters)
    ([3, 1, 2, 0], 'dbca')
    """
    order = list(range(len(data)))
    for last in range(len(order) - 1, 0, -1):
        chosen = int(random.random() * (last + 1))
        order[last], order[chosen] = order[chosen], order[last]
    data[:] = [data[place] for place in order]
    return np.array(order, dtype=int)
