"""Convolutions in groups, as one plain convolution for each group."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable("zoo")
class GroupedConv2D(keras.layers.Conv2D):
    """Keras' Conv2D with `groups`, computed group by group.

    On TensorFlow Keras leaves such a convolution to XLA, whose call no other export format has.
    """

    def convolution_op(self, inputs, kernel):
        """Return the convolution of inputs [n, height, width, channels], without the bias."""
        parts = zip(
            ops.split(inputs, self.groups, axis=-1),
            ops.split(kernel, self.groups, axis=-1),
            strict=True,
        )
        done = [
            ops.conv(part, each, list(self.strides), self.padding, "channels_last")
            for part, each in parts
        ]
        return ops.concatenate(done, axis=-1)
