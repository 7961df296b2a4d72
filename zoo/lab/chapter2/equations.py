"""The four equations one by one, and the gradient as a sum over paths."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from zoo.lab.chapter2.backpropagation import Parameters, backpropagate, forward, small_net
from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, check_close, experiment, plain

SIZES = (12, 8, 6, 4)


def errors(parameters: Parameters, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """delta [images, neurons] of every layer, by BP1 for the last one and BP2 for the others."""
    _, *activations = forward(parameters, x)
    slopes = [a * (1 - a) for a in activations]
    found = [(activations[-1] - y) * slopes[-1]]  # BP1
    for weights, slope in zip(parameters[::2][:0:-1], slopes[-2::-1], strict=True):
        found.insert(0, found[0] @ weights.T * slope)  # BP2
    return found


def by_autodiff(
    parameters: Parameters, x: np.ndarray, y: np.ndarray
) -> tuple[list[np.ndarray], Parameters]:
    """dC/dz of every layer, image by image, and the gradient, in TensorFlow and 64 bits."""
    import tensorflow as tf

    variables = [tf.Variable(array) for array in parameters]
    with tf.GradientTape(persistent=True) as tape:
        a, zs = tf.constant(x), []
        for weights, biases in zip(variables[::2], variables[1::2], strict=True):
            zs.append(a @ weights + biases)
            a = tf.sigmoid(zs[-1])
        costs = tf.reduce_sum((a - y) ** 2, axis=1) / 2
        mean = tf.reduce_mean(costs)
    deltas = [each.numpy() for each in tape.gradient(costs, zs)]
    return deltas, [each.numpy() for each in tape.gradient(mean, variables)]


def draw_equations(data: dict[str, Any]) -> Figure:
    """For each equation every number by it against the same by automatic differentiation."""
    drawn, axes = style.figure(1, 4, size=(14, 3.6))
    for each, (name, (ours, others)) in zip(axes, data["numbers"].items(), strict=True):
        each.plot(others, ours, ".", ms=4, color=style.COLORS[0])
        each.axline((0, 0), slope=1, color=style.COLORS[1], lw=0.8)
        each.set(title=name, xlabel="by automatic differentiation")
    axes[0].set_ylabel("by the equation")
    return drawn


@experiment("ch2_BP1_to_BP4", "Each of the four equations", draw=draw_equations)
def equations(context: Context) -> Result:
    """BP1: the output error; BP2: the errors before it; BP3: biases; BP4: weights.

    Each by itself on a net of 12-8-6-4, against automatic differentiation in 64 bits.
    """
    parameters, x, y = small_net(SIZES, images=5)
    deltas, gradient = errors(parameters, x, y), backpropagate(parameters, x, y)
    true_deltas, true_gradient = by_autodiff(parameters, x, y)
    pairs = {
        "BP1": (deltas[-1:], true_deltas[-1:]),
        "BP2": (deltas[:-1], true_deltas[:-1]),
        "BP3": (gradient[1::2], true_gradient[1::2]),
        "BP4": (gradient[::2], true_gradient[::2]),
    }
    numbers, checks = {}, []
    for name, both in pairs.items():
        ours, others = (np.concatenate([each.ravel() for each in one]) for one in both)
        off = float(np.abs(ours - others).max() / np.abs(others).max())
        checks.append(Check(f"{name}: off by, of the largest", plain(off, 2), 0, off < 1e-13))
        numbers[name] = [plain(ours), plain(others)]
    return Result({"numbers": numbers}, tuple(checks))


# --- the sum over paths ---------------------------------------------------------------------------


def over_paths(parameters: Parameters, x: np.ndarray, y: np.ndarray) -> list[list[float]]:
    """For each weight [j, k] of the first layer the products of all paths from it to the cost.

    x [inputs] and y [outputs] are one example. A path takes one neuron of each layer; its product
    has a rate of change for each step (eq. 53).
    """
    activations = [a[0] for a in forward(parameters, x[None])]
    slopes = [a * (1 - a) for a in activations[1:]]
    weights, last = parameters[::2], activations[-1] - y
    later = [range(len(each)) for each in slopes[1:]]
    found = []
    for k, j in np.ndindex(weights[0].shape):
        products = []
        for path in itertools.product([j], *later):
            rate = activations[0][k] * slopes[0][j]
            for layer, (here, there) in enumerate(itertools.pairwise(path), start=1):
                rate *= weights[layer][here, there] * slopes[layer][there]
            products.append(float(rate * last[path[-1]]))
        found.append(products)
    return found


def draw_path_sum(data: dict[str, Any]) -> Figure:
    """The paths of one weight, one after another, and all weights' sums against their slopes."""
    drawn, axes = style.figure(1, 2)
    sums = np.cumsum(data["paths"])
    axes[0].plot(np.arange(1, len(sums) + 1), sums, **style.line(0, marker="o", ms=4))
    axes[0].axhline(data["slope"], **style.line(1, label="backpropagation"))
    axes[0].set(xlabel="paths added up", ylabel="dC/dw of one weight")
    style.legend_above(axes[0])
    axes[1].plot(data["slopes"], data["sums"], "o", ms=5, color=style.COLORS[0])
    axes[1].axline((0, 0), slope=1, color=style.COLORS[1], lw=0.8)
    axes[1].set(xlabel="dC/dw by backpropagation", ylabel="sum over all paths")
    return drawn


@experiment("ch2_path_sum", "A gradient is a sum over paths", draw=draw_path_sum)
def path_sum(context: Context) -> Result:
    """How a weight reaches the cost: by every path from it to the output (eq. 47 to 53).

    Backpropagation adds up the same products without going each way on its own.
    """
    parameters, x, y = small_net((4, 3, 5, 3, 2), images=1)
    paths = over_paths(parameters, x[0], y[0])
    sums = np.sum(paths, axis=1)
    slopes = backpropagate(parameters, x, y)[0].ravel()
    off = float(np.abs(sums - slopes).max() / np.abs(slopes).max())
    shown = int(np.abs(slopes).argmax())
    data = {"paths": plain(paths[shown]), "slope": plain(slopes[shown])}
    data |= {"sums": plain(sums), "slopes": plain(slopes)}
    checks = (
        check_close(
            "paths from one weight, a net of 4-3-5-3-2", len(paths[0]), 5 * 3 * 2, within=0
        ),
        Check("sums off from backpropagation by, of the largest", plain(off, 2), 0, off < 1e-13),
    )
    return Result(data, checks)
