"""Why a simpler explanation may be the better one: a polynomial through every point, and a line."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.polynomial import Polynomial

from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, check_close, experiment, plain

POINTS, NOISE = 10, 0.5
LEFT, RIGHT = 0.5, 5.0


def noisy_line(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Ten points of y = 2x, each y moved by normal noise."""
    x = np.linspace(LEFT, RIGHT, POINTS)
    return x, 2 * x + NOISE * np.random.default_rng(seed).standard_normal(POINTS)


def draw_polyfit(data: dict[str, Any]) -> Figure:
    """Both models through the points, and beyond them."""
    drawn, axes = style.figure()
    for number, (label, curve) in enumerate(data["models"].items()):
        axes.plot(data["x"], curve, **style.line(number, label=label))
    axes.plot(*data["points"], "o", color="#111111", ms=5, label="the data: 2x and noise")
    axes.set(xlabel="x", ylabel="y", ylim=(-4, 16))
    axes.legend(frameon=False, fontsize=9)
    return drawn


@experiment("ch3_polyfit", "Ten points: a ninth-degree polynomial or a line", draw=draw_polyfit)
def polyfit(context: Context) -> Result:
    """A polynomial of degree nine passes through ten points, and knows nothing of others.

    The line y = 2x misses each of them a little (section 3.2, "Why does regularization help?").
    """
    x, y = noisy_line()
    exact, line = Polynomial.fit(x, y, POINTS - 1), Polynomial.fit(x, y, 1)
    further = np.linspace(LEFT - 0.3, RIGHT + 0.3, 200)
    beyond = RIGHT + 1
    models = {"degree 9": exact(further), "degree 1": line(further)}
    data = {
        "x": plain(further),
        "points": [plain(x), plain(y)],
        "models": {label: plain(curve) for label, curve in models.items()},
    }
    # The slope of a fitted line scatters by noise / sqrt(sum (x - mean)^2); twice that, 95 in 100.
    scatter = NOISE / np.sqrt(np.sum((x - x.mean()) ** 2))
    checks = (
        check_close(
            "degree 9: largest miss of a point", plain(np.abs(exact(x) - y).max()), 0, 1e-6
        ),
        Check("degree 1: largest miss of a point", plain(np.abs(line(x) - y).max(), 3)),
        check_close("slope of the line", plain(line.deriv()(0), 3), 2, within=2 * scatter),
        Check("degree 9 at x = 6, where 2x = 12", plain(exact(beyond), 3)),
        Check("degree 1 at x = 6, where 2x = 12", plain(line(beyond), 3)),
    )
    return Result(data, checks, "The book draws points without telling them: these are ours.")
