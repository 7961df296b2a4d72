"""Dropout as an average: one network with halved inputs stands for all the thinned ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from scipy.special import softmax

import zoo
from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, check_expected, experiment, plain

if TYPE_CHECKING:
    import keras

NAME = "conv2_relu_dropout"


def costs(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The mean of -ln a_y (eq. 80)."""
    right = np.take_along_axis(probabilities, labels[..., None], axis=-1)
    return float(-np.log(np.maximum(right, 1e-12)).mean())


def fully_connected_part(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """The model up to its flat features, and what comes behind them, with all dropout."""
    import keras

    flat = model.get_layer("flatten_1").output
    return keras.Model(model.input, flat), keras.Model(flat, model.output)


def deviation_scores(features: np.ndarray, layer: Any, kernel: np.ndarray, masks: int) -> float:
    """How far means over masks lie from the scaled network's, in standard errors: 1 if by chance.

    Compared are the weighted inputs of the layer behind a dropout layer; the root of the mean
    square over all images and neurons is returned.
    """
    drawn = np.stack([np.array(layer(features, training=True)) @ kernel for _ in range(masks)])
    scaled = np.array(layer(features, training=False)) @ kernel
    errors = drawn.std(axis=0, ddof=1) / np.sqrt(masks)
    return float(np.sqrt(np.mean(((drawn.mean(axis=0) - scaled) / errors) ** 2)))


def _running_means(rows: Any) -> np.ndarray:
    rows = np.asarray(rows)
    return np.cumsum(rows, axis=0) / np.arange(1, len(rows) + 1)[:, None, None]


def draw_dropout_scaling(data: dict[str, Any]) -> Figure:
    """The cost over the number of thinned networks averaged, and of the whole network."""
    drawn, axes = style.figure()
    count = np.arange(1, len(data["averaged"]) + 1)
    axes.plot(count, data["averaged"], **style.line(0, label="thinned networks, averaged"))
    axes.plot(count, data["geometric"], **style.line(1, label="their geometric mean"))
    axes.axhline(data["scaled"], **style.line(2, label="the whole, inputs halved"))
    axes.axhline(data["whole"], **style.line(3, label="the whole, inputs not halved"))
    axes.set(xscale="log", xlabel="thinned networks averaged", ylabel="cost per test image")
    axes.set_ylim(0, None)
    drawn.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return drawn


@experiment("ch6_dropout_scaling", "Halving stands for averaging", draw=draw_dropout_scaling)
def dropout_scaling(context: Context) -> Result:
    """The cost of many thinned networks averaged, beside that of the whole network, halved or not.

    Dropout trains networks that each lack half the neurons; in use all are there, and count half
    (chapter 3, under 'Other techniques for regularization', and 'Convolutional neural networks in
    practice').
    """
    test = context.data.test.take(context.choose(10_000, 1_000))
    model = zoo.build(NAME, seed=0)  # its seed decides the masks
    model.set_weights(zoo.load(NAME).get_weights())
    before, behind = fully_connected_part(model)
    features = before.predict(test.images, batch_size=1000, verbose=0)
    masks = context.choose(200, 30)
    thinned = [np.array(behind(features, training=True)) for _ in range(masks)]
    logs = np.log(np.maximum(thinned, 1e-30))
    data = {
        "averaged": plain([costs(each, test.labels) for each in _running_means(thinned)]),
        "geometric": plain([costs(softmax(e, -1), test.labels) for e in _running_means(logs)]),
    }
    data["scaled"] = plain(costs(np.array(behind(features)), test.labels))
    score = deviation_scores(
        features[:200],
        model.get_layer("dropout_1"),
        model.get_layer("dense_1").get_weights()[0],
        64,
    )
    for number in (1, 2, 3):
        model.get_layer(f"dropout_{number}").rate = 0.0
    data["whole"] = plain(costs(np.array(behind(features)), test.labels))
    alone = float(np.mean([costs(each, test.labels) for each in thinned]))
    label = "deviation of the mean weighted inputs from the halved ones (standard errors)"
    checks = (
        # 200 images and 64 masks leave it uncertain by a few hundredths.
        check_expected(label, plain(score, 3), 1.0, within=0.1),
        Check("cost of one thinned network", plain(alone, 3)),
        Check(f"cost of {masks} averaged", plain(data["averaged"][-1], 3)),
        Check("cost of their geometric mean", plain(data["geometric"][-1], 3)),
        Check("cost of the whole network, halved", plain(data["scaled"], 3)),
        Check("cost of the whole network, not halved", plain(data["whole"], 3)),
    )
    remark = (
        f"{len(test):,} test images. The book has no figure for this. Halving gives what the "
        "geometric mean gives (Hinton et al. 2012), which is surer of itself than the plain mean."
    )
    return Result(data, checks, remark)
