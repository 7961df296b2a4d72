"""This project: Keras' `fit` on blocks of mini-batches."""

from __future__ import annotations

from zoo.nn.batching import Blocks
from zoo.nn.builder import build_model


class Program:
    def __init__(self, spec, weights):
        self.recipe = spec.recipe
        self.model = build_model(spec, seed=0)  # of the masks of dropout
        self.model.set_weights([array for pair in weights for array in pair])

    def prepare(self, split):
        return split

    def train(self, data, epochs):
        seed = 0 if self.recipe.shuffle else None
        blocks = Blocks(data, self.recipe.batch_size, shuffle_seed=seed)
        # As the last epochs of a run by the recipe, whose length decides how steps are computed.
        last = max(epochs, self.recipe.epochs)
        self.model.fit(blocks, initial_epoch=last - epochs, epochs=last, verbose=0)

    def answer(self, data):
        return self.model.predict(data.images, batch_size=1000, verbose=0).argmax(axis=1)
