"""Many networks of one shape as one TensorFlow program, which takes a step for all of them at once.

Their weights are stacked: a kernel is [networks, inputs, units], a bias [networks, units], and a
layer is one batched product. Where all networks see the same images, the first kernel is
[inputs, networks, units], and the first layer, in which a small network spends most of its time,
becomes one large product. No network's numbers meet another's, so one may diverge by itself.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from zoo.nn import losses, optimizers, regularizers
from zoo.nn.schedules import one_cycle_points
from zoo.spec import PIXEL_SCALE, ModelSpec, NetworkSpec, Recipe

# What networks of one program may differ in: none of it changes what is computed, or in what shape.
FREE = {
    "learning_rate": 1.0,
    "l2": 0.0,
    "l1": 0.0,
    "lambda_per": "image",
    "momentum": 0.0,
    "nesterov": False,
    "initializer": "lecun_normal",
    "patience": None,
    "schedule": "constant",
}


@dataclass(frozen=True)
class ProgramKey:
    """What a program is made for; an equal key finds the program that is compiled already.

    `template` is the declaration that the networks share, `shared` whether they see the same images
    in the same order.
    """

    template: ModelSpec
    networks: int
    shared: bool
    has_momentum: bool
    has_l1: bool


def template_of(spec: NetworkSpec) -> ModelSpec:
    """The declaration without a name and with all that networks may differ in left out."""
    assert isinstance(spec, ModelSpec)
    free = dict(FREE)
    if spec.recipe.schedule == "one_cycle":
        free["schedule"] = "one_cycle"
    elif not spec.recipe.dropout_off_epochs:
        free["epochs"] = 1  # nothing counts from the last one
    return ModelSpec("template", spec.layers, spec.with_settings(**free).recipe)


def settings_of(recipes: Sequence[Recipe], factors: Sequence[float]) -> dict[str, tf.Tensor]:
    """What the networks of one program differ in.

    Args:
        recipes: One a network.
        factors: What the learning rate of each is multiplied by.

    Returns:
        By name a vector each, float32 [networks]: `rate`, `l1` and `l2` as Keras' penalties have
        them, `momentum`, and `nesterov` as 0 or 1.
    """
    penalties = [regularizers.penalty(recipe) for recipe in recipes]
    record = {
        "rate": [
            recipe.learning_rate * factor for recipe, factor in zip(recipes, factors, strict=True)
        ],
        "l1": [float(penalty.l1) if penalty else 0.0 for penalty in penalties],
        "l2": [float(penalty.l2) if penalty else 0.0 for penalty in penalties],
        "momentum": [recipe.momentum for recipe in recipes],
        "nesterov": [float(recipe.nesterov) for recipe in recipes],
    }
    return {name: tf.constant(values, tf.float32) for name, values in record.items()}


class Program:
    """Trains and evaluates stacked weights, which are given and returned: it keeps no state.

    Weights, and velocities where there is momentum, are lists in the order of Keras: a kernel and a
    bias a layer.
    """

    def __init__(self, key: ProgramKey):
        self.key = key
        self.cost = losses.cost(key.template)
        self.activations = [
            keras.activations.get(getattr(layer, "activation", "softmax"))
            for layer in key.template.layers
        ]
        recipe = key.template.recipe
        one_cycle = recipe.schedule == "one_cycle"
        self.cycle = optimizers.OneCycle(1.0, *one_cycle_points(recipe)) if one_cycle else None
        # Partial, since TensorFlow counts traces by code, and warns where programs share it.
        self.train = tf.function(functools.partial(self._train), jit_compile=True)
        # Without XLA, which would take ten times as long as it saves in an epoch.
        self.evaluate = tf.function(functools.partial(self._evaluate))

    def stack(self, networks: Sequence[Sequence[np.ndarray]]) -> list[tf.Tensor]:
        """The arrays of each network, in the order of its weights, as one list of tensors."""
        return [
            tf.constant(np.stack(arrays, self._axis(index)))
            for index, arrays in enumerate(zip(*networks, strict=True))
        ]

    def unstack(self, tensors: Sequence[tf.Tensor]) -> list[list[np.ndarray]]:
        """What `stack` was given."""
        arrays = [
            np.moveaxis(tensor.numpy(), self._axis(index), 0)
            for index, tensor in enumerate(tensors)
        ]
        return [list(network) for network in zip(*arrays, strict=True)] or [
            [] for _ in range(self.key.networks)
        ]

    # --- compiled ---------------------------------------------------------------------------------

    def _train(self, weights, velocities, settings, first_step, images, labels):
        """A step of gradient descent for each mini-batch of a block.

        Images are [batches, size, 784] bytes where they are shared, [batches, networks, size, 784]
        where not. Returns weights, velocities, and what `_measure` says of the answers given.
        """

        def step(index, weights, velocities, answers):
            with tf.GradientTape() as tape:
                tape.watch(weights)
                answer = self._answer(weights, images[index])
                # A sum over networks, so that each gradient is that of its network's mean alone.
                cost = tf.reduce_sum(self.cost.call(self._labels(labels[index]), answer)) / size
            gradients = tape.gradient(cost, weights)
            rate = settings["rate"]
            if self.cycle:
                rate = rate * self.cycle(first_step + index)
            weights, velocities = self._step(
                weights, velocities, gradients, {**settings, "rate": rate}
            )
            return index + 1, weights, velocities, answers.write(index, answer)

        count, size = images.shape[0], images.shape[-2]
        answers = tf.TensorArray(tf.float32, size=count)
        _, weights, velocities, answers = tf.while_loop(
            lambda index, *_: index < count, step, [0, weights, velocities, answers]
        )
        networks = self.key.networks
        answers = tf.reshape(answers.stack(), [count, networks, size, -1])
        answers = tf.reshape(tf.transpose(answers, [1, 0, 2, 3]), [networks * count * size, -1])
        labels = tf.reshape(labels, [-1]) if self.key.shared else tf.transpose(labels, [1, 0, 2])
        return weights, velocities, self._measure(weights, settings, answers, labels)

    def _evaluate(self, weights, settings, images, labels):
        """What `_measure` says of images [n, 784] that all networks see."""
        return self._measure(weights, settings, self._answer(weights, images), labels)

    def _answer(self, weights, images):
        """The outputs, [networks * n, 10]."""
        outputs = tf.cast(images, tf.float32) * PIXEL_SCALE
        for index, activation in enumerate(self.activations):
            kernel, bias = weights[2 * index : 2 * index + 2]
            units = bias.shape[1]
            if self._axis(2 * index):
                z = tf.matmul(outputs, tf.reshape(kernel, [kernel.shape[0], -1]))
                z = tf.transpose(tf.reshape(z, [-1, *bias.shape]), [1, 0, 2])
            else:
                z = tf.matmul(outputs, kernel)
            # Flat, and straight into the activation: it notes its inputs on its outputs, and
            # Keras computes costs from those.
            flat = activation(tf.reshape(z + bias[:, None], [-1, units]))
            outputs = tf.reshape(flat, [self.key.networks, -1, units])
        return flat

    def _step(self, weights, velocities, gradients, settings):
        """Gradient descent, with momentum and penalties, as Keras' optimizer takes it."""
        moved, faster = [], []
        for index, (weight, gradient) in enumerate(zip(weights, gradients, strict=True)):
            own = {name: self._spread(vector, index) for name, vector in settings.items()}
            if index % 2 == 0:  # biases cost nothing
                gradient += _times(weight, 2 * own["l2"])
                if self.key.has_l1:
                    gradient += own["l1"] * tf.sign(weight)
            change = -own["rate"] * gradient
            if self.key.has_momentum:
                velocity = _times(velocities[index], own["momentum"]) + change
                faster.append(velocity)
                ahead = _times(velocity, own["momentum"]) + change
                change = tf.where(own["nesterov"] > 0, ahead, velocity)
            moved.append(weight + change)
        return moved, faster

    def _measure(self, weights, settings, answers, labels):
        """The cost of each network, its penalty included, and how many answers are right."""
        labels = self._labels(labels)
        costs = tf.reshape(self.cost.call(labels, answers), [self.key.networks, -1])
        right = tf.argmax(answers, -1, output_type=tf.int32) == labels
        right = tf.reshape(tf.cast(right, tf.int32), [self.key.networks, -1])
        costs = tf.reduce_mean(costs, 1)
        for index in range(0, len(weights), 2):
            axes = [axis for axis in range(3) if axis != self._axis(index)]
            costs += _times(tf.reduce_sum(tf.square(weights[index]), axes), settings["l2"])
            if self.key.has_l1:
                costs += _times(tf.reduce_sum(tf.abs(weights[index]), axes), settings["l1"])
        return costs, tf.reduce_sum(right, 1)

    def _labels(self, labels):
        """One label an answer, flat; labels that all networks share are [n]."""
        flat = tf.reshape(labels, [-1])
        return tf.tile(flat, [self.key.networks]) if labels.shape.rank == 1 else flat

    def _spread(self, vector, index):
        """A number a network, in a shape that multiplies the weights of that index."""
        behind = 2 - index % 2 - self._axis(index)
        return tf.reshape(vector, [-1, *[1] * behind])

    def _axis(self, index: int) -> int:
        """Which axis of the weights of that index counts the networks."""
        return 1 if self.key.shared and index == 0 else 0


def _times(values, factors):
    """The product; 0 where the factor is, for a network without it, even of infinite weights."""
    return tf.math.multiply_no_nan(values, factors)
