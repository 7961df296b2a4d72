"""Pooling as the builder adds it: by the maximum, the mean, or the root of the sum of squares."""

from __future__ import annotations

import keras
from keras import ops

from zoo.spec import ConvPool


@keras.saving.register_keras_serializable("zoo")
class L2Pooling2D(keras.layers.Layer):
    """The square root of the sum of the squares of each region's activations (section 6.3)."""

    def __init__(self, pool_size: int, strides: int, **layer_options):
        super().__init__(**layer_options)
        self.pool_size = pool_size
        self.strides = strides

    def call(self, inputs):
        """Return the pooled activations of inputs [n, height, width, channels]."""
        means = ops.average_pool(
            ops.square(inputs), self.pool_size, self.strides, data_format="channels_last"
        )
        squares = means * self.pool_size**2
        # The root has no slope at 0, where rectified linear units often are: it is taken to be 0.
        positive = squares > 0
        roots = ops.sqrt(ops.where(positive, squares, ops.ones_like(squares)))
        return ops.where(positive, roots, ops.zeros_like(squares))

    def get_config(self):
        """Return what a saved model needs to make this layer again."""
        return {**super().get_config(), "pool_size": self.pool_size, "strides": self.strides}


def pooling(layer: ConvPool, name: str) -> keras.layers.Layer:
    """The Keras layer that pools what a declared layer does.

    Args:
        layer: Its kind of pooling, the side of a pool and the step between pools are read.
        name: The name of the Keras layer.
    """
    kinds = {
        "max": keras.layers.MaxPooling2D,
        "mean": keras.layers.AveragePooling2D,
        "l2": L2Pooling2D,
    }
    return kinds[layer.pooling](layer.pool, strides=layer.step, name=name)
