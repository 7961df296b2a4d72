"""The ball that rolls down a valley: gradient descent in two variables."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, check_close, experiment, plain

START = np.array([0.9, 0.8])
RATES = (0.02, 0.2, 0.9, 1.02)
STEPS = 20


def valley(v: np.ndarray) -> np.ndarray:
    """C = v1^2 + v2^2, the book's picture."""
    return (v**2).sum(axis=-1)


def roll(eta: float, steps: int = STEPS) -> np.ndarray:
    """The ball's places [steps + 1, 2] by v -> v - eta grad C (eq. 11)."""
    path = [START]
    for _ in range(steps):
        path.append(path[-1] - eta * 2 * path[-1])
    return np.array(path)


def draw_cost_bowl(data: dict[str, Any]) -> Figure:
    """The valley with a ball's way down, and the cost over the steps for several rates."""
    drawn = Figure(figsize=(11, 4.4), layout="constrained")
    bowl = drawn.add_subplot(1, 2, 1, projection="3d")
    v1, v2 = np.meshgrid(np.linspace(-1, 1, 21), np.linspace(-1, 1, 21))  # the book's grid of 0.1
    heights = valley(np.stack([v1, v2], axis=-1))
    bowl.plot_wireframe(v1, v2, heights, color="#b0b0b0", lw=0.6)
    path = np.array(data["path"])
    look = style.line(1, marker="o", ms=4)
    bowl.plot(*path.T, valley(path), **look, zorder=5)
    bowl.set(xlabel="v1", ylabel="v2", zlabel="C", title="v -> v - eta grad C, eta = 0.2")
    costs = drawn.add_subplot(1, 2, 2)
    style.tidy(costs)
    for number, (label, curve) in enumerate(data["costs"].items()):
        costs.plot(curve, **style.line(number, label=label, marker=style.MARKS[number], ms=4))
    costs.set(xlabel="step", ylabel="C", yscale="log", xticks=range(0, STEPS + 1, 5))
    style.legend_above(costs, columns=4)
    return drawn


@experiment("ch1_cost_bowl", "A ball rolls down a valley", draw=draw_cost_bowl)
def cost_bowl(context: Context) -> Result:
    """Gradient descent in two variables: small steps go down for certain, too large ones do not.

    On C = v1^2 + v2^2, the picture of the section 'Learning with gradient descent', each step
    multiplies C by (1 - 2 eta)^2.
    """
    paths = {eta: roll(eta) for eta in RATES}
    costs = {f"eta = {eta:g}": plain(valley(path)) for eta, path in paths.items()}
    checks = []
    for eta, path in paths.items():
        factor = float(valley(path[1]) / valley(path[0]))
        label = f"eta = {eta:g}: C after a step over C before"
        checks.append(check_close(label, plain(factor, 6), (1 - 2 * eta) ** 2, within=1e-9))
    falls = bool((np.diff(valley(paths[0.2])) < 0).all())
    checks.append(Check("eta = 0.2: C falls in every step", str(falls), "True", falls))
    return Result({"path": plain(paths[0.2]), "costs": costs}, tuple(checks))
