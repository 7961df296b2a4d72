"""The costs of the book as Keras losses: sums over the outputs, where Keras takes means."""

from __future__ import annotations

import keras
from keras import ops

from zoo.spec import NetworkSpec


@keras.saving.register_keras_serializable("zoo")
class QuadraticCost(keras.losses.Loss):
    """C = 1/2 ||y - a||^2, summed over the outputs (eq. 6): 5 times Keras' mean squared error.

    With `signed` targets y is -1 or 1, which tanh outputs can reach, in place of 0 or 1.
    """

    def __init__(self, signed: bool = False, **loss_options):
        super().__init__(**loss_options)
        self.signed = signed

    def call(self, y_true, y_pred):
        """Return half the squared distance of each image's outputs [n, classes], as [n]."""
        targets = _one_hot(y_true, y_pred)
        if self.signed:
            targets = 2 * targets - 1
        return 0.5 * ops.sum(ops.square(y_pred - targets), axis=-1)

    def get_config(self):
        """Return what a saved model needs to make this cost again."""
        return {**super().get_config(), "signed": self.signed}


@keras.saving.register_keras_serializable("zoo")
class CrossEntropyCost(keras.losses.Loss):
    """C = -sum_j [y_j ln a_j + (1 - y_j) ln(1 - a_j)] (eq. 63): 10 times Keras' mean over outputs.

    On TensorFlow, Keras computes it from the weighted inputs of the sigmoid, so the output error
    stays a - y (eq. 66) in a saturated neuron, where logarithms of rounded activations give
    nothing. On JAX it has only the activations, and a neuron saturated beyond 1e-7 stops learning.
    """

    def call(self, y_true, y_pred):
        """Return each image's cross-entropy, summed over its outputs [n, classes], as [n]."""
        targets = _one_hot(y_true, y_pred)
        return y_pred.shape[-1] * keras.losses.binary_crossentropy(targets, y_pred)


@keras.saving.register_keras_serializable("zoo")
class SoftmaxCrossEntropyCost(keras.losses.Loss):
    """The cross-entropy of eq. 63 for softmax outputs, computed from the activations."""

    def call(self, y_true, y_pred):
        """Return each image's cross-entropy, summed over its outputs [n, classes], as [n]."""
        y = _one_hot(y_true, y_pred)
        a = ops.clip(y_pred, keras.config.epsilon(), 1 - keras.config.epsilon())
        return -ops.sum(y * ops.log(a) + (1 - y) * ops.log1p(-a), axis=-1)


@keras.saving.register_keras_serializable("zoo")
class LogLikelihoodCost(keras.losses.SparseCategoricalCrossentropy):
    """C = -ln a_y (eq. 80), which is Keras' own; named here so that the book's word finds it."""


@keras.saving.register_keras_serializable("zoo")
class SmoothedLogLikelihoodCost(keras.losses.Loss):
    """C = -sum_j y_j ln a_j, where y_j is s/10, and 1 - s more for the right digit.

    Label smoothing (Szegedy et al. 2016): an output is never asked to be quite certain.
    """

    def __init__(self, smoothing: float, **loss_options):
        super().__init__(**loss_options)
        self.smoothing = smoothing

    def call(self, y_true, y_pred):
        """Return each image's log-likelihood cost with smoothed labels, as [n]."""
        targets = _one_hot(y_true, y_pred) * (1 - self.smoothing)
        targets = targets + self.smoothing / y_pred.shape[-1]
        return keras.losses.categorical_crossentropy(targets, y_pred)

    def get_config(self):
        """Return what a saved model needs to make this cost again."""
        return {**super().get_config(), "smoothing": self.smoothing}


COSTS = {
    "quadratic": QuadraticCost,
    "cross_entropy": CrossEntropyCost,
    "log_likelihood": LogLikelihoodCost,
}


def cost(spec: NetworkSpec, activation: str | None = None) -> keras.losses.Loss:
    """The cost that a network's recipe names, for the outputs that its last layer has.

    Args:
        spec: Of the network.
        activation: That of the last layer, where the declaration does not know it.
    """
    if spec.recipe.signed:
        return QuadraticCost(signed=True)
    if spec.recipe.label_smoothing:
        return SmoothedLogLikelihoodCost(spec.recipe.label_smoothing)
    if (spec.recipe.cost, activation or spec.output_activation) == ("cross_entropy", "softmax"):
        return SoftmaxCrossEntropyCost()
    return COSTS[spec.recipe.cost]()


def _one_hot(labels, outputs):
    labels = ops.reshape(ops.cast(labels, "int32"), (-1,))
    return ops.one_hot(labels, outputs.shape[-1], dtype=outputs.dtype)


def takes_labels(loss: object) -> bool:
    """Whether a Keras loss compares outputs with the numbers of the classes, not with vectors."""
    if isinstance(loss, (*COSTS.values(), SoftmaxCrossEntropyCost, SmoothedLogLikelihoodCost)):
        return True
    name = loss if isinstance(loss, str) else getattr(loss, "name", getattr(loss, "__name__", ""))
    return "sparse" in str(name)
