"""Perceptrons and sigmoid neurons: what one neuron can do, and how the sigmoid differs."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.special import expit

from zoo.lab.chapter1.gates import perceptron
from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, check_close, experiment, plain


def sigmoid(z: Any) -> Any:
    """1 / (1 + exp(-z)) (eq. 3)."""
    return expit(z)


# --- the decision about the festival --------------------------------------------------------------

FACTORS = ("good weather", "company", "public transit")
WEIGHTS = np.array([6, 2, 2])
THRESHOLDS = (5, 3)


def draw_perceptron_weighing(data: dict[str, Any]) -> Figure:
    """A column a threshold, a row a day: filled where the perceptron says go."""
    drawn, axes = style.figure(size=(6.4, 4.2))
    for row, series in enumerate(data["days"]):
        axes.barh(row, series["sum"], color="#c8d4e0", edgecolor="#1f4e79", height=0.6)
        axes.text(10.6, row, series["answers"], va="center", fontsize=9)
    for number, threshold in enumerate(THRESHOLDS):
        axes.axvline(threshold, **style.line(number, lw=1.4, label=f"threshold {threshold}"))
    axes.set_yticks(range(len(data["days"])), [series["day"] for series in data["days"]])
    axes.invert_yaxis()
    axes.set(xlabel="weighted sum, weights 6, 2 and 2", xlim=(0, 15.5))
    style.legend_above(axes)
    return drawn


@experiment("ch1_perceptron_weighing", "A perceptron weighs evidence",
            draw=draw_perceptron_weighing)  # fmt: skip
def perceptron_weighing(context: Context) -> Result:
    """Whether to go to a festival, by three factors: all eight cases, and two thresholds.

    With threshold 5 the weather alone decides; with 3, company and transit together do as well.
    """
    days = []
    goes: dict[float, list[tuple[tuple[int, ...], int]]] = {each: [] for each in THRESHOLDS}
    for case in itertools.product((1, 0), repeat=3):
        answers = [int(perceptron(np.array(case), WEIGHTS, -t)) for t in THRESHOLDS]
        for threshold, answer in zip(THRESHOLDS, answers, strict=True):
            goes[threshold].append((case, answer))
        named = [name for name, there in zip(FACTORS, case, strict=True) if there]
        label = ", ".join(f"{'go' if a else 'stay'} ({t})" for a, t in
                         zip(answers, THRESHOLDS, strict=True))  # fmt: skip
        day = " + ".join(named) or "nothing"
        days.append({"day": day, "sum": int(np.dot(case, WEIGHTS)), "answers": label})
    # What the book says in words: the weather; the weather, or both others.
    words = {5: lambda w, c, t: w, 3: lambda w, c, t: w or (c and t)}
    checks = []
    for threshold in THRESHOLDS:
        right = sum(answer == words[threshold](*case) for case, answer in goes[threshold])
        what = f"threshold {threshold}: cases of 8 that are as the book says"
        checks.append(Check(what, right, 8, right == 8))
    return Result({"days": days}, tuple(checks))


# --- step and sigmoid -----------------------------------------------------------------------------


def draw_sigmoid_vs_step(data: dict[str, Any]) -> Figure:
    """Both functions over z."""
    drawn, axes = style.figure()
    axes.plot(data["z"], data["sigmoid"], **style.line(0, label="sigmoid, 1 / (1 + exp(-z))"))
    axes.plot(data["z"], data["step"], **style.line(1, label="step: 1 where z > 0"))
    axes.set(xlabel="z = w·x + b", ylabel="output of the neuron")
    style.legend_above(axes)
    return drawn


@experiment("ch1_sigmoid_vs_step", "The sigmoid is a smooth step", draw=draw_sigmoid_vs_step)
def sigmoid_vs_step(context: Context) -> Result:
    """A sigmoid neuron is a perceptron whose output changes a little when its weights do.

    With weights and bias times a large c it is the perceptron, as the section's exercise asks.
    """
    z = np.linspace(-5, 5, 201)
    step = (z > 0).astype(float)
    data = {"z": plain(z), "sigmoid": plain(sigmoid(z)), "step": plain(step)}
    away = np.abs(z) > 0.01
    off = [float(np.abs(sigmoid(c * z) - step)[away].max()) for c in (1, 10, 1000)]
    checks = (
        check_close("sigmoid(0)", float(sigmoid(0.0)), 0.5, within=0),
        check_close(
            "furthest from the step for z off 0, c = 1000", plain(off[-1], 2), 0, within=1e-6
        ),
        Check("the same, c = 10", plain(off[1], 3)),
        Check("the same, c = 1", plain(off[0], 3)),
    )
    return Result(data, checks)


# --- small changes --------------------------------------------------------------------------------

NEURON_W, NEURON_B, NEURON_X = np.array([0.7, -1.2, 0.4]), 0.3, np.array([0.9, 0.2, 0.5])
DIRECTION = np.array([0.5, -0.3, 0.8, 0.2])  # three weights' changes and the bias's


def change(size: float) -> tuple[float, float]:
    """The change of the output for weights and bias changed by `size` x DIRECTION, and eq. 5's."""
    before = sigmoid(NEURON_W @ NEURON_X + NEURON_B)
    w, b = NEURON_W + size * DIRECTION[:3], NEURON_B + size * DIRECTION[3]
    slopes = before * (1 - before) * np.append(NEURON_X, 1.0)  # d output / d w_j, d output / d b
    return float(sigmoid(w @ NEURON_X + b) - before), float(size * slopes @ DIRECTION)


def draw_small_change_linear(data: dict[str, Any]) -> Figure:
    """The change and its approximation, and how far apart they are."""
    drawn, axes = style.figure(1, 2)
    axes[0].plot(data["sizes"], data["true"], **style.line(0, label="change of the output"))
    axes[0].plot(data["sizes"], data["linear"], **style.line(1, label="eq. 5"))
    axes[0].set(xlabel="change of weights and bias", ylabel="change of the output")
    style.legend_above(axes[0])
    axes[1].loglog(data["small"], data["error"], **style.line(0, marker="o"))
    axes[1].set(xlabel="change of weights and bias", ylabel="error of eq. 5")
    return drawn


@experiment("ch1_small_change_linear", "A small change in a weight, a small change in the output",
            draw=draw_small_change_linear)  # fmt: skip
def small_change_linear(context: Context) -> Result:
    """The output of a sigmoid neuron changes, to first order, linearly in the changes (eq. 5).

    The error of that falls with the square of the change.
    """
    sizes, small = np.linspace(-4, 4, 81), np.logspace(-3, 0, 7)
    true, linear = np.transpose([change(size) for size in sizes])
    error = [abs(np.subtract(*change(size))) for size in small]
    order = np.polyfit(np.log(small[:4]), np.log(error[:4]), 1)[0]
    data = {"sizes": plain(sizes), "true": plain(true), "linear": plain(linear)}
    data |= {"small": plain(small), "error": plain(error)}
    return Result(data, (check_close("order of the error", plain(order, 3), 2, within=0.05),))
