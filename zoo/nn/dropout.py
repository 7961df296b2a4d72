"""Dropout as the book has it: inputs are masked in training and scaled in use."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable("zoo")
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
        """Drop a share of the inputs in training; scale all of them otherwise."""
        keep = 1 - self.rate
        if not training or self.disabled:
            return inputs * keep
        # In single precision whatever `floatx` is, or one seed would draw other masks.
        drawn = keras.random.uniform(ops.shape(inputs), dtype="float32", seed=self.generator)
        return inputs * ops.cast(drawn < keep, inputs.dtype)

    def get_config(self):
        """Return what a saved model needs to make this layer again."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}

    def save_own_variables(self, store):
        """Store the state of the mask's generator."""
        super().save_own_variables(store)
        # Keras leaves generators out: a model loaded to train further would draw old masks again.
        store["masks"] = self.generator.state

    def load_own_variables(self, store):
        """Restore the state of the mask's generator, where one was stored."""
        if "masks" in store:
            self.generator.state.assign(store["masks"])
