"""Problems of section 6.3 on ReLU: rescaled weights, and whether their gradients are stable."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from zoo.lab.chapter2.backpropagation import Parameters
from zoo.lab.chapter2.other_neurons import RELU, SIGMOID, Neurons, backpropagate, forward
from zoo.lab.core import style
from zoo.lab.core.experiment import (
    Check,
    Context,
    Result,
    check_claim,
    check_expected,
    experiment,
    plain,
)

WIDTH = 100
DEPTHS = (2, 3, 4, 6)
SCALES = (0.5, 1.0, 2.0)


def drawn_weights(sizes: list[int], gain: float, seed: int = 0) -> Parameters:
    """Weights with a deviation of sqrt(gain / inputs), and biases of 0."""
    generator = np.random.default_rng(seed)
    parameters: Parameters = []
    for inputs, outputs in pairwise(sizes):
        deviation = np.sqrt(gain / inputs)
        parameters += [deviation * generator.normal(size=(inputs, outputs)), np.zeros(outputs)]
    return parameters


def outputs_of(parameters: Parameters, x: np.ndarray) -> np.ndarray:
    """The output activations of rectified linear layers."""
    layers = [RELU] * (len(parameters) // 2)
    return forward(parameters, x, layers)[1][-1]


def draw_relu_scale(data: dict[str, Any]) -> Figure:
    """The factor of the outputs over the layers, and activations layer by layer."""
    drawn, (factors, sizes) = style.figure(1, 2, size=(11, 4))
    for number, (c, row) in enumerate(data["factors"].items()):
        look = style.line(number, label=f"c = {c}", marker=style.MARKS[number])
        factors.plot(data["layers"], row, **look)
        expected = [float(c) ** (layers - 1) for layers in data["layers"]]
        factors.plot(data["layers"], expected, **{**style.BOOK, "label": None})
    factors.set(
        yscale="log", xlabel="L, layers with the inputs", ylabel="outputs times (x: c^(L-1))"
    )
    for number, (label, row) in enumerate(data["activations"].items()):
        look = style.line(number, label=label, marker=style.MARKS[number])
        sizes.plot(range(1, len(row) + 1), row, **look)
    sizes.set(yscale="log", xlabel="layer", ylabel="root mean square of activations")
    for each in (factors, sizes):
        each.legend(frameon=False, fontsize=9)
    return drawn


def _factor(c: float, depth: int, x: np.ndarray) -> float:
    """How many times as long the outputs are with all weights times c."""
    parameters = drawn_weights([784] + [WIDTH] * depth, gain=2.0)
    before, after = (outputs_of([s * each for each in parameters], x) for s in (1.0, c))
    return float(np.linalg.norm(after) / np.linalg.norm(before))


@experiment("ch6_relu_scale", "Rescaled weights in a net of ReLUs", draw=draw_relu_scale)
def relu_scale(context: Context) -> Result:
    """A problem of section 6.3: all weights times c > 0 makes the outputs c^(L-1) times as large.

    So how a net of rectified linear units is started matters the more the deeper it is: weights of
    1/sqrt(n) lose a factor of sqrt(2) a layer, and those of sqrt(2/n) (He et al. 2015) none.
    """
    images = context.data.train.take(context.choose(1_000, 200)).images
    x = images.reshape(len(images), -1) / 256
    factors = {f"{c:g}": [_factor(c, depth, x) for depth in DEPTHS] for c in SCALES}
    deep = [784] + [WIDTH] * 10
    activations = {}
    for label, gain in (("1/sqrt(n)", 1.0), ("sqrt(2/n)", 2.0), ("2/sqrt(n)", 4.0)):
        parameters = drawn_weights(deep, gain)
        layers = forward(parameters, x, [RELU] * 10)[1][1:]
        activations[f"weights of {label}"] = [float(np.sqrt(np.mean(a**2))) for a in layers]
    kept = activations["weights of sqrt(2/n)"]
    lost = activations["weights of 1/sqrt(n)"]
    checks = (
        *(
            check_expected(
                f"c = {c}: outputs times, {depth + 1} layers",
                plain(factors[c][-1], 12),
                float(c) ** depth,
                within=1e-9 * float(c) ** depth,
            )
            for c, depth in (("0.5", DEPTHS[-1]), ("2", DEPTHS[-1]))
        ),
        check_expected(
            "1/sqrt(n): activations times a layer",
            plain((lost[-1] / lost[0]) ** (1 / 9), 3),
            0.707,
            within=0.07,
        ),
        check_expected(
            "sqrt(2/n): activations times a layer",
            plain((kept[-1] / kept[0]) ** (1 / 9), 3),
            1.0,
            within=0.1,
        ),
    )
    remark = (
        "With biases the factor is exact only if those of layer l grow by c^l. Behind a softmax "
        "the digit named stays the same, but its probability becomes more extreme, and with it "
        "the gradients."
    )
    found = {"layers": [depth + 1 for depth in DEPTHS], "factors": factors}
    return Result({**found, "activations": activations}, checks, remark)


# --- gradients ------------------------------------------------------------------------------------

DEEP = 8


def gradient_norms(neurons: Neurons, gain: float, x: np.ndarray, seed: int) -> np.ndarray:
    """The length of dC/db in each of eight hidden layers, for a random slope at the outputs."""
    sizes = [784] + [WIDTH] * DEEP + [10]
    parameters = drawn_weights(sizes, gain, seed)
    targets = np.random.default_rng(seed).normal(size=(len(x), 10))
    layers = [neurons] * (DEEP + 1)
    gradient = backpropagate(parameters, x, layers, lambda a: targets)
    return np.array([np.linalg.norm(slope) for slope in gradient[1:-2:2]])


def draw_relu_gradients(data: dict[str, Any]) -> Figure:
    """Lengths of gradients by layer, all networks and their mean, over that of the last layer."""
    drawn, axes = style.figure(1, len(data["norms"]), size=(13, 3.8), sharey=True)
    for each, (label, rows) in zip(axes, data["norms"].items(), strict=True):
        relative = np.array(rows) / np.array(rows)[:, -1:]
        for row in relative:
            each.plot(range(1, DEEP + 1), row, color="#bbbbbb", lw=0.6)
        mean = np.exp(np.log(relative).mean(axis=0))
        each.plot(range(1, DEEP + 1), mean, **style.line(0, marker="o"))
        each.set(yscale="log", xlabel="hidden layer", title=label)
    axes[0].set_ylabel("length of dC/db over the last's")
    return drawn


@experiment("ch6_relu_gradients", "Gradients in deep nets of ReLUs", draw=draw_relu_gradients)
def relu_gradients(context: Context) -> Result:
    """A problem of section 6.3: are gradients of rectified linear units unstable, too?

    The slope of an active unit is 1 and not 1/4 at most, so the factor a layer is that of the
    weights alone. The claims: in eight sigmoid layers the first learns far slower than the last; in
    ReLUs started with sqrt(2/n) it does not, and with other weights it does, or far faster.
    """
    count = context.choose(100, 20)
    images = context.data.train.take(context.choose(200, 50)).images
    x = images.reshape(len(images), -1) / 256
    cases = {
        "sigmoid, 1/sqrt(n)": (SIGMOID, 1.0),
        "ReLU, 1/sqrt(n)": (RELU, 1.0),
        "ReLU, sqrt(2/n)": (RELU, 2.0),
        "ReLU, 2/sqrt(n)": (RELU, 4.0),
    }
    norms, ratios = {}, {}
    for label, (neurons, gain) in cases.items():
        rows = np.array([gradient_norms(neurons, gain, x, seed) for seed in range(count)])
        norms[label] = plain(rows)
        ratios[label] = float(np.exp(np.log(rows[:, 0] / rows[:, -1]).mean()))
    bounds = {
        "sigmoid, 1/sqrt(n)": ("below 0.01", lambda ratio: ratio < 0.01),
        "ReLU, 1/sqrt(n)": ("below 0.3", lambda ratio: ratio < 0.3),
        "ReLU, sqrt(2/n)": ("0.3 to 3", lambda ratio: 0.3 < ratio < 3),
        "ReLU, 2/sqrt(n)": ("above 3", lambda ratio: ratio > 3),
    }
    checks = [
        check_claim(
            f"{label}: first layer's over last's",
            plain(ratios[label], 3),
            bound,
            holds(ratios[label]),
        )
        for label, (bound, holds) in bounds.items()
    ]
    wide = np.log(np.array(norms["ReLU, sqrt(2/n)"]))[:, 0].std()
    checks.append(
        Check(
            "sqrt(2/n): first layer's length, networks differ by a factor of",
            plain(np.exp(wide), 3),
        )
    )
    remark = (
        f"{count} networks of eight hidden layers of 100. A product of layers is as unstable as "
        "ever: ReLU only moves the weights at which it neither vanishes nor explodes to sqrt(2/n)."
    )
    return Result({"norms": norms}, tuple(checks), remark)
