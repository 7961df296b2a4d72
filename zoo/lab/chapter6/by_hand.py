"""Exercise of section 6.1: backpropagation through a convolution and max-pooling, by hand."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import zoo
from zoo.lab.chapter2.backpropagation import draw_backprop_check, sigmoid
from zoo.lab.core.experiment import Check, Context, Result, check_expected, experiment, plain
from zoo.spec import ConvPool, FullyConnected, ModelSpec, Recipe

SPEC = ModelSpec(
    "conv_by_hand",
    (ConvPool(4), FullyConnected(10)),
    Recipe(cost="cross_entropy", epochs=1, learning_rate=0.1),
)


class Weights(NamedTuple):
    """Filters [5, 5, 1, maps] and dense weights [neurons, 10], each with its biases."""

    filters: np.ndarray
    filter_biases: np.ndarray
    dense: np.ndarray
    dense_biases: np.ndarray


def receptive_fields(x: np.ndarray) -> np.ndarray:
    """The 5x5 field of every place of images [n, 28, 28]: [n, 24, 24, 25]."""
    views = np.lib.stride_tricks.sliding_window_view(x, (5, 5), axis=(1, 2))
    return views.reshape(*views.shape[:3], 25)


def gradient(weights: Weights, x: np.ndarray, y: np.ndarray) -> Weights:
    """The mean gradient of the cross-entropy for images x [n, 28, 28] and targets y [n, 10].

    BP1 and BP4 at the output are as ever. BP2 goes back through the dense weights to the pooled
    maps, and there to the one neuron of each 2x2 that was the maximum; the other three get nothing.
    BP4 of a filter sums over all places, since all of them share its weights (eq. 125).
    """
    n, maps = len(x), weights.filters.shape[-1]
    fields = receptive_fields(x)
    z = fields @ weights.filters.reshape(25, maps) + weights.filter_biases
    blocks = (
        z.reshape(n, 12, 2, 12, 2, maps).transpose(0, 1, 3, 5, 2, 4).reshape(n, 12, 12, maps, 4)
    )
    winner = blocks.argmax(axis=-1)
    pooled = sigmoid(blocks.max(axis=-1))
    a = sigmoid(pooled.reshape(n, -1) @ weights.dense + weights.dense_biases)
    error = a - y  # BP1 for the cross-entropy
    back = (error @ weights.dense.T).reshape(pooled.shape) * pooled * (1 - pooled)  # BP2
    routed = np.eye(4)[winner] * back[..., None]  # to the maximum of each four alone
    places = routed.reshape(n, 12, 12, maps, 2, 2).transpose(0, 1, 4, 2, 5, 3)
    at_places = places.reshape(n, 24, 24, maps)
    slopes = np.einsum("nijk,nijm->km", fields, at_places) / n  # BP4, shared
    return Weights(
        slopes.reshape(weights.filters.shape),
        at_places.sum(axis=(0, 1, 2)) / n,
        pooled.reshape(n, -1).T @ error / n,
        error.mean(axis=0),
    )


def by_keras(split: Any) -> tuple[Weights, Weights]:
    """Initial weights of SPEC, and the gradient by automatic differentiation."""
    import tensorflow as tf

    model = zoo.build(SPEC, seed=0)
    with tf.GradientTape() as tape:
        outputs = model(tf.constant(split.images))
        cost = model.compute_loss(y=tf.constant(split.labels), y_pred=outputs)
    slopes = tape.gradient(cost, model.trainable_variables)
    found = [np.array(each, dtype="float64") for each in (*model.get_weights(), *slopes)]
    return Weights(*found[:4]), Weights(*found[4:])


@experiment("ch6_conv_backprop", "Backpropagation through a convolution", draw=draw_backprop_check)
def conv_backprop(context: Context) -> Result:
    """An exercise of section 6.1: the equations of backpropagation for convolution and pooling.

    Written in NumPy from BP1 to BP4, and held against Keras' automatic differentiation, for four
    feature maps and ten outputs on real digits.
    """
    split = context.data.train.take(10)
    weights, automatic = by_keras(split)
    ours = gradient(weights, split.images.squeeze() / 256, np.eye(10)[split.labels])
    titles = ("filters", "their biases", "dense weights", "dense biases")
    checks, data = [], {}
    for title, one, other in zip(titles, ours, automatic, strict=True):
        off = float(np.abs(one - other).max() / np.abs(other).max())
        # Keras computes in single precision.
        checks.append(check_expected(f"{title}: off", plain(off, 2), 0, within=1e-5))
        if title in ("filters", "dense weights"):
            data[title] = plain([one.ravel()[:1_000], other.ravel()[:1_000]])
    checks.append(Check("weights and biases in all", sum(each.size for each in weights)))
    return Result(data, tuple(checks), "Off: the largest difference over the largest slope.")
