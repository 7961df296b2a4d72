"""Every place where the book and Keras disagree, one function or class each, with its formula.

Chapters 1 and 2 follow the author's network.py, 3 and 5 network2.py, 6 network3.py. Everything here
is written with keras.ops, so that it runs on any Keras backend.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from zoo.layers import PIXEL_SCALE as PIXEL_SCALE
from zoo.layers import TIE_BREAK
from zoo.schedule import one_cycle_points
from zoo.spec import ConvPool, FullyConnected, ModelSpec, Recipe

DIGITS = 10


# --- costs: labels are whole numbers 0..9, one cost per image; Keras takes the mean ---------------


class QuadraticCost(keras.losses.Loss):
    """C = 1/2 ||y - a||^2, summed over the outputs (eq. 6): 5 times Keras' mean squared error.

    With `signed` targets y is -1 or 1, which tanh outputs can reach, in place of 0 or 1.
    """

    def __init__(self, signed: bool = False):
        super().__init__()
        self.signed = signed

    def call(self, y_true, y_pred):
        targets = _one_hot(y_true)
        if self.signed:
            targets = 2 * targets - 1
        return 0.5 * ops.sum(ops.square(y_pred - targets), axis=-1)


class CrossEntropyCost(keras.losses.Loss):
    """C = -sum_j [y_j ln a_j + (1 - y_j) ln(1 - a_j)] (eq. 63): 10 times Keras' mean over outputs.

    On TensorFlow, Keras computes it from the weighted inputs of the sigmoid, so the output error
    stays a - y (eq. 66) in a saturated neuron, where logarithms of rounded activations give
    nothing. On JAX it has only the activations, and a neuron saturated beyond 1e-7 stops learning.
    """

    def call(self, y_true, y_pred):
        return DIGITS * keras.losses.binary_crossentropy(_one_hot(y_true), y_pred)


class SoftmaxCrossEntropyCost(keras.losses.Loss):
    """The cross-entropy of eq. 63 for softmax outputs, computed from the activations."""

    def call(self, y_true, y_pred):
        y = _one_hot(y_true)
        a = ops.clip(y_pred, keras.config.epsilon(), 1 - keras.config.epsilon())
        return -ops.sum(y * ops.log(a) + (1 - y) * ops.log1p(-a), axis=-1)


class LogLikelihoodCost(keras.losses.SparseCategoricalCrossentropy):
    """C = -ln a_y (eq. 80), which is Keras' own; named here so that the book's word finds it."""


class SmoothedLogLikelihoodCost(keras.losses.Loss):
    """C = -sum_j y_j ln a_j, where y_j is s/10, and 1 - s more for the right digit.

    Label smoothing (Szegedy et al. 2016): an output is never asked to be quite certain.
    """

    def __init__(self, smoothing: float):
        super().__init__()
        self.smoothing = smoothing

    def call(self, y_true, y_pred):
        targets = _one_hot(y_true) * (1 - self.smoothing) + self.smoothing / DIGITS
        return keras.losses.categorical_crossentropy(targets, y_pred)


COSTS = {
    "quadratic": QuadraticCost,
    "cross_entropy": CrossEntropyCost,
    "log_likelihood": LogLikelihoodCost,
}


def cost(spec: ModelSpec) -> keras.losses.Loss:
    """The cost that a network's recipe names, for the outputs that its last layer has."""
    if spec.recipe.signed:
        return QuadraticCost(signed=True)
    if spec.recipe.label_smoothing:
        return SmoothedLogLikelihoodCost(spec.recipe.label_smoothing)
    if (spec.recipe.cost, spec.outputs) == ("cross_entropy", "softmax"):
        return SoftmaxCrossEntropyCost()
    return COSTS[spec.recipe.cost]()


def _one_hot(labels):
    return ops.one_hot(ops.reshape(ops.cast(labels, "int32"), (-1,)), DIGITS)


# --- initial weights ------------------------------------------------------------------------------


def kernel_deviation(kind: str, fan_in: float, fan_out: float) -> float:
    """The standard deviation of a layer's initial weights, which are normal with mean 0.

    'large' is 1 (network.py), 'scaled' 1/sqrt(fan_in) (network2.py, chapter 3), 'network3'
    1/sqrt(fan_out), although chapter 3 argues for fan_in, and 'he' sqrt(2/fan_in), for rectified
    linear units (He et al. 2015).
    """
    return {
        "large": 1.0,
        "scaled": 1 / math.sqrt(fan_in),
        "network3": 1 / math.sqrt(fan_out),
        "he": math.sqrt(2 / fan_in),
    }[kind]


def bias_deviation(kind: str) -> float:
    """The standard deviation of initial biases: 1 throughout the book, 0 with 'he'."""
    return 0.0 if kind == "he" else 1.0


def dense_fans(layer: FullyConnected, inputs: int, kind: str) -> tuple[float, int]:
    """Inputs and outputs of a dense layer.

    'he' counts the inputs that dropout leaves, since theirs is the variance it wants to keep; the
    book's initializers count all.
    """
    return (inputs * (1 - layer.dropout) if kind == "he" else inputs), layer.units


def conv_fans(layer: ConvPool, channels: int) -> tuple[int, float]:
    """Inputs and outputs of one neuron of a convolution, as network3.py counts them.

    A filter has kernel^2 x channels inputs. Its outputs are filters x kernel^2 / pool^2, since
    pooling keeps one activation of pool^2.
    """
    field = layer.kernel**2
    return field * channels, layer.filters * field / layer.pool**2


# --- regularization -------------------------------------------------------------------------------


def penalty(recipe: Recipe) -> keras.Regularizer | None:
    """What weights cost, and biases never: lambda/2n sum w^2 (eq. 85) and lambda/n sum |w| (95).

    n is the number of training images. network3.py divides by the mini-batches of an epoch instead,
    which makes the same lambda `batch_size` times as strong.
    """
    if not recipe.l1 and not recipe.l2:
        return None
    count = recipe.images if recipe.lambda_per == "image" else recipe.batches
    return keras.regularizers.L1L2(l1=recipe.l1 / count, l2=recipe.l2 / (2 * count))


# --- learning rate --------------------------------------------------------------------------------


class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises in a straight line to its peak, and falls in another to 0."""

    def __init__(self, peak: float, peak_step: int, last_step: int):
        super().__init__()
        self.peak, self.peak_step, self.last_step = peak, peak_step, last_step

    def __call__(self, step):
        # Counted from 1, so that the first step is not lost on a rate of 0.
        step = ops.cast(step, "float32") + 1
        rise = step / self.peak_step
        fall = (self.last_step + 1 - step) / (self.last_step + 1 - self.peak_step)
        return self.peak * ops.maximum(ops.minimum(rise, fall), 0.0)

    def get_config(self):
        return {"peak": self.peak, "peak_step": self.peak_step, "last_step": self.last_step}


def optimizer(recipe: Recipe) -> keras.Optimizer:
    """Stochastic gradient descent; momentum is the book's v -> mu v - eta grad C (eq. 107)."""
    rate = recipe.learning_rate
    if recipe.schedule == "one_cycle":
        rate = OneCycle(rate, *one_cycle_points(recipe))
    return keras.optimizers.SGD(rate, recipe.momentum, recipe.nesterov, name="sgd")


# --- dropout --------------------------------------------------------------------------------------


class BookDropout(keras.layers.Layer):
    """Dropout as the book has it: inputs are masked in training, and multiplied by 1 - p in use.

    Keras' own layer divides by 1 - p in training instead. That is the same family of networks, but
    its weights are 1 - p times the book's, so one learning rate takes it through another course.
    Every layer draws masks of its own; in network3.py layers of one size share theirs by accident.
    """

    def __init__(self, rate: float, seed: int | None = None, **layer_options):
        super().__init__(**layer_options)
        self.rate = rate
        self.seed = seed
        self.resting = False  # whether training goes on without masks, as in use
        # Named, so that a saved state of the generator finds its way back.
        self.generator = keras.random.SeedGenerator(seed, name=f"{self.name}_masks")

    def call(self, inputs, training=False):
        keep = 1 - self.rate
        if not training or self.resting:
            return inputs * keep
        drawn = keras.random.uniform(ops.shape(inputs), seed=self.generator)
        return inputs * ops.cast(drawn < keep, inputs.dtype)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


# --- the vote -------------------------------------------------------------------------------------


class Tally(keras.layers.Layer):
    """Several networks' outputs made one answer: [n, 10] from each of them, [n, 10] in all.

    By 'plurality' it is the shares of the votes, moved by a thousandth towards the mean
    probabilities, which decides ties; the author's program takes the network that came first. By
    'mean' it is the mean probabilities. Outputs of sigmoids are divided by their sum first, so that
    networks of both kinds can vote together.
    """

    def __init__(self, rule: str = "plurality", weights: Sequence[float] = (), **layer_options):
        super().__init__(**layer_options)
        self.rule = rule
        self.shares = weights

    def call(self, inputs):
        votes, probabilities = self.count(inputs)
        if self.rule == "mean":
            return probabilities
        return (votes + TIE_BREAK * probabilities) / (1 + TIE_BREAK)

    def count(self, outputs):
        """The shares of the votes, and the mean probabilities: [n, 10] each."""
        weights = np.array(self.shares or [1.0] * len(outputs), dtype="float32")
        weights = ops.reshape(weights / weights.sum(), (-1, 1, 1))
        outputs = ops.stack(list(outputs))
        ballots = ops.one_hot(ops.argmax(outputs, axis=-1), DIGITS, dtype=outputs.dtype)
        totals = ops.maximum(ops.sum(outputs, axis=-1, keepdims=True), keras.config.epsilon())
        probabilities = outputs / totals
        return ops.sum(weights * ballots, axis=0), ops.sum(weights * probabilities, axis=0)

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), "rule": self.rule, "weights": list(self.shares)}
