"""Two problems on regularization: L1 beside L2, and what L2 makes of large initial weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

import zoo
from zoo.lab.chapter3.epochs import short
from zoo.lab.core import style
from zoo.lab.core.experiment import (
    Check,
    Context,
    Result,
    check_claim,
    check_expected,
    experiment,
    plain,
)

if TYPE_CHECKING:
    from zoo.spec import NetworkSpec

# lambda for 50,000 images, in steps of about three.
LAMBDAS = {"l1": (0.3, 1.0, 3.0, 10.0), "l2": (0.5, 1.5, 5.0, 15.0)}
SMALL = 0.01  # a weight that is as good as none


def draw_l1_l2(data: dict[str, Any]) -> Figure:
    """Accuracies over lambda, and how the weights of the first layer are spread."""
    drawn, (scores, weights) = style.figure(1, 2, size=(11, 4))
    for number, (kind, series) in enumerate(data["scores"].items()):
        mean = [np.mean(row) for row in series["test"]]
        scores.plot(
            series["lambda"], mean, marker=style.MARKS[number], **style.line(number, label=kind)
        )
        for x, row in zip(series["lambda"], series["test"], strict=True):
            scores.plot([x] * len(row), row, ".", color=style.COLORS[number], ms=4)
    scores.axhline(np.mean(data["plain"]), **style.line(2, label="neither"))
    for number, (kind, density) in enumerate(data["weights"].items()):
        weights.stairs(density, data["edges"], **style.line(number, label=kind))
    scores.set(xscale="log", xlabel="lambda", ylabel="accuracy on the test images, last epoch (%)")
    weights.set(xlabel="weight of the first layer", ylabel="share", yscale="log")
    for each in (scores, weights):
        each.legend(frameon=False, fontsize=9)
    return drawn


def _runs(context: Context, seeds: int, **settings: Any) -> tuple[list[float], list[float], Any]:
    """Validation and test accuracy of the last epoch for each seed, and the last model."""
    images = settings.pop("images", context.choose(50_000, 5_000))
    # lambda / n stays what it is with all images.
    scaled = {key: value * images / 50_000 for key, value in settings.items()}
    # Initial weights of 1/sqrt(n): from N(0, 1) most of 30 epochs go to shrinking them.
    spec: NetworkSpec = short(context, "mlp30", **{"l2": 0.0, **scaled}, images=images)
    results = [context.train(spec, seed=seed) for seed in range(seeds)]
    last = [result.history[-1] for result in results]
    accuracies = ([round(100 * row[f"{on}_accuracy"], 2) for row in last] for on in ("val", "test"))
    return *accuracies, results[-1].model


@experiment("ch3_l1_l2", "L1 beside L2 regularization", draw=draw_l1_l2)
def l1_l2(context: Context) -> Result:
    """A problem of section 3.4: put L1 into the program, and find a lambda that helps.

    784-30-10 with neither, with L1 and with L2, at four lambda each. The claim: at the lambda with
    the best validation accuracy L1 beats no regularization on the test images by more than twice
    the standard error, and leaves more weights at 0 than L2.
    """
    seeds = context.choose(5, 2)
    test = _runs(context, seeds)[1]
    scores, spread_of, small = {}, {}, {}
    edges = np.linspace(-0.5, 0.5, 101)
    gains = {}
    for kind, lambdas in LAMBDAS.items():
        lambdas = context.choose(lambdas, lambdas[1:3])
        runs = [_runs(context, seeds, **{kind: value}) for value in lambdas]
        best = int(np.argmax([np.mean(run[0]) for run in runs]))
        weights = runs[best][2].get_weights()[0].ravel()
        scores[kind.upper()] = {"lambda": list(lambdas), "test": [run[1] for run in runs]}
        density = np.histogram(weights, edges)[0] / len(weights)
        spread_of[f"{kind.upper()}, lambda = {lambdas[best]:g}"] = plain(density)
        small[kind] = float(np.mean(np.abs(weights) < SMALL))
        gains[kind] = (np.mean(runs[best][1]) - np.mean(test), runs[best][1])
    error = 2 * np.sqrt((np.var(gains["l1"][1], ddof=1) + np.var(test, ddof=1)) / seeds)
    gain = float(gains["l1"][0])
    label = f"above {error:.2f}, two standard errors"
    beats = check_claim(
        "L1 at its best lambda over neither, points", plain(gain, 3), label, gain > error
    )
    sparse = check_claim(
        f"weights below {SMALL} with L1, share",
        plain(small["l1"], 3),
        f"above L2's {small['l2']:.2f}",
        small["l1"] > small["l2"],
    )
    checks = (
        beats if not context.fast else Check(beats.what, beats.ours, beats.book, None, True),
        sparse,
        Check("L2 at its best lambda over neither, points", plain(gains["l2"][0], 3)),
        Check("accuracy with neither, %", plain(np.mean(test), 4)),
    )
    remark = f"{seeds} seeds each; lambda is chosen by the validation images."
    if context.fast:
        remark += " 5,000 images, 5 epochs, two lambda each: what helps is not judged."
    data = {"scores": scores, "plain": test, "weights": spread_of, "edges": plain(edges)}
    return Result(data, checks, remark)


# --- L2 and the initial weights -------------------------------------------------------------------


def draw_l2_and_init(data: dict[str, Any]) -> Figure:
    """The size of the weights over epochs: of pixels that are never on, and of the others."""
    drawn, axes = style.figure(size=(7, 4))
    axes.plot(data["unused"], marker=".", **style.line(0, label="pixels that are always 0"))
    axes.plot(data["predicted"], **style.line(1, label="exp(-eta lambda / m), epoch by epoch"))
    axes.plot(data["used"], marker="x", **style.line(2, label="all other pixels"))
    axes.axhline(data["goal"], **style.line(4, lw=0.9, label="1/sqrt(n), n = 784 inputs"))
    axes.set(xlabel="epoch", ylabel="root mean square of weights", yscale="log")
    axes.legend(frameon=False, fontsize=9)
    return drawn


def _sizes(context: Context, spec: NetworkSpec) -> list[tuple[float, float]]:
    """Root mean squares of weights, of pixels that are never on and of the others, by epoch."""
    import keras

    images = context.data.train.take(spec.recipe.images).images
    unused = ~images.reshape(len(images), -1).any(axis=0)
    sizes: list[tuple[float, float]] = []

    def look(model: Any) -> None:
        weights = np.asarray(model.get_weights()[0], dtype=float)
        gone, left = (float(np.sqrt(np.mean(weights[part] ** 2))) for part in (unused, ~unused))
        sizes.append((gone, left))

    class Watch(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            look(self.model)

        def on_epoch_end(self, epoch, logs=None):
            look(self.model)

    zoo.train(spec, context.data, callbacks=[Watch()], progress=context.progress)
    return sizes


@experiment("ch3_l2_and_init", "L2 shrinks weights towards 1/sqrt(n)", draw=draw_l2_and_init)
def l2_and_init(context: Context) -> Result:
    """A problem of section 3.3: L2 does in time what the better initialization does at once.

    Started from N(0, 1), weights that the images say nothing about shrink by exp(-eta lambda / m)
    an epoch; those of pixels that are always 0 do so exactly. It slows where the images hold
    against it, by the book's argument at weights of about 1/sqrt(n).
    """
    epochs, images = context.choose((60, 50_000), (20, 10_000))
    settings = {"initializer": "unit_normal", "epochs": epochs, "images": images}
    # eta lambda / m is 1/4 in both forms, so that the fast one sees the decay end, too.
    spec = zoo.get_spec("mlp30").with_settings(l2=5.0, learning_rate=0.5, **settings)
    sizes = _sizes(context, spec)
    recipe = spec.recipe
    factor = 1 - recipe.learning_rate * recipe.l2 / images
    predicted = [sizes[0][0] * factor ** (epoch * recipe.batches) for epoch in range(epochs + 1)]
    gone, left = zip(*sizes, strict=True)
    goal = 1 / np.sqrt(784)
    checks = (
        check_expected(
            f"weights of unused pixels after {epochs} epochs",
            plain(gone[-1], 4),
            plain(predicted[-1], 4),
            within=0.01 * predicted[-1],
        ),
        # An order of magnitude, with a lambda that is "not too large": nothing to judge by.
        Check(
            "the others times sqrt(784), at the end",
            plain(left[-1] / goal, 3),
            1,
            None,
            True,
        ),
        Check("the same times sqrt(23,820)", plain(left[-1] * 23_820**0.5, 3), 1, None, True),
        Check("the first of them at the start", plain(left[0] / goal, 3)),
    )
    data = {"unused": plain(gone), "used": plain(left), "predicted": plain(predicted)}
    remark = f"{epochs} epochs of {images:,} images, eta = 0.5, lambda = 5. "
    remark += (
        "The decay is the predicted one, and it ends above 1/sqrt(n), whether n counts the inputs "
        "of a neuron or all weights."
    )
    return Result({**data, "goal": plain(goal)}, checks, remark)
