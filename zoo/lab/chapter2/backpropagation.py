"""Backpropagation from the equations BP1 to BP4, checked against two other ways to a gradient."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import zoo
from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, check_close, experiment, plain

Parameters = list[np.ndarray]  # weights [inputs, outputs] and biases [outputs], layer by layer

ROUNDS = 5


def sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-z))."""
    return 1 / (1 + np.exp(-z))


def forward(parameters: Parameters, x: np.ndarray) -> list[np.ndarray]:
    """The activations of every layer, the input's first, for images x [n, inputs] (eq. 25)."""
    activations = [x]
    for weights, biases in zip(parameters[::2], parameters[1::2], strict=True):
        activations.append(sigmoid(activations[-1] @ weights + biases))
    return activations


def cost(parameters: Parameters, x: np.ndarray, y: np.ndarray) -> float:
    """The quadratic cost, the mean over images of half a squared distance (eq. 6)."""
    return float(((forward(parameters, x)[-1] - y) ** 2).sum(axis=1).mean() / 2)


def quadratic_error(output: np.ndarray, y: np.ndarray) -> np.ndarray:
    """BP1 for the quadratic cost; the slope of sigma is sigma (1 - sigma)."""
    return (output - y) * output * (1 - output)


def backpropagate(
    parameters: Parameters,
    x: np.ndarray,
    y: np.ndarray,
    output_error: Callable[[np.ndarray, np.ndarray], np.ndarray] = quadratic_error,
) -> Parameters:
    """The gradient of a cost by BP1 to BP4, images [n, inputs] as one matrix."""
    activations = forward(parameters, x)
    error = output_error(activations[-1], y)
    gradient: Parameters = []
    for layer in reversed(range(len(parameters) // 2)):
        below = activations[layer]
        # BP4, then BP3, each as the mean over the images.
        gradient[:0] = [below.T @ error / len(x), error.mean(axis=0)]
        error = error @ parameters[2 * layer].T * below * (1 - below)  # BP2
    return gradient


def by_differences(
    parameters: Parameters,
    x: np.ndarray,
    y: np.ndarray,
    epsilon: float = 1e-5,
    cost: Callable[..., float] = cost,
) -> Parameters:
    """The gradient by eq. 46, (C(w + epsilon) - C(w)) / epsilon: a forward pass a parameter."""
    before = cost(parameters, x, y)
    gradient = [np.zeros_like(array) for array in parameters]
    for array, slopes in zip(parameters, gradient, strict=True):
        for place in np.ndindex(array.shape):
            kept = array[place]
            array[place] = kept + epsilon
            slopes[place] = (cost(parameters, x, y) - before) / epsilon
            array[place] = kept
    return gradient


def by_keras(name: str, x: np.ndarray, labels: np.ndarray) -> tuple[Parameters, Parameters]:
    """A network's initial parameters, and the gradient that automatic differentiation gives."""
    import tensorflow as tf

    model = zoo.build(name, seed=0)
    with tf.GradientTape() as tape:
        value = model.compute_loss(y=tf.constant(labels), y_pred=model(tf.constant(x)))
    gradient = tape.gradient(value, model.trainable_variables)
    return [np.array(each, "float64") for each in model.get_weights()], [
        np.array(each, "float64") for each in gradient
    ]


def furthest(one: Parameters, other: Parameters) -> float:
    """The largest difference of two gradients, in units of the largest slope."""
    largest = max(float(np.abs(each).max()) for each in other)
    return max(float(np.abs(a - b).max()) for a, b in zip(one, other, strict=True)) / largest


def draw_backprop_check(data: dict[str, Any]) -> Figure:
    """Slopes by BP1 to BP4 against slopes by the other way, in two squares."""
    drawn, axes = style.figure(1, 2, size=(9, 4))
    for each, (title, slopes) in zip(axes, data.items(), strict=True):
        ours, others = np.array(slopes)
        each.plot(others, ours, ".", ms=3, color=style.COLORS[0])
        each.axline((0, 0), slope=1, color=style.COLORS[1], lw=0.8)
        each.set(title=title, xlabel="slope the other way", ylabel="slope by BP1 to BP4")
    return drawn


@experiment(
    "ch2_backprop_check", "Backpropagation gives the right gradient", draw=draw_backprop_check
)
def backprop_check(context: Context) -> Result:
    """BP1 to BP4 in NumPy, against Keras' automatic differentiation and finite differences.

    Keras differentiates the zoo's 784-30-10 on ten digits; eq. 46 a net of 12-8-6-4.
    """
    split = context.data.train.take(10)
    x, y = split.images.reshape(10, -1) / 256, np.eye(10)[split.labels]
    parameters, automatic = by_keras("mlp30.quadratic", split.images, split.labels)
    ours = backpropagate(parameters, x, y)
    small, inputs, targets = small_net((12, 8, 6, 4), images=5)
    pairs = {
        "automatic differentiation": (ours, automatic),
        "finite differences": (
            backpropagate(small, inputs, targets),
            by_differences(small, inputs, targets),
        ),
    }
    # Keras computes in single precision; eq. 46 is out by about epsilon.
    allowed = {"automatic differentiation": 1e-5, "finite differences": 1e-3}
    checks = []
    for title, (one, other) in pairs.items():
        off = furthest(one, other)
        checks.append(Check(f"off from {title}", plain(off, 2), None, off < allowed[title]))
    data = {title: [_sample(one), _sample(other)] for title, (one, other) in pairs.items()}
    return Result(data, tuple(checks), "Off: the largest difference over the largest slope.")


def small_net(sizes: tuple[int, ...], images: int) -> tuple[Parameters, np.ndarray, np.ndarray]:
    """A net of these sizes with weights from N(0, 1), and random inputs and targets for it."""
    generator = np.random.default_rng(0)
    parameters = []
    for inputs, outputs in pairwise(sizes):
        parameters += [generator.normal(size=(inputs, outputs)), generator.normal(size=outputs)]
    return parameters, generator.random((images, sizes[0])), generator.random((images, sizes[-1]))


def draw_times(data: dict[str, Any]) -> Figure:
    """A bar a way, from zero, with its time."""
    drawn, axes = style.figure(size=(7, 2.6))
    axes.barh(list(data), list(data.values()), color=style.COLORS[0], height=0.5)
    for row, taken in enumerate(data.values()):
        axes.text(taken, row, f"  {taken:g}", va="center")
    axes.set(xlabel="milliseconds, median of five", xlim=(0, 1.2 * max(data.values())))
    axes.set_axisbelow(True)
    axes.invert_yaxis()
    return drawn


@experiment("ch2_finite_difference", "Why not finite differences", draw=draw_times)
def finite_difference(context: Context) -> Result:
    """Eq. 46 takes a forward pass a parameter and one more; backpropagation about two in all.

    Measured on a small net: a million weights would take a million and one passes.
    """
    sizes = context.choose((100, 30, 10), (40, 20, 10))
    parameters, x, y = small_net(sizes, images=1)
    weights, passes = sum(array.size for array in parameters), []

    def counted(*arguments: Any) -> float:
        passes.append(1)
        return cost(*arguments)

    by_differences(parameters, x, y, cost=counted)
    times = _medians(
        {
            "backpropagation": lambda: backpropagate(parameters, x, y),
            "finite differences": lambda: by_differences(parameters, x, y),
        }
    )
    ratio = times["finite differences"] / times["backpropagation"]
    checks = (
        # The book: 1,000,001 for a million weights.
        check_close(
            f"forward passes by eq. 46, for {weights:,} weights and biases",
            len(passes),
            weights + 1,
            within=0,
        ),
        Check("times as long as backpropagation", plain(ratio, 3)),
    )
    return Result(times, checks, f"A net of {'-'.join(map(str, sizes))}, in NumPy.")


@experiment("ch2_matrix_minibatch", "A mini-batch as one matrix", draw=draw_times)
def matrix_minibatch(context: Context) -> Result:
    """The problem of the chapter: ten images at once through 784-30-10, against one after another.

    The author reports about a factor of two.
    """
    parameters, x, y = small_net((784, 30, 10), images=10)

    def one_by_one() -> None:
        for image, target in zip(x, y, strict=True):
            backpropagate(parameters, image[None], target[None])

    times = _medians(
        {
            "one matrix": lambda: backpropagate(parameters, x, y),
            "one by one": one_by_one,
        }
    )
    ratio = times["one by one"] / times["one matrix"]
    check = Check("times as fast as one by one", plain(ratio, 3), "about 2")
    remark = (
        "Not judged: the ratio is that of the machine and its load, and today's are larger than "
        "the author's."
    )
    return Result(times, (check,), remark)


def _medians(ways: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Milliseconds each way, in turn, so that all share the machine's moods."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            taken[name].append(1000 * (time.perf_counter() - began))
    return {name: plain(median(times), 3) for name, times in taken.items()}


def _sample(gradient: Parameters, most: int = 1_000) -> list[float]:
    """At most so many of its slopes, evenly spread."""
    flat = np.concatenate([each.ravel() for each in gradient])
    return plain(flat[:: max(1, len(flat) // most)])
