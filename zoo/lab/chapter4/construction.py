"""Keras nets whose weights are constructed, not learned, and the function they approximate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import logit

if TYPE_CHECKING:
    import keras

# The book's weight into a hidden neuron, from where it draws its sigmoid as a step.
STEEP = 1000.0

Activation = str | Callable[[Any], Any]
Numbers = Sequence[float] | np.ndarray


class Weights(NamedTuple):
    """One layer: kernel [inputs, neurons], bias [neurons], activation."""

    kernel: np.ndarray
    bias: np.ndarray
    activation: Activation = "linear"


def build(*layers: Weights) -> keras.Model:
    """A Keras model with these weights, in double precision.

    In single precision w x + b with w = 1000 and more would blur where a step stands.
    """
    import keras

    outputs = inputs = keras.Input((len(layers[0].kernel),), dtype="float64")
    for kernel, bias, activation in layers:
        dense = keras.layers.Dense(len(bias), activation=activation, dtype="float64")
        outputs = dense(outputs)
        dense.set_weights([kernel, bias])
    return keras.Model(inputs, outputs)


def compute(model: keras.Model, points: Any) -> np.ndarray:
    """The model's outputs at points [n] or [n, inputs]: [n] where it has one output neuron."""
    from keras import ops

    points = np.asarray(points, "float64").reshape(-1, *model.input_shape[1:])
    outputs = ops.convert_to_numpy(model(points))
    return outputs[:, 0] if outputs.shape[1] == 1 else outputs


def steps(
    positions: Numbers,
    axes: Sequence[int] | np.ndarray | None = None,
    *,
    inputs: int = 1,
    steepness: float = STEEP,
    activation: Activation = "sigmoid",
) -> Weights:
    """A hidden layer; its neuron i steps where input axes[i] is positions[i], b = -w s."""
    count = len(positions)
    kernel = np.zeros((inputs, count))
    kernel[[0] * count if axes is None else axes, range(count)] = steepness
    return Weights(kernel, -steepness * np.asarray(positions, "float64"), activation)


def step_net(
    positions: Numbers,
    heights: Numbers,
    *,
    bias: float = 0.0,
    steepness: float = STEEP,
    activation: Activation = "sigmoid",
    output: Activation = "linear",
) -> keras.Model:
    """One input, one hidden layer: at positions[i] the weighted sum steps by heights[i]."""
    hidden = steps(positions, steepness=steepness, activation=activation)
    return build(hidden, Weights(np.reshape(heights, (-1, 1)), np.array([bias]), output))


def neuron(w: float, b: float, activation: Activation = "sigmoid") -> keras.Model:
    """A net of one neuron with one input."""
    return build(Weights(np.array([[w]]), np.array([b]), activation))


def bumps(edges: Any, heights: Any) -> tuple[np.ndarray, np.ndarray]:
    """The steps of bumps with edges [n, 2]: up at the first edge, down at the second.

    >>> [each.tolist() for each in bumps([[0.2, 0.6]], [0.8])]
    [[0.2, 0.6], [0.8, -0.8]]
    """
    heights = np.asarray(heights, "float64")
    return np.ravel(edges).astype("float64"), np.stack([heights, -heights], axis=1).ravel()


def equal_parts(count: int, shift: float = 0.0) -> np.ndarray:
    """Edges [n, 2] of sub-intervals 1/count wide that cover [0, 1], moved by shift (0 to 1/count).

    A shifted set needs one sub-interval more, which begins left of 0.
    """
    first = -1 if shift else 0
    starts = np.arange(first, count) / count + shift
    return np.stack([starts, starts + 1 / count], axis=1)


def middles(edges: np.ndarray) -> np.ndarray:
    """The middle of each sub-interval's part in [0, 1]."""
    return np.clip(edges, 0, 1).mean(axis=1)


def target(x: Any) -> np.ndarray:
    """The function of eq. 113, f(x) = 0.2 + 0.4 x^2 + 0.3 x sin(15 x) + 0.05 cos(50 x)."""
    x = np.asarray(x, "float64")
    return 0.2 + 0.4 * x**2 + 0.3 * x * np.sin(15 * x) + 0.05 * np.cos(50 * x)


def wanted_sum(x: Any) -> np.ndarray:
    """What the hidden layer's weighted sum must be for f to come out of a sigmoid: its inverse."""
    return logit(target(x))


def centres(count: int) -> np.ndarray:
    """The middles of count equal parts of [0, 1]; steps at multiples of 1/count miss them.

    >>> centres(2).tolist()
    [0.25, 0.75]
    """
    return (np.arange(count) + 0.5) / count


# Where most pictures of the chapter compute their curves.
X = centres(500)


def square(count: int) -> np.ndarray:
    """Points [count^2, 2] of the unit square, x slowest."""
    x, y = np.meshgrid(centres(count), centres(count), indexing="ij")
    return np.stack([x.ravel(), y.ravel()], axis=1)


def towers(boxes: Any, h: float, *, steepness: float = STEEP) -> tuple[Weights, Weights]:
    """Two hidden layers for towers on boxes [n, inputs, 2]; second-layer neuron i is tower i.

    In each direction a bump of height h; bias (-m + 1/2) h, so that only all m of them together
    fire the neuron.
    """
    boxes = np.asarray(boxes, "float64")
    count, inputs, _ = boxes.shape
    axes = np.tile(np.repeat(np.arange(inputs), 2), count)
    first = steps(boxes.ravel(), axes, inputs=inputs, steepness=steepness)
    kernel = np.kron(np.eye(count), np.tile([[h], [-h]], (inputs, 1)))
    return first, Weights(kernel, np.full(count, (0.5 - inputs) * h), "sigmoid")


def tiles(count: int, shift: float = 0.0) -> np.ndarray:
    """Boxes [n, 2, 2] of equal squares that cover the unit square, moved by shift both ways."""
    parts = equal_parts(count, shift)
    return np.array([[x, y] for x in parts for y in parts])
