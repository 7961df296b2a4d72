"""One input: neurons as steps, steps as bumps."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import brentq

from zoo.lab.chapter4.construction import (
    X,
    bumps,
    centres,
    compute,
    equal_parts,
    neuron,
    step_net,
)
from zoo.lab.chapter4.drawing import draw_panels
from zoo.lab.core import style
from zoo.lab.core.experiment import Context, Result, check_close, check_expected, experiment, plain


def step_position(w: float, b: float) -> float:
    """Where the neuron's output is one half, found from the output alone."""
    net = neuron(w, b)
    return float(brentq(lambda x: compute(net, [x])[0] - 0.5, 0, 1))


def draw_step_1d(data: dict[str, Any]) -> Figure:
    """The output for each (w, b)."""
    drawn, axes = style.figure(1, 2, sharey=True)
    for number, (name, y) in enumerate(data["curves"].items()):
        axes[0].plot(data["x"], y, **style.line(number, label=name))
    axes[1].plot(data["x"], data["extreme"], **style.line(0))
    axes[1].axvline(0.4, color="#777777", lw=1, ls=":")
    axes[0].legend(frameon=False, fontsize=8, loc="center right")
    axes[0].set(xlabel="input x", ylabel="output of the neuron", title="four settings (w, b)")
    axes[1].set(xlabel="input x", title="(999, -400): a step near 0.4 (dotted)")
    return drawn


@experiment("ch4_step_1d", "A steep sigmoid is a step", draw=draw_step_1d)
def step_1d(context: Context) -> Result:
    """The bias of a neuron shifts its output along x, the weight makes it steeper, until it steps.

    The settings are those of the book's interactive figure at the start of "Universality with one
    input and one output".
    """
    settings = ((8, -4), (8, 4), (3, 4), (105, -4))
    curves = {f"({w}, {b})": plain(compute(neuron(w, b), X)) for w, b in settings}
    data = {"x": plain(X), "curves": curves, "extreme": plain(compute(neuron(999, -400), X))}
    # "Near 0.4" names one digit.
    return Result(
        data, (check_close("step for w = 999, b = -400", step_position(999, -400), 0.4, 0.05),)
    )


def draw_step_position(data: dict[str, Any]) -> Figure:
    """Where the step was found, over -b/w."""
    drawn, axes = style.figure()
    for number, (w, points) in enumerate(data["found"].items()):
        expected, found = np.transpose(points)
        # Hollow, and one within the other, since they fall on the same places.
        look = {**style.line(number, label=f"w = {w}"), "ls": "none", "mfc": "none", "mew": 1.3}
        axes.plot(expected, found, marker=style.MARKS[number], ms=15 - 5 * number, **look)
    axes.plot([0, 1], [0, 1], color="#777777", lw=1, label="s = -b/w")
    axes.set(xlabel="-b/w", ylabel="x where the output is 1/2")
    axes.legend(frameon=False)
    return drawn


@experiment("ch4_step_position", "The step is at s = -b/w", draw=draw_step_position)
def positions_of_steps(context: Context) -> Result:
    """The step stands at s = -b/w: one number s does in place of weight and bias."""
    share = (0.1, 0.2, 0.4, 0.6, 0.8, 0.9)
    found = {w: [[s, plain(step_position(w, -w * s))] for s in share] for w in (10, 100, 1000)}
    checks = (
        check_close("step for w = 100, b = -40", step_position(100, -40), 0.40, within=0.005),
        check_close("step for w = 1000, b = -200", step_position(1000, -200), 0.2, within=0.005),
    )
    return Result({"found": found}, checks)


@experiment("ch4_two_steps", "The weighted sum of two steps", draw=draw_panels)
def two_steps(context: Context) -> Result:
    """Two hidden neurons step at s1 and s2; the weighted sum w1 a1 + w2 a2 has both steps."""
    panels = []
    for s1, s2, w1, w2 in ((0.4, 0.6, 0.6, 1.2), (0.7, 0.6, 0.6, 1.2), (0.4, 0.6, 0.6, 0.0)):
        y = compute(step_net([s1, s2], [w1, w2]), X)
        title = f"s = ({s1}, {s2}), w = ({w1}, {w2})"
        panels.append({"title": title, "ylabel": "w1 a1 + w2 a2", "curves": {"": plain(y)}})
    between, after = compute(step_net([0.4, 0.6], [0.6, 1.2]), [0.5, 0.9])
    checks = (
        check_close("sum between the steps of w = (0.6, 1.2)", float(between), 0.6, within=0.05),
        check_close("sum after both steps", float(after), 1.8, within=0.05),
    )
    return Result({"x": plain(X), "panels": panels}, checks)


@experiment("ch4_bump", "Two steps make a bump", draw=draw_panels)
def bump(context: Context) -> Result:
    """With weights h and -h the two steps make a bump of height h; the book takes h = 0.8."""
    curves = {}
    for h in (0.8, 0.6, -0.5):
        net = step_net(*bumps([[0.4, 0.6]], [h]))
        curves[f"h = {h}"] = plain(compute(net, X))
    net = step_net(*bumps([[0.4, 0.6]], [0.8]))
    top, outside = compute(net, [0.5, 0.8])
    panel = {"title": "steps at 0.4 and 0.6", "ylabel": "h a1 - h a2", "curves": curves}
    checks = (
        check_close("height of the bump of weights 0.8 and -0.8", float(top), 0.8, within=0.05),
        check_expected("sum beside the bump", float(outside), 0, within=0.05),
    )
    return Result({"x": plain(X), "panels": [panel]}, checks)


def if_then_else(x: float, s: float, weight: float) -> float:
    """The book's reading of a hidden neuron, as a program."""
    if x >= s:
        return weight
    return 0.0


@experiment("ch4_if_then_else", "A neuron as if-then-else", draw=draw_panels)
def neuron_as_program(context: Context) -> Result:
    """A step neuron is the statement "if input >= step: add its weight to the output, else 0".

    The same sum is computed by a net and by a program of two such statements.
    """
    heights, positions = [0.8, -0.8], [0.4, 0.6]
    net = compute(step_net(positions, heights), X)
    pairs = list(zip(positions, heights, strict=True))
    program = np.array([sum(if_then_else(x, s, h) for s, h in pairs) for x in X])
    away = np.min(np.abs(X[:, None] - positions), axis=1) > 0.01
    panel = {
        "title": "a pair of neurons, and the program",
        "ylabel": "weighted output",
        "curves": {"net, w = 1000": plain(net), "program": plain(program)},
    }
    largest = float(np.abs(net - program)[away].max())
    # sigmoid(-10) = 5e-5 is what w = 1000 leaves of a step 0.01 away from it.
    check = check_expected("largest difference more than 0.01 from a step", largest, 0, within=1e-4)
    return Result({"x": plain(X), "panels": [panel]}, (check,))


@experiment("ch4_two_bumps", "Two bumps from two pairs", draw=draw_panels)
def two_bumps(context: Context) -> Result:
    """Two pairs of hidden neurons make two bumps, each of its own height, in one output."""
    heights, tops = (-1.2, 0.3), (0.5, 0.8)
    net = step_net(*bumps([[0.4, 0.6], [0.7, 0.9]], heights))
    y = plain(compute(net, X))
    panel = {"title": "h = -1.2 and h = 0.3", "ylabel": "weighted output", "curves": {"": y}}
    checks = tuple(
        check_close(f"height of the bump around {x}", float(compute(net, [x])[0]), h, within=0.05)
        for x, h in zip(tops, heights, strict=True)
    )
    return Result({"x": plain(X), "panels": [panel]}, checks)


@experiment("ch4_N_bumps", "Five bumps side by side", draw=draw_panels)
def five_bumps(context: Context) -> Result:
    """Step points 0, 1/5, 2/5, 3/5, 4/5, 1 make five bumps side by side, of any heights h1 to h5.

    Finer parts of [0, 1] give as many bumps as one wants.
    """
    heights = np.array([-1.3, -1.8, -0.5, -0.9, 0.3])
    panels = []
    for wanted in (heights, 1.5 * np.sin(2 * np.pi * centres(20))):
        count = len(wanted)
        net = step_net(*bumps(equal_parts(count), wanted))
        curves = {"": plain(compute(net, X))}
        panels.append({"title": f"N = {count}", "ylabel": "weighted output", "curves": curves})
    found = compute(step_net(*bumps(equal_parts(5), heights)), centres(5))
    worst = float(np.abs(found - heights).max())
    check = check_expected("largest difference of plateau and height, N = 5", worst, 0, within=0.05)
    return Result({"x": plain(X), "panels": panels}, (check,))
