"""Keras with all that speeds up its `fit`: a cached data set, and many steps in one call.

Compiling the step by XLA was tried, too: it is slower for `mlp30`, and far slower for convolutions.
"""

from __future__ import annotations

from typing import ClassVar

import tensorflow as tf

from benchmarks.peers import with_keras

STEPS = 100  # 500 is no faster


class Program(with_keras.Program):
    settings: ClassVar = {"steps_per_execution": STEPS}

    def prepare(self, split):
        images, labels = super().prepare(split)
        dataset = tf.data.Dataset.from_tensor_slices((images, labels)).cache()
        if self.recipe.shuffle:
            dataset = dataset.shuffle(len(images))
        return images, dataset.batch(self.recipe.batch_size).prefetch(tf.data.AUTOTUNE)

    def train(self, data, epochs):
        self.model.fit(data[1], epochs=epochs, shuffle=False, verbose=0)
