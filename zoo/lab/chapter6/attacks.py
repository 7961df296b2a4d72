"""Images that mislead a network: gradients with respect to pixels, FGSM and PGD.

Goodfellow, Shlens and Szegedy, "Explaining and harnessing adversarial examples", 2014; Madry,
Makelov, Schmidt, Tsipras and Vladu, "Towards deep learning models resistant to adversarial
attacks", 2017. A model takes bytes, in which there is nothing to differentiate: gradients are taken
of what comes behind its first layer, and what attacks return are bytes again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from zoo.evaluation.scores import EVALUATION_BATCH

if TYPE_CHECKING:
    import keras


def logits(model: keras.Model) -> Callable:
    """A function from float images [n, 28, 28, 1], in bytes' units, to weighted inputs of outputs.

    They are [n, 10] for each softmax layer: one, or one for each member of a vote. A softmax that
    is sure of itself rounds to 1, and its gradient to 0; the weighted inputs keep theirs.
    """
    import keras
    from keras import ops

    from zoo.spec import PIXEL_SCALE

    ends = [layer for layer in model.layers if "softmax" in layer.name]
    before = keras.Model(model.get_layer("scale_pixels").output, [end.input for end in ends])

    def weighted_inputs(images) -> list:
        activations = keras.tree.flatten(before(images * PIXEL_SCALE))
        pairs = zip(ends, activations, strict=True)
        return [ops.matmul(a, end.kernel) + end.bias for end, a in pairs]

    return weighted_inputs


def cost_gradients(model: keras.Model) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """A function that gives, for images and digits, the gradients of -ln a_y (eq. 80) by pixels.

    For a vote the costs of its members are added up.
    """
    import tensorflow as tf

    outputs = logits(model)

    @tf.function(reduce_retracing=True)
    def gradients(images, digits):
        with tf.GradientTape() as tape:
            tape.watch(images)
            costs = [
                tf.nn.sparse_softmax_cross_entropy_with_logits(digits, z) for z in outputs(images)
            ]
            cost = tf.add_n(costs)
        return tape.gradient(cost, images)

    def in_batches(images: np.ndarray, digits: np.ndarray) -> np.ndarray:
        parts = range(0, len(images), EVALUATION_BATCH)
        slices = [slice(start, start + EVALUATION_BATCH) for start in parts]
        float_images = images.astype(np.float32)
        found = [gradients(tf.constant(float_images[s]), tf.constant(digits[s])) for s in slices]
        return np.concatenate([each.numpy() for each in found])

    return in_batches


def fgsm(gradients: Callable, images: np.ndarray, digits: np.ndarray, epsilon: int) -> np.ndarray:
    """The fast gradient sign method: every pixel goes `epsilon` bytes the way that hurts."""
    moved = images + epsilon * np.sign(gradients(images, digits))
    return np.clip(moved, 0, 255).astype(np.uint8)


def pgd(
    gradients: Callable,
    images: np.ndarray,
    digits: np.ndarray,
    epsilon: int,
    *,
    steps: int,
    seed: int = 0,
) -> np.ndarray:
    """Projected gradient descent: many small steps by the sign, none further than `epsilon` away.

    It starts from a point drawn at random within `epsilon`. Steps are 2.5 epsilon / steps long, as
    in the paper, so that every point within reach can be reached.
    """
    noise = np.random.default_rng(seed).uniform(-epsilon, epsilon, images.shape)
    low, high = np.clip(images - float(epsilon), 0, 255), np.clip(images + float(epsilon), 0, 255)
    found = np.clip(images + noise, low, high)
    for _ in range(steps):
        step = 2.5 * epsilon / steps * np.sign(gradients(found, digits))
        found = np.clip(found + step, low, high)
    # Whole bytes; epsilon is one, so rounding leads nobody out of reach.
    return np.rint(found).astype(np.uint8)
