"""Other techniques: momentum, and neurons other than sigmoid ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from zoo.lab.chapter3.epochs import VALIDATION_ACCURACY, short, validated
from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, check_expected, experiment, plain

# The valley C = (w1^2 + 25 w2^2) / 2: flat along w1, steep across.
CURVATURE = np.array([1.0, 25.0])
START = np.array([-10.0, 1.0])
RATE, STEPS = 0.03, 100


def roll(mu: float, steps: int = STEPS) -> np.ndarray:
    """The way from START down the valley, [steps + 1, 2]: v -> mu v - eta grad C, w -> w + v.

    These are eq. 107 and 108.
    """
    w, v = START, np.zeros(2)
    path = [w]
    for _ in range(steps):
        v = mu * v - RATE * CURVATURE * w
        w = w + v
        path.append(w)
    return np.array(path)


def height(path: np.ndarray) -> np.ndarray:
    """The cost at each point of a path."""
    return 0.5 * (path**2 @ CURVATURE)


def draw_momentum(data: dict[str, Any]) -> Figure:
    """The ways down the valley, their costs, and networks trained with momentum."""
    drawn, axes = style.figure(1, 3, size=(14, 4))
    w1, w2 = np.meshgrid(np.linspace(-11, 8, 96), np.linspace(-1.6, 1.6, 65))
    heights = height(np.stack([w1, w2], axis=-1))
    levels = np.arange(1, 8) ** 2
    axes[0].contour(w1, w2, heights, levels=levels, colors="#bbbbbb", linewidths=0.8)
    for number, (label, series) in enumerate(data["valley"].items()):
        if series["path"]:
            look = style.line(number, label=label, marker=style.MARKS[number], ms=3, lw=1.2)
            axes[0].plot(*zip(*series["path"], strict=True), **look)
        axes[1].plot(series["cost"], **style.line(number, label=label))
    for number, (label, curve) in enumerate(data["networks"].items()):
        look = style.line(number, label=label, marker=style.MARKS[number], ms=4)
        axes[2].plot(curve, **look)
    axes[0].set(xlabel="w1", ylabel="w2", title=f"in a valley, eta = {RATE} (w2 drawn larger)")
    axes[1].set(xlabel="step", ylabel="cost", yscale="log", ylim=(1e-5, 1e5))
    axes[2].set(xlabel="epoch", ylabel=VALIDATION_ACCURACY, title="784-30-10 on MNIST")
    axes[2].xaxis.get_major_locator().set_params(integer=True)
    for each in axes:
        each.legend(frameon=False, fontsize=9)
    return drawn


@experiment("ch3_momentum", "Momentum in a valley and on MNIST", draw=draw_momentum)
def momentum(context: Context) -> Result:
    """Momentum builds up speed along a valley and averages out what goes across (eq. 107, 108).

    The book has no experiment: here are a valley of two weights, with the exercise's mu > 1 and
    mu < 0, and the network of chapter 5 with mu up to 0.9.
    """
    valley = {}
    for mu in (0.0, 0.5, 0.9, -0.3, 1.02):
        path = roll(mu)
        shown = plain(path[:30]) if 0 <= mu < 1 else []
        valley[f"mu = {mu:g}"] = {"path": shown, "cost": plain(height(path))}
    networks = {
        f"mu = {mu:g}, eta = {eta:g}": validated(
            context, short(context, "mlp30", momentum=mu, learning_rate=eta)
        )
        for mu, eta in ((0.0, 0.1), (0.5, 0.1), (0.9, 0.1), (0.9, 0.01))
    }
    # Where momentum is high the cost goes up and down: the highest of the last 20 steps.
    last = {label: max(run["cost"][-20:]) for label, run in valley.items()}
    checks = [
        Check("valley: cost at the end, mu = 0", last["mu = 0"]),
        Check("the same, mu = 0.9", last["mu = 0.9"]),
        Check("the same, mu = 1.02", last["mu = 1.02"]),
        *(Check(f"MNIST: {label}, first epoch, %", curve[0]) for label, curve in networks.items()),
    ]
    remark = (
        "With mu > 1 speed is not lost but gained, and the cost grows without limit; with mu < 0 "
        "each step takes back a part of the one before, which is slower than no momentum. In the "
        "long run momentum makes steps 1 / (1 - mu) times as long: mu = 0.9 at eta = 0.01 learns "
        "like mu = 0 at eta = 0.1."
    )
    if context.fast:
        remark += " 5 epochs of 30."
    return Result({"valley": valley, "networks": networks}, tuple(checks), remark)


# --- other neurons --------------------------------------------------------------------------------


def draw_neurons(data: dict[str, Any]) -> Figure:
    """Activations over z, and beside them their slopes."""
    drawn, axes = style.figure(1, 2)
    for each, what in zip(axes, ("activation", "slope"), strict=True):
        for number, (label, curve) in enumerate(data[what].items()):
            each.plot(data["z"], curve, **style.line(number, label=label))
        each.set(xlabel="weighted input z", ylabel=what)
        each.legend(frameon=False, fontsize=9, loc="upper left")
    return drawn


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Eq. 3."""
    return 1 / (1 + np.exp(-z))


@experiment("ch3_tanh", "The tanh neuron", draw=draw_neurons)
def tanh(context: Context) -> Result:
    """tanh is the sigmoid stretched to -1..1 (eq. 109 to 111); its slope is up to four times."""
    z = np.linspace(-5, 5, 201)
    difference = np.abs(sigmoid(z) - (1 + np.tanh(z / 2)) / 2).max()
    data = {
        "z": plain(z),
        "activation": {"tanh": plain(np.tanh(z)), "sigmoid": plain(sigmoid(z))},
        "slope": {
            "tanh": plain(1 - np.tanh(z) ** 2),
            "sigmoid": plain(sigmoid(z) * (1 - sigmoid(z))),
        },
    }
    what = "largest |sigmoid(z) - (1 + tanh(z / 2)) / 2| (eq. 111)"
    return Result(data, (check_expected(what, plain(difference), 0, within=1e-15),))


@experiment("ch3_relu", "The rectified linear neuron", draw=draw_neurons)
def relu(context: Context) -> Result:
    """max(0, z) does not saturate for large z, and does not learn at all for z < 0 (eq. 112)."""
    z = np.linspace(-5, 5, 201)
    activation = np.maximum(z, 0)
    data = {
        "z": plain(z),
        "activation": {"max(0, z)": plain(activation)},
        "slope": {
            "max(0, z)": plain(z > 0),
            "sigmoid": plain(sigmoid(z) * (1 - sigmoid(z))),
        },
    }
    largest = plain((sigmoid(z) * (1 - sigmoid(z))).max(), 3)
    checks = (
        Check("largest slope of the sigmoid", largest),
        Check("share of z from -5 to 5 with a slope above that", plain(np.mean(z > 0), 3)),
    )
    return Result(data, checks, "The book draws the function, and prints no number.")
