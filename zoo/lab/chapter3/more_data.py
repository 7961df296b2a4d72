"""More training data: accuracy against the size of the training set, and a turned digit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from scipy.ndimage import rotate

import zoo
from zoo.lab.chapter3.epochs import TEST_ACCURACY, VALIDATION_ACCURACY, compared, kept, short
from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, check_close, experiment

if TYPE_CHECKING:
    import keras

    from zoo.spec import NetworkSpec

SIZES = (100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
NETWORK = (69.09, 76.37, 85.29, 88.85, 91.27, 93.24, 94.89, 95.85, 95.97)
MACHINE = (25.07, 48.93, 75.13, 83.87, 88.49, 91.46, 92.45, 93.47, 94.48)

# How far our runs scatter, in per cent, for each size.
SCATTER = (0.5,) * 9

# One pass of the largest set; smaller ones are repeated until they are as many.
ROUND = 50_000


def rounds(size: int, count: int) -> Iterator[np.ndarray]:
    """The order in which a network sees `size` images, in `count` rounds of 50,000.

    Epoch follows epoch, each in a new order, without regard to where a round ends.
    """
    generator = np.random.default_rng(0)
    epochs = -(-count * ROUND // size)
    order = np.concatenate([generator.permutation(size) for _ in range(epochs)])
    yield from order[: count * ROUND].reshape(count, ROUND)


def network_accuracies(context: Context) -> list[float]:
    """The network's accuracy in per cent on the validation images, for each size."""
    count = context.choose(30, 3)
    # lambda is 0.0001 times the size, so that lambda / n, which is all a model has of it, is one.
    # The order is that of `rounds`.
    spec = zoo.get_spec("mlp30.l2").with_settings(shuffle=False)
    model = zoo.build(spec, seed=0)
    start, accuracies = model.get_weights(), []
    for size in SIZES:
        model.set_weights(start)
        name = f"more_data-{spec.hash[:12]}-{size}-{count}x{ROUND}"
        measure = partial(_trained_on, context, spec, model, size, count)
        accuracies.append(kept(context, name, measure))
        context.say(f"{size:,} images: {accuracies[-1]} %")
    return accuracies


def _trained_on(
    context: Context, spec: NetworkSpec, model: keras.Model, size: int, count: int
) -> float:
    from zoo.training.fit import fit
    from zoo.training.job import TrainingJob

    data = context.data
    for number, order in enumerate(rounds(size, count)):
        # Every round is an epoch of the recipe, which the smaller sets go through many times.
        seen = zoo.Split(data.train.images[order], data.train.labels[order])
        job = TrainingJob(spec, 0, seen, data.validation, "", None, {}, [], {}, progress=False)
        fit(model, job, number, until=number + 1, validate=False)
    return round(100 * zoo.evaluate(model, data.validation).accuracy, 2)


def machine_accuracy(context: Context, size: int) -> float:
    """The same for a support vector machine with the defaults that scikit-learn once had."""
    from zoo.evaluation.baselines import svm

    def measure() -> float:
        data = replace(context.data.take(size), test=context.data.validation)
        return round(100 * svm(data).score.accuracy, 2)

    context.say(f"support vector machine, {size:,} images")
    return kept(context, f"more_data-svm-{size}", measure)


def draw_sizes(data: dict[str, Any]) -> Figure:
    """Accuracy against the size of the training set, on a linear and a logarithmic axis."""
    drawn, axes = style.figure(1, 2, sharey=True)
    for each, scale in zip(axes, ("linear", "log"), strict=True):
        for number, series in enumerate(data["curves"]):
            mark = {"marker": style.MARKS[number], "ms": 5}
            x = SIZES[: len(series["ours"])]
            each.plot(x, series["ours"], **style.line(number, label=series["label"], **mark))
            book = {**style.BOOK, "label": None if number else "the book"}
            each.plot(SIZES, series["book"], **book)
        each.set(xscale=scale, xlabel=f"training images ({scale} axis)")
    axes[0].set(ylabel=VALIDATION_ACCURACY, xticks=range(0, 50_001, 10_000))
    axes[0].xaxis.set_major_formatter("{x:,.0f}")
    axes[1].legend(frameon=False, fontsize=9, loc="lower right")
    return drawn


def _network_curve(context: Context) -> dict[str, Any]:
    return {"label": "784-30-10", "ours": network_accuracies(context), "book": NETWORK}


@experiment("ch3_more_data_nn", "Accuracy against the size of the training set", draw=draw_sizes)
def more_data_nn(context: Context) -> Result:
    """The more training images the better, and the curve still rises at its end (section 3.2).

    784-30-10, eta 0.5, lambda 0.0001 times the size. Every network sees 1,500,000 images, however
    often that repeats them.
    """
    curve = _network_curve(context)
    checks = tuple(
        compared(context, f"accuracy with {size:,} images, %", ours, book, within)
        for size, ours, book, within in zip(SIZES, curve["ours"], NETWORK, SCATTER, strict=True)
    )
    remark = "Every network sees 150,000 images, a tenth of the book's." if context.fast else ""
    return Result({"curves": [curve]}, checks, remark)


@experiment("ch3_more_data_svm", "The same beside a support vector machine", draw=draw_sizes)
def more_data_svm(context: Context) -> Result:
    """With 50,000 images a support vector machine beats the network with 5,000 (section 3.2).

    So it matters which data an algorithm was given, when two of them are compared.
    """
    sizes = SIZES[: context.choose(len(SIZES), 5)]
    ours = [machine_accuracy(context, size) for size in sizes]
    # Nothing here is drawn by chance: but for the last digits of arithmetic it is the same machine.
    checks = [
        check_close(f"accuracy with {size:,} images, %", accuracy, book, within=0.05)
        for size, accuracy, book in zip(sizes, ours, MACHINE, strict=False)
    ]
    network = _network_curve(context)
    if not context.fast:
        lead = ours[-1] - network["ours"][SIZES.index(5_000)]
        what = "lead of the machine with 50,000 over the network with 5,000, %"
        checks.append(Check(what, round(lead, 2), 1.24, lead > 0))
    machine = {"label": "support vector machine", "ours": ours, "book": MACHINE}
    remark = "The machine learns from at most 2,000 images." if context.fast else ""
    return Result({"curves": [network, machine]}, tuple(checks), remark)


# --- a turned digit -------------------------------------------------------------------------------

ANGLES = (-45, -30, -15, 0, 15, 30, 45)


def turned(images: np.ndarray, angle: float) -> np.ndarray:
    """Images [n, 28, 28, 1] turned counter-clockwise by so many degrees about their centre."""
    return rotate(images, angle, axes=(2, 1), reshape=False, order=1)


def draw_rotation_demo(data: dict[str, Any]) -> Figure:
    """The digit as it is and turned, and how well turned digits are classified."""
    drawn, axes = style.figure(1, 3, size=(10, 3.4), width_ratios=(1, 1, 1.6))
    style.show_images(axes[:2], data["images"], ("a training image", "turned by 15 degrees"))
    axes[2].plot(ANGLES, data["accuracies"], **style.line(0, marker="o"))
    axes[2].set(xlabel="turned counter-clockwise by (degrees)", ylabel=TEST_ACCURACY, xticks=ANGLES)
    return drawn


@experiment("ch3_rotation_demo", "A digit turned by 15 degrees", draw=draw_rotation_demo)
def rotation_demo(context: Context) -> Result:
    """A turned 5 is still a 5, but other pixels: new training data for nothing (section 3.2).

    What the book does not show: how much worse a network trained on upright digits does on turned
    ones.
    """
    data = context.data
    five = data.train.images[:1]
    model = context.train(short(context, "mlp30")).model
    test = data.test.take(context.choose(10_000, 2_000))
    scores = [
        zoo.evaluate(model, zoo.Split(turned(test.images, angle), test.labels)).accuracy
        for angle in ANGLES
    ]
    accuracies = [round(100 * score, 2) for score in scores]
    images = [image[0, :, :, 0].tolist() for image in (five, turned(five, 15))]
    upright, at_15 = accuracies[ANGLES.index(0)], accuracies[ANGLES.index(15)]
    checks = (
        Check("label of the image", int(data.train.labels[0])),
        Check("accuracy on upright test images, %", upright),
        Check("accuracy on test images turned by 15 degrees, %", at_15),
    )
    remark = "5 epochs of training, 2,000 of the test images." if context.fast else ""
    return Result({"images": images, "accuracies": accuracies}, checks, remark)
