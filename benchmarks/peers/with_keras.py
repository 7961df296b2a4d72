"""Keras with its defaults: a `Sequential` model, arrays of floats, and `fit`."""

from __future__ import annotations

from typing import Any, ClassVar

import keras

from benchmarks.peers import decay, floats
from zoo.nn.losses import COSTS
from zoo.spec import ConvPool, Softmax


class Program:
    settings: ClassVar[dict[str, Any]] = {}  # of `compile`

    def __init__(self, spec, weights):
        self.recipe = spec.recipe
        self.model = keras.Sequential([keras.Input((28, 28, 1)), *_layers(spec)])
        self.model.compile(
            optimizer=keras.optimizers.SGD(self.recipe.learning_rate),
            loss=COSTS[self.recipe.cost](),
            metrics=[keras.metrics.SparseCategoricalAccuracy()],
            **self.settings,
        )
        self.model.set_weights([array for pair in weights for array in pair])

    def prepare(self, split):
        return floats(split.images), split.labels

    def train(self, data, epochs):
        size, shuffle = self.recipe.batch_size, self.recipe.shuffle
        self.model.fit(*data, batch_size=size, epochs=epochs, shuffle=shuffle, verbose=0)

    def answer(self, data):
        return self.model.predict(data[0], batch_size=1000, verbose=0).argmax(axis=1)


def _layers(spec):
    penalty = keras.regularizers.L2(decay(spec) / 2)
    for layer in spec.layers:
        if isinstance(layer, ConvPool):
            yield keras.layers.Conv2D(layer.filters, layer.kernel, kernel_regularizer=penalty)
            yield keras.layers.MaxPooling2D(layer.pool)
            yield keras.layers.Activation(layer.activation)
        else:
            activation = "softmax" if isinstance(layer, Softmax) else layer.activation
            yield keras.layers.Flatten()
            yield keras.layers.Dense(layer.units, activation, kernel_regularizer=penalty)
