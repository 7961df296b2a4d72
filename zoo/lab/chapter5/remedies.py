"""Beyond the book: what other neurons, initial weights and batch normalisation do to gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from zoo.lab.chapter5.learning_speed import (
    cost_and_gradients,
    descend,
    geometric_mean,
    hidden_bias_gradients,
    norms,
)
from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, experiment, plain

if TYPE_CHECKING:
    import keras

IMAGES = 1_000
LAYERS = 8
UNITS = 30
EVERY = 5  # of the epochs whose norms are kept for the picture


@dataclass(frozen=True)
class Remedy:
    """How the hidden layers of a network are made; `initializer` is Keras', or 'book'."""

    label: str
    activation: str
    initializer: str
    batch_norm: bool = False


REMEDIES = (
    Remedy("sigmoid, the book's", "sigmoid", "book"),
    Remedy("sigmoid, Glorot", "sigmoid", "glorot_normal"),
    Remedy("tanh, Glorot", "tanh", "glorot_normal"),
    Remedy("ReLU, He", "relu", "he_normal"),
    Remedy("sigmoid, batch norm.", "sigmoid", "glorot_normal", batch_norm=True),
    Remedy("ReLU, batch norm.", "relu", "he_normal", batch_norm=True),
)


def deep_network(remedy: Remedy, seed: int, layers: int = LAYERS) -> keras.Model:
    """A plain Keras model: `layers` hidden layers of 30, ten sigmoids, cross-entropy, SGD 0.1."""
    import keras

    from zoo.nn.losses import CrossEntropyCost
    from zoo.spec import PIXEL_SCALE

    keras.utils.set_random_seed(seed)
    book = remedy.initializer == "book"
    biases = keras.initializers.RandomNormal(stddev=1.0) if book else "zeros"
    # lecun_normal is cut off at two deviations: this one is the book's, whole.
    kernels = keras.initializers.VarianceScaling(1.0, "fan_in", "untruncated_normal")
    kernels = kernels if book else keras.initializers.get(remedy.initializer)

    def dense(units: int, **options: Any) -> keras.layers.Layer:
        own = {"kernel_initializer": kernels.clone(), "bias_initializer": biases}
        return keras.layers.Dense(units, **own, **options)

    parts = [keras.Input((28, 28, 1)), keras.layers.Rescaling(PIXEL_SCALE), keras.layers.Flatten()]
    for _ in range(layers):
        if remedy.batch_norm:
            parts += [dense(UNITS, use_bias=False), keras.layers.BatchNormalization()]
        else:
            parts.append(dense(UNITS))
        parts.append(keras.layers.Activation(remedy.activation))
    model = keras.Sequential([*parts, dense(10, activation="sigmoid")])
    model.compile(keras.optimizers.SGD(0.1), CrossEntropyCost())
    return model


def draw_remedies(data: dict[str, Any]) -> Figure:
    """Norms by layer at the start, the cost over epochs, and each remedy's norms over epochs."""
    drawn = Figure(figsize=(11, 9.6), layout="constrained")
    above, below = drawn.subfigures(2, 1, squeeze=False, height_ratios=[1, 1.15])[:, 0]
    starts, costs = above.subplots(1, 2)
    for number, remedy in enumerate(REMEDIES):
        look = style.line(number, label=remedy.label, marker=style.MARKS[number])
        layers = range(1, len(data["norms"][number]) + 1)
        starts.plot(layers, data["norms"][number], **look)
        # The lowest so far: with this rate the costs of rectified linear units leap up and down.
        lowest = np.minimum.accumulate(data["costs"][number])
        costs.plot(lowest, **look, markevery=0.12)
    starts.set(yscale="log", xlabel="hidden layer", ylabel="length of dC/db, at the start")
    costs.set(xlabel="epoch of full-batch descent", ylabel="lowest cost so far, per image")
    costs.set_ylim(0, 4)
    above.legend(*starts.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    _draw_speeds(below, data)
    for each in (starts, costs):
        style.tidy(each)
    return drawn


def _draw_speeds(part: Any, data: dict[str, Any]) -> None:
    """As the book's pictures of learning speeds: a panel a remedy, a line a layer."""
    axes = part.subplots(2, 3, sharex=True, sharey=True)
    for each, remedy, speeds in zip(axes.flat, REMEDIES, data["speeds"], strict=True):
        epochs = EVERY * np.arange(len(speeds))
        for layer, curve in enumerate(np.transpose(speeds)):
            label = {0: "first layer", LAYERS - 1: "last layer"}.get(layer)
            grey = f"{0.75 - 0.75 * layer / (LAYERS - 1):.2f}"
            each.plot(epochs, curve, color=grey, lw=1.2, label=label)
        each.set(yscale="log", ylim=(1e-8, 1e2))
        each.set_title(remedy.label, fontsize=10)
        style.tidy(each)
    for each in axes[1]:
        each.set_xlabel("epoch of full-batch descent")
    for each in axes[:, 0]:
        each.set_ylabel("length of dC/db")
    axes[0, 0].legend(frameon=False, fontsize=8)


@experiment("ch5_remedies", "What keeps gradients from vanishing", draw=draw_remedies)
def remedies(context: Context) -> Result:
    """Gradient norms of eight hidden layers, at the start and later, by neuron and initial weights.

    Goes beyond the book, which names the questions (Glorot and Bengio 2010) in its section 'Other
    obstacles to deep learning'.
    """
    split, count = context.data.train.take(IMAGES), context.choose(50, 5)
    epochs = context.choose(2_000, 300)
    lengths, costs, speeds = [], [], []
    for remedy in REMEDIES:
        context.say(remedy.label)
        lengths.append([_norms(deep_network(remedy, seed), split) for seed in range(count)])
        while_learning, cost = descend(deep_network(remedy, 0), split, epochs)
        costs.append(cost)
        speeds.append(plain(while_learning[::EVERY], 3))
    means = np.array([[geometric_mean(layer) for layer in np.transpose(runs)] for runs in lengths])
    checks = [
        Check(f"{remedy.label}: first layer's norm over the last one's", plain(row[0] / row[-1], 3))
        for remedy, row in zip(REMEDIES, means, strict=True)
    ]
    data = {"norms": plain(means), "costs": plain(costs), "speeds": speeds}
    remark = (
        f"The book has no figure for this. Norms are means of {count} networks, costs are of one, "
        f"over {epochs:,} epochs with a learning rate of 0.1 and no regularization. With batch "
        "normalisation the norm is that of the shift which stands for the bias: the next layer "
        "subtracts its mean again, so it is small, and yet the network learns."
    )
    return Result(data, tuple(checks), remark)


def _norms(model: keras.Model, split: Any) -> np.ndarray:
    return norms(hidden_bias_gradients(model, cost_and_gradients(model, split)[1]))
