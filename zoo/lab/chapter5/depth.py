"""Deeper networks of sigmoids by the recipe of chapter 3: more layers do not make them better."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

import zoo
from zoo.lab.core import style
from zoo.lab.core.experiment import (
    Check,
    Context,
    Experiment,
    Result,
    check_close,
    experiment,
    plain,
)

# Runs of one of these networks that differ in their seed alone have a best validation accuracy
# with a standard deviation of 0.15 points (five runs of each of the four, pooled). So the mean of
# five runs and the book's one run lie within 1.96 x 0.15 x sqrt(1 + 1/5) in 95 cases of 100.
NOISE = 0.33


def draw_depth(data: dict[str, Any]) -> Figure:
    """Validation accuracy after each epoch, a line a run."""
    drawn, axes = style.figure()
    for number, run in enumerate(data["percent"]):
        epochs = range(1, len(run) + 1)
        axes.plot(epochs, run, **style.line(number, marker=".", label=f"seed {number}"))
    axes.axhline(data["book"], color="#111111", lw=1, label=f"the book, {data['book']:.2f} %")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="epoch", ylabel="validation images correct (%)", title=data["layers"])
    axes.legend(frameon=False, loc="lower right", fontsize=8)
    return drawn


def _depth(hidden: int, name: str, book: float) -> Experiment:
    def measure(context: Context) -> Result:
        spec = zoo.get_spec(name).with_settings(epochs=context.choose(30, 5))
        runs = [context.train(spec, seed=seed) for seed in range(context.choose(5, 1))]
        percent = [[100 * row["val_accuracy"] for row in run.history] for run in runs]
        layers = "-".join(["784", *["30"] * hidden, "10"])
        data = {"percent": plain(percent), "book": book, "layers": layers}
        return Result(data, *_judged(percent, book, context.fast))

    what = "hidden layer" if hidden == 1 else "hidden layers"
    measure.__doc__ = (
        f"Validation accuracy of a network with {hidden} {what} of 30 sigmoids (section 'The "
        "vanishing gradient problem'): a second layer helps, a third and a fourth do not."
    )
    return experiment(f"ch5_depth{hidden}", f"{hidden} {what} of 30", draw=draw_depth)(measure)


def _judged(percent: list[list[float]], book: float, fast: bool) -> tuple[tuple[Check, ...], str]:
    best = plain(np.mean([max(run) for run in percent]), 4)
    if fast:
        remark = (
            "Fast form: one run of 5 epochs, so nothing is compared. The full form trains five "
            "networks for the book's 30 epochs."
        )
        return (Check("validation, best of 5 epochs (%)", best, book),), remark
    remark = (
        "The book does not say whether its figure is of the best epoch or the last; ours are of "
        f"the best. Seeds alone make runs differ, which the {NOISE} points allow for."
    )
    return (
        check_close("validation, mean of the best epochs (%)", best, book, within=NOISE),
    ), remark


depth1 = _depth(1, "mlp30", 96.48)
depth2 = _depth(2, "mlp30x2", 96.90)
depth3 = _depth(3, "mlp30x3", 96.57)
depth4 = _depth(4, "mlp30x4", 96.53)
