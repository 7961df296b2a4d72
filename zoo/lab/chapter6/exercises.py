"""Problems of chapter 6 that train: tanh beside sigmoid, and overfitting diagnosed."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

import zoo
from zoo.lab.chapter3.epochs import draw_panels, kept, panel
from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, check_claim, experiment, plain
from zoo.spec import FullyConnected, NetworkSpec, Softmax


@experiment("ch6_tanh_or_sigmoid", "tanh beside sigmoid neurons", draw=draw_panels)
def tanh_or_sigmoid(context: Context) -> Result:
    """A problem of section 6.2: tanh and sigmoid in the network of two convolutions.

    The book finds tanh a little faster and the accuracies in the end much alike. tanh is also
    trained at half the rate, for its slope is larger. The claim: in the first epochs tanh is ahead.
    """
    images, epochs, seeds = context.choose((50_000, 60, 1), (2_000, 6, 1))
    early = context.choose(5, 3)
    ways = {
        "sigmoid, eta = 0.1": ("conv2", 0.1),
        "tanh, eta = 0.1": ("conv2_tanh", 0.1),
        "tanh, eta = 0.05": ("conv2_tanh", 0.05),
    }
    curves = {}
    for label, (name, eta) in ways.items():
        context.say(label)
        spec = zoo.get_spec(name).with_settings(images=images, epochs=epochs, learning_rate=eta)
        runs = [context.train(spec, seed=seed, monitor={}).history for seed in range(seeds)]
        accuracies = [[100 * row["val_accuracy"] for row in history] for history in runs]
        curves[label] = plain(np.mean(accuracies, axis=0), 5)
    means = {label: float(np.mean(curve[:early])) for label, curve in curves.items()}
    sigmoid, tanh = means["sigmoid, eta = 0.1"], means["tanh, eta = 0.1"]
    caption = f"above sigmoid's {sigmoid:.2f}"
    ahead = f"tanh, mean of the first {early} epochs, %"
    checks = (
        check_claim(ahead, plain(tanh, 4), caption, tanh > sigmoid),
        *(Check(f"{label}, last epoch, %", curve[-1]) for label, curve in curves.items()),
    )
    panels = [
        panel("accuracy on the validation images (%)", curves),
        panel("the same, without the first epochs", curves, first=early),
    ]
    if not context.fast:
        panels.append(panel("the first 20 epochs", {k: v[:20] for k, v in curves.items()}, first=2))
    remark = f"{images:,} images and {epochs} epochs." if context.fast else ""
    return Result({"panels": panels}, checks, remark)


# --- overfitting ----------------------------------------------------------------------------------


def draw_overfitting(data: dict[str, Any]) -> Figure:
    """Accuracy on training and validation images for each way, and the distance between them."""
    drawn, axes = style.figure(1, 2, size=(12, 4))
    for number, (label, series) in enumerate(data["ways"].items()):
        look = {"color": style.COLORS[number], "lw": 1.6}
        axes[0].plot(series["training"], **look, ls="--")
        axes[0].plot(series["validation"], **look, label=label)
        gap = np.subtract(series["training"], series["validation"])
        axes[1].plot(gap, **style.line(number, label=label))
    axes[0].set(xlabel="epoch", ylabel="accuracy (%), training images dashed")
    axes[1].set(xlabel="epoch", ylabel="training less validation (points)")
    for each in axes:
        each.legend(frameon=False, fontsize=9)
    return drawn


def _both_accuracies(context: Context, spec: NetworkSpec) -> dict[str, list[float]]:
    """Accuracy in per cent on training and on validation images, after each epoch."""
    from zoo.lab.core.monitoring import monitor

    def measure() -> list[dict[str, float]]:
        data, images = context.data, spec.recipe.images
        training = data.train.take(min(images, 5_000))
        rows: list[dict[str, float]] = []
        watching = monitor(
            {"training": training, "validation": data.validation}, images, rows.append
        )
        zoo.train(spec, data, callbacks=[watching], progress=context.progress)
        return rows

    rows = kept(context, f"ch6_overfitting-{spec.hash[:12]}", measure)
    return {name: [row[f"{name} accuracy"] for row in rows] for name in ("training", "validation")}


@experiment("ch6_overfitting", "Overfitting diagnosed, and three cures", draw=draw_overfitting)
def overfitting(context: Context) -> Result:
    """A problem of section 6.3: let network3 say whether it overfits, by both accuracies.

    The softmax network with 100 hidden neurons on few images, with L2, with dropout, and with ten
    times as many images. The claims: each of the three brings training and validation accuracy
    closer together than they are on few images alone.
    """
    few, epochs = context.choose((5_000, 60), (500, 30))
    base = zoo.get_spec("shallow").with_settings(epochs=epochs, images=few)
    dropout = (FullyConnected(100), Softmax(dropout=0.5))
    ways = {
        f"{few:,} images": base,
        "with L2, lambda = 1": base.with_settings(l2=1.0),
        "with dropout": base.with_settings(layers=dropout),
        f"{10 * few:,} images": base.with_settings(images=10 * few, epochs=epochs // 2),
    }
    found = {label: _both_accuracies(context, spec) for label, spec in ways.items()}
    gaps = {
        label: float(np.mean(np.subtract(run["training"], run["validation"])[-5:]))
        for label, run in found.items()
    }
    first, *cures = gaps
    checks = [
        check_claim(
            f"{label}: training less validation, points",
            plain(gaps[label], 3),
            f"below {gaps[first]:.2f}",
            gaps[label] < gaps[first],
        )
        for label in cures
    ]
    checks += [
        Check(f"{label}: validation accuracy, last epoch, %", run["validation"][-1])
        for label, run in found.items()
    ]
    remark = "Distances are means of the last five epochs, on at most 5,000 training images."
    return Result({"ways": found}, tuple(checks), remark)
