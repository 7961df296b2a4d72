"""Exercises of section 3.5: when to stop, and a learning rate that is halved on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import zoo
from zoo.lab.chapter3.epochs import VALIDATION_ACCURACY
from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, check_claim, experiment, plain

WINDOW = 5


def no_improvement(accuracies: Sequence[float], n: int) -> int:
    """The epoch after which the best accuracy is n epochs old; the last one where it never is.

    >>> no_improvement([1, 3, 2, 2, 4], 2)
    3
    """
    best = 0
    for epoch, accuracy in enumerate(accuracies):
        if accuracy > accuracies[best]:
            best = epoch
        elif epoch - best >= n:
            return epoch
    return len(accuracies) - 1


def no_rise(accuracies: Sequence[float], window: int = WINDOW) -> int:
    """The epoch at which the mean of `window` epochs is no higher than that of those before them.

    Means hear less of the noise of single epochs than the best of them does.

    >>> no_rise([1, 2, 3, 4, 4, 3, 5, 6], window=2)
    5
    """
    for epoch in range(2 * window - 1, len(accuracies)):
        recent = accuracies[epoch - window + 1 : epoch + 1]
        before = accuracies[epoch - 2 * window + 1 : epoch - window + 1]
        if sum(recent) <= sum(before):
            return epoch
    return len(accuracies) - 1


RULES = {
    **{f"no improvement in {n}": lambda curve, n=n: no_improvement(curve, n) for n in (3, 10, 20)},
    f"no rise of the mean of {WINDOW}": no_rise,
}


def draw_early_stopping(data: dict[str, Any]) -> Figure:
    """One run's accuracy with the epochs at which each rule stops, and all runs' price and loss."""
    drawn, (curve, points) = style.figure(1, 2, size=(12, 4))
    curve.plot(data["curve"], color="#777777", lw=1)
    for number, (rule, series) in enumerate(data["rules"].items()):
        look = {"color": style.COLORS[number], "ls": style.DASHES[number]}
        curve.axvline(series["epochs"][0], **look, label=rule)
        mark = {"color": style.COLORS[number], "marker": style.MARKS[number], "ls": "none"}
        points.plot(series["epochs"], series["lost"], **mark, label=rule)
    curve.set(xlabel="epoch", ylabel=VALIDATION_ACCURACY, title="one run, seed 0")
    points.set(xlabel="epochs trained", ylabel="points below the best epoch of the run")
    points.set_title("all runs")
    points.legend(frameon=False, fontsize=9)
    return drawn


@experiment("ch3_early_stopping", "Early stopping by two rules", draw=draw_early_stopping)
def early_stopping(context: Context) -> Result:
    """Two exercises of section 3.5: no-improvement-in-n with n as a setting, and another rule.

    Runs are trained to the end, and each rule says afterwards where it would have stopped, and what
    validation accuracy its best epoch until then has. The claim: a larger n never loses more.
    """
    runs, epochs, images = context.choose((10, 100, 50_000), (3, 30, 2_000))
    spec = zoo.get_spec("mlp30").with_settings(
        epochs=epochs, images=images, l2=5.0 * images / 50_000, learning_rate=0.5
    )
    curves = []
    for seed in range(runs):
        history = context.train(spec, seed=seed, monitor={}).history
        curves.append([round(100 * row["val_accuracy"], 2) for row in history])
    drawn: dict[str, dict[str, list[float]]] = {}
    for name, rule in RULES.items():
        stops = [rule(curve) for curve in curves]
        lost = [
            round(max(curve) - max(curve[: stop + 1]), 2)
            for curve, stop in zip(curves, stops, strict=True)
        ]
        drawn[name] = {"epochs": [stop + 1 for stop in stops], "lost": lost}
    mean_lost = {name: float(np.mean(each["lost"])) for name, each in drawn.items()}
    by_n = [value for name, value in mean_lost.items() if "improvement" in name]
    checks = [
        check_claim(
            "points lost by n = 3, 10, 20",
            ", ".join(f"{value:.2f}" for value in by_n),
            "falling or equal",
            by_n == sorted(by_n, reverse=True),
        )
    ]
    for name, each in drawn.items():
        checks.append(Check(f"{name}: epochs, mean", plain(np.mean(each["epochs"]), 3)))
        checks.append(Check(f"{name}: points lost, mean", plain(mean_lost[name], 2)))
    remark = f"{runs} runs of {epochs} epochs with {images:,} images, eta = 0.5."
    return Result({"curve": curves[0], "rules": drawn}, tuple(checks), remark)


# --- the schedule ---------------------------------------------------------------------------------


def draw_schedule(data: dict[str, Any]) -> Figure:
    """Accuracies by both, and the epochs at which the rate was halved."""
    drawn, axes = style.figure(size=(8, 4))
    for number, (label, curve) in enumerate(data["curves"].items()):
        axes.plot(curve, **style.line(number, label=label, lw=1.4))
    for number, epoch in enumerate(data["halved"]):
        axes.axvline(epoch, color="#888888", lw=0.7, label=None if number else "halved")
    axes.set(xlabel="epoch", ylabel=VALIDATION_ACCURACY)
    low = min(min(curve[1:]) for curve in data["curves"].values())
    axes.set_ylim(low, None)
    axes.legend(frameon=False, fontsize=9)
    return drawn


def halvings(accuracies: Sequence[float], patience: int) -> list[int]:
    """The epochs after which the rate is halved: `patience` epochs since the last without a best.

    >>> halvings([1, 2, 2, 2, 3, 3, 3], 2)
    [3, 6]
    """
    found, best, since = [], float("-inf"), 0
    for epoch, accuracy in enumerate(accuracies):
        if accuracy > best:
            best, since = accuracy, 0
        else:
            since += 1
        if since == patience:
            found.append(epoch)
            since = 0
    return found


@experiment("ch3_schedule", "A learning rate that is halved seven times", draw=draw_schedule)
def schedule(context: Context) -> Result:
    """An exercise of section 3.5: halve eta on no-improvement-in-10, and stop at 1/128 of it.

    The constant rate is trained for as many epochs. The claim: the means over the last five epochs,
    of all runs, are higher with the schedule.
    """
    runs, most, images, patience = context.choose((5, 300, 50_000, 10), (2, 60, 2_000, 3))
    recipe = {"images": images, "l2": 5.0 * images / 50_000, "learning_rate": 0.5}
    spec = zoo.get_spec("mlp30").with_settings(
        **recipe, epochs=most, schedule="halve", patience=patience
    )
    last: dict[str, list[float]] = {"halved": [], "constant": []}
    shown: dict[str, Any] = {}
    for seed in range(runs):
        curves = {"halved": _accuracies(context, spec, seed)}
        constant = spec.with_settings(
            schedule="constant", patience=None, epochs=len(curves["halved"])
        )
        curves["constant"] = _accuracies(context, constant, seed)
        for name, curve in curves.items():
            last[name].append(float(np.mean(curve[-5:])))
        shown = shown or {"curves": curves, "halved": halvings(curves["halved"], patience)[:7]}
    means = {name: float(np.mean(values)) for name, values in last.items()}
    checks = (
        check_claim(
            "halved, last five epochs, %",
            plain(means["halved"], 4),
            f"above the constant rate's {means['constant']:.2f}",
            means["halved"] > means["constant"],
        ),
        Check(
            f"of {runs} runs, higher in", sum(np.greater(last["halved"], last["constant"]).tolist())
        ),
        Check("epochs, first run", len(shown["curves"]["halved"])),
    )
    remark = f"{runs} runs with {images:,} images, patience {patience}, at most {most} epochs."
    return Result(shown, checks, remark)


def _accuracies(context: Context, spec: Any, seed: int) -> list[float]:
    history = context.train(spec, seed=seed, monitor={}).history
    return [round(100 * row["val_accuracy"], 2) for row in history]
