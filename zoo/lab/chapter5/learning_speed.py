"""How fast each layer learns: the norms of dC/db^l = delta^l (BP3), at the start and later.

The book takes the length of a layer's vector of biases' gradients for the speed of that layer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from scipy import stats

import zoo
from zoo.lab.core import style

if TYPE_CHECKING:
    import keras

    from zoo.data import Split

HIDDEN_LAYERS = {2: "mlp30x2", 3: "mlp30x3", 4: "mlp30x4"}


def cost_and_gradients(model: keras.Model, split: Split):
    """The cost C of a split, as training sees it, and dC/dv for each trainable variable v."""
    import tensorflow as tf

    variables = model.trainable_variables
    with tf.GradientTape() as tape:
        answers = model(split.images, training=True)
        cost = model.compute_loss(None, split.labels, answers, training=True)
    return cost, tape.gradient(cost, [variable.value for variable in variables])


def hidden_bias_gradients(model: keras.Model, gradients: Iterable) -> list:
    """Of all gradients those of the hidden layers' biases; what batch normalisation adds is one."""
    pairs = zip(model.trainable_variables, gradients, strict=True)
    biases = [each for variable, each in pairs if variable.path.endswith(("/bias", "/beta"))]
    return biases[:-1]


def initial_gradients(name: str, split: Split, seed: int) -> list[np.ndarray]:
    """For each hidden layer of a network of the zoo dC/db before it has learned anything."""
    model = zoo.build(name, seed=seed)
    gradients = cost_and_gradients(model, split)[1]
    return [each.numpy() for each in hidden_bias_gradients(model, gradients)]


def norms(vectors: Iterable) -> np.ndarray:
    """The length of each vector."""
    return np.array([np.linalg.norm(vector) for vector in vectors])


def descend(model: keras.Model, split: Split, epochs: int) -> tuple[np.ndarray, np.ndarray]:
    """Full-batch gradient descent: an epoch measures the whole split, then takes one step.

    Returns the norms of every epoch, [epochs, hidden layers], and its cost, both before its step.
    """
    import tensorflow as tf

    @tf.function
    def step():
        cost, gradients = cost_and_gradients(model, split)
        model.optimizer.apply(gradients, model.trainable_variables)
        speeds = [tf.norm(each) for each in hidden_bias_gradients(model, gradients)]
        return tf.stack(speeds), cost

    model.optimizer.build(model.trainable_variables)
    rows = [step() for _ in range(epochs)]
    return np.array([speeds for speeds, _ in rows]), np.array([float(cost) for _, cost in rows])


def geometric_mean(samples: np.ndarray) -> float:
    """The mean on a log scale, as suits what is a product of many random factors."""
    return float(stats.gmean(samples))


def range_of_one_more(samples: np.ndarray, confidence: float = 0.99) -> tuple[float, float]:
    """Where one more sample of the same, log-normal, kind falls with this probability."""
    logs, count = np.log(samples), len(samples)
    half = stats.t.ppf((1 + confidence) / 2, count - 1) * logs.std(ddof=1) * np.sqrt(1 + 1 / count)
    return float(np.exp(logs.mean() - half)), float(np.exp(logs.mean() + half))


def draw_ranges(axes: Axes, samples: np.ndarray, book: Iterable[float]) -> None:
    """Samples [runs, layers], their mean and range on a log scale, and the book's one run."""
    layers = np.arange(1, samples.shape[1] + 1)
    for layer, column in zip(layers, samples.T, strict=True):
        spread = np.linspace(-0.12, 0.12, len(column))
        axes.plot(layer + spread, column, ".", color="#b0b0b0", ms=3, zorder=1)
    middle = np.array([geometric_mean(column) for column in samples.T])
    low, high = np.array([range_of_one_more(column) for column in samples.T]).T
    axes.errorbar(
        layers - 0.2,
        middle,
        yerr=[middle - low, high - middle],
        fmt="o",
        color=style.COLORS[0],
        capsize=4,
        label=f"mean of {len(samples)} runs, and where 99 % of runs fall",
    )
    axes.plot(layers + 0.2, list(book), **style.BOOK)
    axes.set(yscale="log", xlabel="hidden layer", xticks=layers, xlim=(0.5, layers[-1] + 0.5))
