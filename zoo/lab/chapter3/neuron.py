"""The toy neuron: one input of 1, target 0, and how fast each cost lets it learn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, check_close, experiment, plain

EPOCHS = 300
GOOD, BAD = (0.6, 0.9), (2.0, 2.0)  # the starting weight and bias


class Frame(NamedTuple):
    """What the book prints at one epoch."""

    epoch: int
    weight: float
    bias: float
    output: float


def printed(*rows: tuple[float, float, float]) -> list[Frame]:
    """The frames of every 50 epochs, from epoch 50."""
    return [Frame(50 * number, *row) for number, row in enumerate(rows, start=1)]


# fmt: off
QUADRATIC_GOOD = printed((-0.38, -0.08, 0.39), (-0.81, -0.51, 0.21), (-1.01, -0.71, 0.15),
                         (-1.13, -0.83, 0.12), (-1.21, -0.91, 0.11), (-1.28, -0.98, 0.09))
QUADRATIC_BAD = printed((1.85, 1.85, 0.98), (1.65, 1.65, 0.96), (1.32, 1.32, 0.93),
                        (0.66, 0.66, 0.80), (-0.29, -0.29, 0.36), (-0.68, -0.68, 0.20))
ENTROPY_GOOD = printed((-0.16, 0.14, 0.50), (-0.58, -0.28, 0.30), (-0.90, -0.60, 0.18),
                       (-1.20, -0.90, 0.11), (-1.47, -1.17, 0.07), (-1.73, -1.43, 0.04))
ENTROPY_BAD = printed((0.17, 0.17, 0.59), (-0.30, -0.30, 0.36), (-0.65, -0.65, 0.22),
                      (-0.95, -0.95, 0.13), (-1.23, -1.23, 0.08), (-1.49, -1.49, 0.05))
# fmt: on


def quadratic_slope(a: float) -> float:
    """dC/dw of (y - a)^2 / 2 for x = 1, y = 0 (eq. 55): (a - y) sigma'(z) x."""
    return a * a * (1 - a)


def entropy_slope(a: float) -> float:
    """dC/dw of the cross-entropy for x = 1, y = 0 (eq. 61): (a - y) x."""
    return a


def entropy_slope_of_the_frames(a: float) -> float:
    """dC/da of the cross-entropy for y = 0, without the factor sigma'(z) that leads on to w."""
    return 1 / (1 - a)


def descend(
    slope: Callable[[float], float], start: tuple[float, float], eta: float
) -> list[tuple[float, float, float]]:
    """Weight and bias after 0, 1, ... 300 steps, and the output that the last step began with.

    The book's frames show the output of the forward pass that the step needed, beside the weights
    that it led to. Before the first step there is the output of the start.
    """
    w, b = start
    a = float(1 / (1 + np.exp(-(w + b))))
    path = [(w, b, a)]
    for _ in range(EPOCHS):
        a = float(1 / (1 + np.exp(-(w + b))))
        step = eta * slope(a)
        w, b = w - step, b - step
        path.append((w, b, a))
    return path


def compare(path: list[tuple[float, float, float]], frames: list[Frame]) -> list[Check]:
    """A check for each frame: weight, bias and output, to one unit of the last printed digit."""
    checks = []
    for frame in frames:
        ours = np.array(path[frame.epoch])
        # Printed numbers may be rounded or cut.
        agrees = bool(np.all(np.abs(ours - frame[1:]) < 0.01))
        measured, book = (
            ", ".join(f"{value:.{digits}f}" for value in values)
            for values, digits in ((ours, 3), (frame[1:], 2))
        )
        checks.append(Check(f"w, b, a at epoch {frame.epoch}", measured, book, agrees))
    return checks


def draw_neuron(data: dict[str, Any]) -> Figure:
    """The output over the epochs, and the weight, with the printed frames."""
    drawn, axes = style.figure(1, 2)
    for number, (label, path) in enumerate(data["paths"].items()):
        weights, _, outputs = zip(*path, strict=True)
        axes[0].plot(outputs, **style.line(number, label=label))
        axes[1].plot(weights, **style.line(number, label=label))
    epochs, weights, _, outputs = zip(*data["frames"], strict=True)
    axes[0].plot(epochs, outputs, **style.BOOK)
    axes[1].plot(epochs, weights, **style.BOOK)
    axes[0].set(xlabel="epoch", ylabel="output a (wanted: 0)", ylim=(0, 1.03))
    axes[1].set(xlabel="epoch", ylabel="weight w")
    axes[0].legend(frameon=False, fontsize=9)
    return drawn


def _quadratic(start: tuple[float, float], frames: list[Frame], remark: str) -> Result:
    path = descend(quadratic_slope, start, 0.15)
    data = {"paths": {"eta = 0.15": plain(path)}, "frames": frames}
    return Result(data, tuple(compare(path, frames)), remark)


def _entropy(start: tuple[float, float], frames: list[Frame]) -> Result:
    as_printed = descend(entropy_slope_of_the_frames, start, 0.005)
    by_formula = descend(entropy_slope, start, 0.005)
    faster = descend(entropy_slope, start, 0.05)
    paths = {
        "step 1 / (1 - a), eta = 0.005": plain(as_printed),
        "eq. 61, eta = 0.005": plain(by_formula),
        "eq. 61, eta = 0.05": plain(faster),
    }
    last = frames[-1].output
    what = "output at the end by eq. 61, eta = 0.005"
    checks = (
        # The headline is the cross-entropy's own step, and not the one that fits the frames.
        check_close(what, round(by_formula[-1][2], 4), last, within=0.005),
        Check("output at the end by eq. 61, eta = 0.05", round(faster[-1][2], 4), last),
        *(
            replace(check, what=f"step 1 / (1 - a): {check.what}")
            for check in compare(as_printed, frames)
        ),
    )
    remark = (
        "By the cross-entropy's gradient, eq. 61, and the book's eta the neuron does not end where "
        "the book prints it: the slope is a, and eta = 0.005 is too small for the printed frames. "
        "They follow, to the printed digits, from the step dC/da = 1 / (1 - a), which leaves out "
        "the factor sigma'(z). With ten times the eta, the neuron learns as fast as they do. What "
        "the figure is about holds either way: learning is no longer slow where the neuron is "
        "badly wrong."
    )
    return Result({"paths": paths, "frames": frames}, checks, remark)


@experiment("ch3_toy_quad_good", "Quadratic cost from a good start", draw=draw_neuron)
def toy_quad_good(context: Context) -> Result:
    """One sigmoid neuron learns to turn the input 1 into 0, from w = 0.6, b = 0.9 (section 3.1)."""
    remark = (
        "At epoch 250 the book prints w = -1.21, b = -0.91, where ours round to -1.22 and -0.92; "
        "all other frames agree in every digit."
    )
    return _quadratic(GOOD, QUADRATIC_GOOD, remark)


@experiment("ch3_toy_quad_bad", "Quadratic cost from a bad start", draw=draw_neuron)
def toy_quad_bad(context: Context) -> Result:
    """The same from w = b = 2: for 150 epochs it hardly learns, since sigma'(z) is nearly 0."""
    remark = (
        "The output beside a frame's weights is that of the forward pass before its last step. "
        "At epoch 300 the English edition has 0.20, as it must be; a Chinese printing has 0.21."
    )
    return _quadratic(BAD, QUADRATIC_BAD, remark)


@experiment("ch3_toy_xent_good", "Cross-entropy from a good start", draw=draw_neuron)
def toy_xent_good(context: Context) -> Result:
    """The neuron of `ch3_toy_quad_good` with the cross-entropy cost (eq. 57) for the quadratic."""
    return _entropy(GOOD, ENTROPY_GOOD)


@experiment("ch3_toy_xent_bad", "Cross-entropy from a bad start", draw=draw_neuron)
def toy_xent_bad(context: Context) -> Result:
    """With the cross-entropy cost the badly wrong neuron learns fastest at the start (eq. 61)."""
    return _entropy(BAD, ENTROPY_BAD)
