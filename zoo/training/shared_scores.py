"""Scores of a set while several processes train together: each computes its share of the images."""

from __future__ import annotations

import keras

from zoo.data import Split
from zoo.evaluation.scores import EVALUATION_BATCH, evaluate
from zoo.nn.mapped_images import keras_data
from zoo.nn.processes import process, share


def own_share(split: Split) -> Split:
    """The images of a set that this process scores; all of them, where it trains alone."""
    if process()[1] == 1:
        return split
    mine = share(len(split))
    return Split(split.images[mine], split.labels[mine])


def accuracy(model: keras.Model, split: Split) -> float:
    """The share of a set's images that a model classifies correctly, in 0..1.

    Args:
        model: That is being trained, compiled by its recipe.
        split: The whole set, in every process.
    """
    if process()[1] == 1:
        return evaluate(model, split).accuracy
    # A process holds the answers to its own images alone; Keras' metrics count those of all.
    given = keras_data(own_share(split), EVALUATION_BATCH)
    x, y = (given, None) if isinstance(given, keras.utils.PyDataset) else given
    scores = model.evaluate(x, y, batch_size=EVALUATION_BATCH, verbose=0, return_dict=True)
    return round(scores["accuracy"] * len(split)) / len(split)
