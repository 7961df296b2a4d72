"""Exercise of section 3.1: softmax with a constant c, from an even share to the largest alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.special import softmax

from zoo.lab.core import style
from zoo.lab.core.experiment import Context, Result, check_expected, experiment, plain

Z = np.array([2.5, -1.0, 3.2, 0.5])
TIED = np.array([2.5, -1.0, 3.2, 3.2])


def draw_softmax_limit(data: dict[str, Any]) -> Figure:
    """The outputs over c, for one largest input and for two."""
    drawn, axes = style.figure(1, 2, sharey=True)
    for each, (title, curves) in zip(axes, data["outputs"].items(), strict=True):
        for number, curve in enumerate(zip(*curves, strict=True)):
            each.plot(data["c"], curve, **style.line(number, label=f"a{number + 1}"))
        each.set(xscale="log", xlabel="c", title=title)
        each.legend(frameon=False, fontsize=9, loc="center left")
    axes[0].set_ylabel("output")
    return drawn


@experiment(
    "ch3_softmax_limit", "Softmax is a soft version of the maximum", draw=draw_softmax_limit
)
def softmax_limit(context: Context) -> Result:
    """a_j = exp(c z_j) / sum_k exp(c z_k): why the function is called softmax.

    As c grows the largest input takes all; inputs that are equal share it; c = 0 shares evenly.
    """
    c = np.geomspace(0.01, 100, 121)
    cases = {"z = 2.5, -1, 3.2, 0.5": Z, "z = 2.5, -1, 3.2, 3.2": TIED}
    outputs = {title: plain([softmax(each * z) for each in c]) for title, z in cases.items()}
    largest, shared = softmax(1000 * Z), softmax(1000 * TIED)
    checks = (
        check_expected("output of the largest z, c = 1000", float(largest.max()), 1, 1e-12),
        check_expected("sum of the others", float(np.sort(largest)[:-1].sum()), 0, 1e-12),
        check_expected("two equal ones: each", float(shared[2]), 0.5, 1e-12),
        check_expected("all, c = 0: each", float(softmax(0 * Z).max()), 0.25, 1e-12),
    )
    return Result({"c": plain(c), "outputs": outputs}, checks)
