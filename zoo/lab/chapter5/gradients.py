"""The vanishing gradient: how fast the hidden layers learn, at the start and while they learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

import zoo
from zoo.lab.chapter5.learning_speed import (
    HIDDEN_LAYERS,
    descend,
    draw_ranges,
    geometric_mean,
    initial_gradients,
    norms,
    range_of_one_more,
)
from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Experiment, Result, experiment, plain

# "The first 1,000 training images" of all measurements here.
IMAGES = 1_000
EPOCHS = 500
PROTOCOL = (
    "The book measures one network, from weights drawn at random: each of ours starts from other "
    "weights, and the book's agrees if it lies where 99 % of such networks do."
)


def _spread_checks(what: str, samples: np.ndarray, book: list[float]) -> tuple[Check, ...]:
    checks = []
    for layer, (column, figure) in enumerate(zip(samples.T, book, strict=True), start=1):
        low, high = range_of_one_more(column)
        label = f"{what} of layer {layer} (99 % of runs: {low:.2g} to {high:.2g})"
        agrees = low <= figure <= high
        checks.append(Check(label, plain(geometric_mean(column), 3), figure, agrees))
    return tuple(checks)


# --- before learning ------------------------------------------------------------------------------

# The six bars of each layer in the book's picture.
BARS = (
    (-0.0040, -0.0032, 0.0081, 0.0126, -0.0265, 0.0018),
    (0.0415, 0.0440, -0.0097, 0.0467, 0.0388, 0.0123),
)


def draw_initial_bars(data: dict[str, Any]) -> Figure:
    """A bar for each of six neurons in two layers: the book's network, and one of ours."""
    drawn, axes = style.figure(1, 2, sharey=True)
    neurons = np.arange(1, 7)
    for each, layer in zip(axes, (0, 1), strict=True):
        ours = {"width": 0.38, "color": style.COLORS[0], "label": "ours, seed 0"}
        book = {"width": 0.38, "color": "#cccccc", "edgecolor": "#111111", "label": "the book"}
        each.bar(neurons - 0.2, data["ours"][layer], **ours)
        each.bar(neurons + 0.2, data["book"][layer], **book)
        each.axhline(0, color="#444444", lw=0.8)
        each.set(title=f"hidden layer {layer + 1}", xlabel="neuron", xticks=neurons)
    axes[0].set_ylabel("dC/db, mean over 1,000 images")
    axes[0].legend(frameon=False)
    return drawn


@experiment("ch5_initial_bars", "Gradients of the first neurons", draw=draw_initial_bars)
def initial_bars(context: Context) -> Result:
    """dC/db of the first six neurons in both hidden layers of 784-30-30-10, before it has learned.

    The bars of the second layer are mostly much longer: it learns faster than the first.
    """
    split = context.data.train.take(IMAGES)
    count = context.choose(200, 40)
    starts = [initial_gradients(HIDDEN_LAYERS[2], split, seed) for seed in range(count)]
    lengths = np.array([norms(layer[:6] for layer in start) for start in starts])
    checks = _spread_checks("length of the six bars", lengths, plain(norms(BARS), 3))
    faster = float(np.mean(lengths[:, 1] > lengths[:, 0]))
    data = {"ours": [plain(layer[:6]) for layer in starts[0]], "book": BARS}
    shares = Check("share of networks whose second layer has the longer bars", faster)
    remark = f"Each bar hangs on the weights drawn, so lengths are compared. {PROTOCOL}"
    return Result(data, (*checks, shares), f"{remark} {count} networks.")


def draw_norms(data: dict[str, Any]) -> Figure:
    """The norm of each layer: all runs, their mean and range, the book's."""
    drawn, axes = style.figure()
    draw_ranges(axes, np.array(data["norms"]), data["book"])
    axes.set_ylabel("length of dC/db, at the start")
    axes.legend(frameon=False, loc="lower right", fontsize=8)
    return drawn


def _initial_norms(hidden: int, book: list[float]) -> Experiment:
    def measure(context: Context) -> Result:
        split, count = context.data.train.take(IMAGES), context.choose(200, 40)
        starts = [initial_gradients(HIDDEN_LAYERS[hidden], split, seed) for seed in range(count)]
        lengths = np.array([norms(start) for start in starts])
        checks = _spread_checks("norm", lengths, book)
        data = {"norms": plain(lengths), "book": book}
        return Result(data, checks, f"{PROTOCOL} {count} networks.")

    measure.__doc__ = (
        f"The norms of dC/db in {hidden} hidden layers of 30, before learning, over 1,000 images "
        "(section 'The vanishing gradient problem'): the earlier a layer, the slower it learns."
    )
    title = f"Initial learning speeds, {hidden} layers"
    return experiment(f"ch5_norm_{hidden}", title, draw=draw_norms)(measure)


norm_2 = _initial_norms(2, [0.07, 0.31])
norm_3 = _initial_norms(3, [0.012, 0.060, 0.283])
norm_4 = _initial_norms(4, [0.003, 0.017, 0.070, 0.285])

# --- while learning -------------------------------------------------------------------------------


def draw_speeds(data: dict[str, Any]) -> Figure:
    """Norms over epochs of one run on a log scale, and all runs' last norms beside the book's."""
    options = {"width_ratios": [1.6, 1]}
    drawn, (curves, ends) = style.figure(1, 2, size=(10, 3.8), gridspec_kw=options)
    for number, curve in enumerate(np.transpose(data["curves"])):
        curves.plot(curve, **style.line(number, label=f"hidden layer {number + 1}"))
    curves.set(yscale="log", xlabel="epoch", ylabel="length of dC/db", title="one run, seed 0")
    curves.legend(frameon=False, loc="upper right")
    draw_ranges(ends, np.array(data["last"]), data["book"])
    ends.set(title=f"at epoch {len(data['curves']) - 1}", ylabel="length of dC/db")
    ends.margins(y=0.2)
    ends.legend(frameon=False, loc="upper left", fontsize=7)
    return drawn


def _speeds(hidden: int, book: list[float]) -> Experiment:
    def measure(context: Context) -> Result:
        split, count = context.data.train.take(IMAGES), context.choose(20, 5)
        settings = {"images": IMAGES, "batch_size": IMAGES, "epochs": EPOCHS}
        spec = zoo.get_spec(HIDDEN_LAYERS[hidden]).with_settings(**settings)
        curves = [descend(zoo.build(spec, seed=seed), split, EPOCHS)[0] for seed in range(count)]
        last = np.array([curve[-1] for curve in curves])
        checks = _spread_checks("norm at epoch 499", last, book)
        ratio = last[:, -1:] / last[:, :1]
        times = _spread_checks("last layer's norm over that", ratio, [plain(book[-1] / book[0], 3)])
        data = {"curves": plain(curves[0]), "last": plain(last), "book": book}
        return Result(data, (*checks, *times), f"{PROTOCOL} {count} networks, each of 500 epochs.")

    measure.__doc__ = (
        f"The norms of dC/db in {hidden} hidden layers of 30 over 500 epochs of full-batch "
        "gradient descent on 1,000 images (section 'The vanishing gradient problem'): the first "
        "layer stays the slowest."
    )
    title = f"Learning speeds over 500 epochs, {hidden} layers"
    return experiment(f"ch5_speed_{hidden}", title, draw=draw_speeds)(measure)


# The last points of the book's plots.
speed_2 = _speeds(2, [0.0034, 0.0096])
speed_3 = _speeds(3, [8.6e-5, 2.2e-4, 1.26e-3])
speed_4 = _speeds(4, [8.2e-6, 2.6e-5, 1.8e-4, 9.2e-4])
