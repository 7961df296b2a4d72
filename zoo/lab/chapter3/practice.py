"""Exercises of chapter 3: mini-batches by the clock, and rotations that go too far."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.ndimage import rotate

import zoo
from zoo.lab.chapter3.epochs import TEST_ACCURACY, VALIDATION_ACCURACY
from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, check_claim, experiment, plain

SIZES = (1, 5, 10, 20, 50, 100, 500)


def draw_mini_batch(data: dict[str, Any]) -> Figure:
    """Validation accuracy over seconds of training, and over images seen."""
    drawn, axes = style.figure(1, 2, size=(12, 4), sharey=True)
    for number, (size, series) in enumerate(data["runs"].items()):
        look = style.line(number, label=f"m = {size}, eta = {series['eta']:g}", lw=1.4)
        look["color"] = style.COLORS[number % len(style.COLORS)]
        axes[0].plot(
            series["seconds"], series["accuracy"], **look, marker=style.MARKS[number % 6], ms=3
        )
        axes[1].plot(series["accuracy"], **look)
    axes[0].set(xscale="log", xlabel="seconds of training", ylabel=VALIDATION_ACCURACY)
    axes[1].set(xlabel="epoch")
    axes[1].legend(frameon=False, fontsize=9)
    low = data["level"] - 6
    axes[0].set_ylim(max(low, 0), None)
    axes[0].axhline(data["level"], color="#888888", lw=0.7)
    return drawn


@experiment("ch3_mini_batch", "Mini-batch sizes by the clock", draw=draw_mini_batch)
def mini_batch(context: Context) -> Result:
    """Section 3.5: plot validation accuracy against real time, and take what rises fastest.

    eta grows with the mini-batch, as eq. 102 suggests, up to 1. Timed are epochs with the
    10,000 validation images, after a first one that compiles; the machine and what else it does
    decide about the seconds.
    """
    images, epochs, level = context.choose((50_000, 30, 96.0), (5_000, 6, 85.0))
    sizes = context.choose(SIZES, (1, 10, 100))
    runs, reached = {}, {}
    for size in sizes:
        eta = min(0.01 * size, 1.0)
        spec = zoo.get_spec("mlp30").with_settings(
            batch_size=size, learning_rate=eta, epochs=epochs, images=images,
            l2=5.0 * images / 50_000,
        )  # fmt: skip
        history = context.train(spec, monitor={}).history
        accuracy = [round(100 * row["val_accuracy"], 2) for row in history]
        # The first epoch's seconds are mostly the compiler's: it is given those of the second.
        each = [row["seconds"] for row in history]
        each[0] = each[1]
        seconds = np.cumsum(each)
        runs[str(size)] = {"eta": eta, "seconds": plain(seconds, 3), "accuracy": accuracy}
        over = [second for second, value in zip(seconds, accuracy, strict=True) if value >= level]
        reached[size] = over[0] if over else None
    checks = [
        Check(f"m = {size}: seconds to {level:g} %", plain(seconds, 3) if seconds else "never")
        for size, seconds in reached.items()
    ]
    remark = "Seconds are of this machine, and nothing is judged by them."
    return Result({"runs": runs, "level": level}, tuple(checks), remark)


# --- rotations ------------------------------------------------------------------------------------

ANGLES = (0, 15, 30, 45, 90, 180)


def randomly_turned(images: np.ndarray, most: float, seed: int = 0) -> np.ndarray:
    """Each image [28, 28, 1] turned by an angle of its own, of up to `most` degrees."""
    angles = np.random.default_rng(seed).uniform(-most, most, len(images))
    return np.stack(
        [
            rotate(image, angle, axes=(1, 0), reshape=False, order=1)
            for image, angle in zip(images, angles, strict=True)
        ]
    )


def draw_rotations(data: dict[str, Any]) -> Figure:
    """Test accuracy, and errors between 6 and 9, over the largest angle."""
    drawn, axes = style.figure(1, 2, size=(11, 3.8))
    for each, what, label in (
        (axes[0], "accuracy", TEST_ACCURACY),
        (axes[1], "confused", "6 taken for 9, or 9 for 6 (% of both)"),
    ):
        values = np.array(data[what])
        each.plot(data["angles"], values.mean(axis=1), **style.line(0, label="mean"))
        for angle, row in zip(data["angles"], values, strict=True):
            each.plot([angle] * len(row), row, "x", color=style.COLORS[1])
        each.set(xlabel="training images also turned by up to (degrees)", ylabel=label)
        each.set_xticks(data["angles"])
    return drawn


def _turned_runs(
    context: Context, most: float, images: int, seeds: int
) -> tuple[list[float], list[float]]:
    """Accuracy on upright test images, and 6 and 9 taken for each other, in per cent by seed."""
    data = context.data
    upright, test = data.train.take(images), data.test
    turned = randomly_turned(upright.images, most) if most else upright.images
    both = zoo.Split(np.concatenate([upright.images, turned]), np.tile(upright.labels, 2))
    spec = zoo.get_spec("mlp100").with_settings(
        epochs=context.choose(20, 8), learning_rate=0.2, images=2 * images, l2=images / 5_000
    )
    widened = zoo.Data("turned", both, data.validation, test)
    results = [context.train(spec, data=widened, seed=seed, monitor={}) for seed in range(seeds)]
    predictions = [zoo.predict(result.model, test).predicted for result in results]
    sixes = np.isin(test.labels, (6, 9))
    return [round(100 * float(np.mean(each == test.labels)), 2) for each in predictions], [
        round(100 * float(np.mean(each[sixes] == 15 - test.labels[sixes])), 3)
        for each in predictions
    ]


@experiment("ch3_rotations_too_large", "Rotations that are too large", draw=draw_rotations)
def rotations_too_large(context: Context) -> Result:
    """An exercise of section 3.2: what goes wrong where training images are turned by any angle.

    Each network sees every image twice, upright and turned. The claims: upright test images are
    read worse after turns of up to 180 degrees than after turns of up to 15, and a 6 and a 9 are
    then taken for each other more often.
    """
    images, seeds = context.choose((20_000, 5), (2_000, 2))
    angles = context.choose(ANGLES, (0, 15, 180))
    accuracy, confused = [], []
    for most in angles:
        context.say(f"turned by up to {most} degrees")
        right, swapped = _turned_runs(context, most, images, seeds)
        accuracy.append(right)
        confused.append(swapped)
    few, many = angles.index(15), len(angles) - 1
    checks = (
        check_claim(
            "accuracy, turned by up to 180 degrees, %",
            plain(np.mean(accuracy[many]), 4),
            f"below {np.mean(accuracy[few]):.2f}, that of 15 degrees",
            np.mean(accuracy[many]) < np.mean(accuracy[few]),
        ),
        check_claim(
            "6 and 9 taken for each other, %",
            plain(np.mean(confused[many]), 3),
            f"above {np.mean(confused[few]):.2f}",
            np.mean(confused[many]) > np.mean(confused[few]),
        ),
        Check("accuracy, not turned, %", plain(np.mean(accuracy[0]), 4)),
    )
    remark = f"784-100-10, {images:,} images, each twice; {seeds} seeds."
    found = {"angles": list(angles), "accuracy": accuracy, "confused": confused}
    return Result(found, checks, remark)
