"""Dropout as the book has it: inputs are masked in training and scaled in use."""

from __future__ import annotations

import keras
from keras import ops


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
        self.disabled = False  # whether training goes on without masks, as in use
        # Named, so that a saved state of the generator finds its way back.
        self.generator = keras.random.SeedGenerator(seed, name=f"{self.name}_masks")

    def call(self, inputs, training=False):
        keep = 1 - self.rate
        if not training or self.disabled:
            return inputs * keep
        drawn = keras.random.uniform(ops.shape(inputs), seed=self.generator)
        return inputs * ops.cast(drawn < keep, inputs.dtype)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
