"""Weight initialization: weights of deviation 1 saturate neurons, smaller ones do not."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import norm

from zoo.lab.chapter3.epochs import (
    VALIDATION_ACCURACY,
    compared,
    draw_panels,
    first_and_last,
    left_out,
    panel,
    short,
    spread,
    validated,
)
from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, check_close, experiment, plain

INPUTS, ON = 1_000, 500

NEW, OLD = "weights N(0, 1/sqrt(n))", "weights N(0, 1)"


def exact_deviation(kind: str) -> float:
    """Of z = sum w x + b, where 500 of 1,000 inputs are 1 and the others 0."""
    from zoo.nn.initializers import bias_deviation, kernel_deviation

    weight = kernel_deviation(kind, fan_in=INPUTS, fan_out=1)
    return float(np.sqrt(ON * weight**2 + bias_deviation(kind) ** 2))


def sampled(kind: str, count: int) -> np.ndarray:
    """z for so many neurons with weights of their own."""
    from zoo.nn.initializers import bias_deviation, kernel_deviation

    generator = np.random.default_rng(0)
    inputs = np.repeat([1.0, 0.0], [ON, INPUTS - ON])
    weight, bias = kernel_deviation(kind, fan_in=INPUTS, fan_out=1), bias_deviation(kind)
    # In rounds, since a million neurons of a thousand weights do not fit into memory.
    return np.concatenate(
        [
            weight * generator.standard_normal((1_000, INPUTS)) @ inputs
            + bias * generator.standard_normal(1_000)
            for _ in range(count // 1_000)
        ]
    )


def draw_init_z_distribution(data: dict[str, Any]) -> Figure:
    """Both densities, on axes of their own and of one width."""
    drawn, axes = style.figure(1, 2)
    for each, series in zip(axes, data["kinds"], strict=True):
        edges = series["edges"]
        each.stairs(series["density"], edges, fill=True, color="#c8d4e0", label="sampled")
        z = np.linspace(edges[0], edges[-1], 601)
        density = norm.pdf(z, scale=series["deviation"])
        each.plot(z, density, **style.line(0, label="exact"))
        each.set(xlabel="weighted input z", ylabel="density", title=series["label"])
        each.legend(frameon=False, fontsize=9)
    return drawn


@experiment(
    "ch3_init_z_distribution", "The weighted input of a neuron", draw=draw_init_z_distribution
)
def init_z_distribution(context: Context) -> Result:
    """With 500 of 1,000 inputs on and weights of deviation 1, |z| is mostly far above 1.

    Then the neuron is saturated and learns slowly; with weights of deviation 1/sqrt(1000) it is not
    (section 3.3).
    """
    count = context.choose(100_000, 10_000)
    kinds, checks = [], []
    for kind, label, book, width in (
        ("unit_normal", OLD, 501, 3),
        ("lecun_normal", NEW, 3 / 2, 0.25),
    ):
        z, exact = sampled(kind, count), exact_deviation(kind)
        edges = np.arange(-72, 72.1, width)
        density, _ = np.histogram(z, edges, density=True)
        record = {"edges": plain(edges), "density": plain(density), "deviation": plain(exact)}
        kinds.append({"label": label, **record})
        # A deviation sampled n times scatters by 1/sqrt(2n) of itself; thrice that.
        book = plain(np.sqrt(book))
        within = 3 * book / np.sqrt(2 * count)
        checks += [
            check_close(f"deviation of z, {label}", plain(exact), book, within=1e-4),
            check_close("the same, sampled", plain(z.std()), book, within=within),
            Check("share of neurons with |z| > 4, %", plain(100 * np.mean(np.abs(z) > 4), 3)),
        ]
    return Result({"kinds": kinds}, tuple(checks))


# Accuracy after the first epoch and after the last, and how far our runs scatter in each.
# Of 18 runs with N(0, 1), ten of them by a program in NumPy that shares no line with ours, the
# first epochs lie at 87.3, give or take 0.34.
BOOK_30 = {OLD: (86.43, 96.37, 0.34, 0.2), NEW: (92.70, 96.50, 0.08, 0.2)}
BOOK_100 = {OLD: (89.94, 97.42, 0.31, 0.1), NEW: (92.95, 97.81, 0.26, 0.1)}


@experiment("ch3_init_30h", "Two initializations, 30 hidden neurons", draw=draw_panels)
def init_30h(context: Context) -> Result:
    """Smaller initial weights start well and get to the end sooner, not much higher (3.3)."""
    new = validated(context, short(context, "mlp30"))
    old = validated(context, short(context, "mlp30", initializer="unit_normal"))
    return _compared(context, old, new, BOOK_30)


@experiment("ch3_init_100h", "Two initializations, 100 hidden neurons", draw=draw_panels)
def init_100h(context: Context) -> Result:
    """The same with 100 hidden neurons (section 3.3)."""
    new = validated(context, short(context, "mlp100", initializer="lecun_normal", epochs=30))
    # These are the first epochs of the run of `ch3_l2_100h_60ep`.
    old = validated(context, short(context, "mlp100"))[:30]
    return _compared(context, old, new, BOOK_100)


def _compared(context: Context, old: list[float], new: list[float], book: dict) -> Result:
    checks = []
    for label, curve in ((OLD, old), (NEW, new)):
        first, last, scatter_first, scatter_last = book[label]
        # Both forms are alike in their first epoch; the end is the headline.
        checks += [
            compared(context, f"{label}, last epoch, %", curve[-1], last, spread(scatter_last)),
            check_close(f"{label}, first epoch, %", curve[0], first, within=spread(scatter_first)),
        ]
    marks = first_and_last(book.values())
    data = {"panels": [panel(VALIDATION_ACCURACY, {OLD: old, NEW: new}, marks=marks)]}
    return Result(data, tuple(checks), left_out(context))
