"""Stochastic gradient descent for network.py and network2.py: the one place where Keras trains.

The zoo's models take bytes and classes, and compute in 32 bits. The book's programs take any
columns x and y, and compute in 64 bits, so that a seed gives the book's run to the count. So the
Keras model is built here, by the zoo's own builder of layers, and trained as in
`zoo.nn.block_model`: a compiled step loops over hundreds of mini-batches.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
import numbers
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from zoo.book import pairs
from zoo.errors import SpecError

if TYPE_CHECKING:
    import keras

BATCHES_PER_BLOCK = 500


class Parameters(Protocol):
    """What a network of the book holds: w^l [outputs, inputs] and b^l [outputs, 1], by layer."""

    sizes: Sequence[int]
    weights: list[np.ndarray]
    biases: list[np.ndarray]


def epochs(
    network: Parameters,
    training_data: list[pairs.Pair],
    count: int,
    mini_batch_size: int,
    *,
    eta: float,
    lmbda: float = 0.0,
    cost: str | None = None,
    by_hand: Callable[[list[pairs.Pair]], None] | None = None,
) -> Iterator[int]:
    """Train, and yield the number of each epoch when it is over and the network holds its weights.

    Each epoch shuffles `training_data` in place. A last mini-batch that is not full is used.

    Args:
        network: What is trained; its lists are replaced, not written to.
        training_data: Pairs (x, y); y a column, or a whole number for its one-hot vector.
        count: Epochs, from 0 up.
        mini_batch_size: Pairs in a step, from 1 up.
        eta: The learning rate, above 0.
        lmbda: lambda of eq. 85; each step takes eta lambda/n of every weight away (eq. 93).
        cost: A name in COSTS; None where Keras does not know the cost.
        by_hand: Takes one step for a mini-batch; used instead of Keras where `cost` is None.

    Raises:
        SpecError: A count, size or rate out of range.
        DataError: Columns of other sizes than the network's.
    """
    _check(count, mini_batch_size, training_data)
    _check_rates(eta, lmbda)
    with pairs.own_random_numbers():
        trained = _descent(tuple(network.sizes), cost) if cost and _tensorflow() else None
    if trained is None:
        yield from _by_hand(training_data, count, mini_batch_size, by_hand)
        return
    x = pairs.inputs(training_data, network.sizes[0])
    y = pairs.targets(training_data, network.sizes[-1])
    order = np.arange(len(x))
    for epoch in range(count):
        order = order[pairs.shuffle(training_data)]
        trained.take(network)
        trained.epoch(x, y, order, mini_batch_size, eta, lmbda / len(x))
        trained.give(network)
        yield epoch


def _check(count: int, mini_batch_size: int, training_data: list[pairs.Pair]) -> None:
    for name, value, least in (("epochs", count, 0), ("mini_batch_size", mini_batch_size, 1)):
        if not isinstance(value, int | np.integer) or value < least:
            raise SpecError(f"{name} must be a whole number from {least} up, not {value!r}")
    if not training_data:
        raise SpecError("training_data holds no pair: a list or zip that was used up before?")


def _check_rates(eta: float, lmbda: float) -> None:
    """Raise SpecError for a learning rate that is not above 0, or a lambda below 0."""
    if not isinstance(eta, numbers.Real) or not 0 < eta < math.inf:
        raise SpecError(f"eta, the learning rate, must be a number above 0, not {eta!r}")
    if not isinstance(lmbda, numbers.Real) or not 0 <= lmbda < math.inf:
        raise SpecError(f"lmbda, of the regularization, must be a number from 0 up, not {lmbda!r}")


def _tensorflow() -> bool:
    from zoo.utils.tensorflow import import_tensorflow

    import_tensorflow()
    import keras

    return keras.backend.backend() == "tensorflow"


def _by_hand(training_data, count, mini_batch_size, step) -> Iterator[int]:
    for epoch in range(count):
        pairs.shuffle(training_data)
        for start in range(0, len(training_data), mini_batch_size):
            step(training_data[start : start + mini_batch_size])
        yield epoch


# --- Keras ----------------------------------------------------------------------------------------


def _quadratic(y: Any, a: Any) -> Any:
    from keras import ops

    return 0.5 * ops.sum(ops.square(a - y), axis=-1)  # eq. 6, of one example


def _cross_entropy(y: Any, a: Any) -> Any:
    import keras

    # Keras takes the mean over the outputs, and computes it from the weighted inputs z, so that
    # the output error stays a - y (eq. 66) where the activation is rounded to 0 or 1.
    return y.shape[-1] * keras.losses.binary_crossentropy(y, a)


COSTS = {"quadratic": _quadratic, "cross_entropy": _cross_entropy}


@functools.lru_cache(maxsize=8)  # what is compiled serves every network of the same sizes
def _descent(sizes: tuple[int, ...], cost: str) -> _Descent:
    return _Descent(sizes, COSTS[cost])


class _Descent:
    """A Keras model in 64 bits, and its compiled descent."""

    def __init__(self, sizes: tuple[int, ...], cost: Callable[[Any, Any], Any]):
        import keras
        import tensorflow as tf

        with _64_bits():
            self.model = _build(sizes)
        self.rate = keras.Variable(0.0, dtype="float64", trainable=False)
        self.decay = keras.Variable(0.0, dtype="float64", trainable=False)
        self.cost = cost
        self.block = tf.function(self._block, jit_compile=True)

    def take(self, network: Parameters) -> None:
        """Set the model's weights to the network's."""
        both = zip(network.weights, network.biases, strict=True)
        self.model.set_weights([array for w, b in both for array in (w.T, b.ravel())])

    def give(self, network: Parameters) -> None:
        """Set the network's weights to the model's."""
        arrays = self.model.get_weights()
        network.weights = [np.ascontiguousarray(array.T) for array in arrays[::2]]
        network.biases = [array.reshape(-1, 1) for array in arrays[1::2]]

    def epoch(
        self, x: np.ndarray, y: np.ndarray, order: np.ndarray, size: int, eta: float, decay: float
    ) -> None:
        """Take one step for each mini-batch of the rows of x and y, the last one perhaps smaller.

        Args:
            x: The inputs, [n, inputs].
            y: The targets, [n, outputs].
            order: Which row comes when.
            size: Rows in a mini-batch.
            eta: The learning rate.
            decay: lambda/n of eq. 93; biases are not regularized.
        """
        self.rate.assign(eta)
        self.decay.assign(decay)
        for start, end in itertools.pairwise(_ends(len(order), size)):
            rows = order[start:end]
            shape = (-1, min(size, len(rows)))
            self.block(x[rows].reshape(*shape, x.shape[1]), y[rows].reshape(*shape, y.shape[1]))

    def _block(self, x: Any, y: Any) -> None:
        import tensorflow as tf

        weights = self.model.trainable_variables
        rate, decay = self.rate.value, self.decay.value

        def step(index):
            with tf.GradientTape() as tape:
                outputs = self.model(tf.cast(x[index], "float64"), training=True)
                cost = tf.reduce_mean(self.cost(y[index], outputs))
            for weight, slope in zip(weights, tape.gradient(cost, weights), strict=True):
                if len(weight.shape) == 2:
                    slope += decay * weight.value  # eq. 93; biases are not regularized
                weight.assign_sub(rate * slope)
            return (index + 1,)

        tf.while_loop(lambda index: index < tf.shape(x)[0], step, [0])


def _build(sizes: tuple[int, ...]) -> keras.Model:
    import keras

    from zoo.nn.builder import BuildContext, add_layer
    from zoo.spec import FullyConnected, Recipe

    recipe = Recipe(cost="quadratic", epochs=1, learning_rate=1.0)  # the layers ask it for no more
    context = BuildContext(recipe, seeds=itertools.count())
    inputs = outputs = keras.Input((sizes[0],), dtype="float64")
    for units in sizes[1:]:
        outputs = add_layer(FullyConnected(units), outputs, context)
    return keras.Model(inputs, outputs)


@contextlib.contextmanager
def _64_bits() -> Iterator[None]:
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _ends(count: int, size: int) -> list[int]:
    # Blocks of one length, since each new shape is compiled anew; a partial batch comes alone.
    full = count - count % size
    blocks = -(-full // (size * BATCHES_PER_BLOCK))
    step = -(-full // (size * blocks)) * size if full else size
    ends = [*range(0, full, step), full] if full else [0]
    return ends if full == count else [*ends, count]
