"""The way over: a network of network.py or network2.py as the zoo's declaration and Keras model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from zoo.book import pairs
from zoo.book.descent import Parameters
from zoo.spec import FullyConnected, InputSpec, ModelSpec, Recipe

if TYPE_CHECKING:
    import keras


def declaration(name: str, sizes: Sequence[int], recipe: Recipe) -> ModelSpec:
    """The `ModelSpec` of fully connected sigmoid layers.

    784 inputs are an image of 28x28, as everywhere in the zoo; any other number is one column. The
    zoo's inputs are bytes, and 1/256 of them is what the network of the book sees.

    Args:
        name: What the network is called.
        sizes: Neurons in each layer, the inputs first, as in [784, 30, 10].
        recipe: How it is trained.
    """
    shape = (28, 28, 1) if sizes[0] == 784 else (int(sizes[0]), 1, 1)
    layers = tuple(FullyConnected(int(units)) for units in sizes[1:])
    return ModelSpec(name, layers, recipe, input=InputSpec(shape))


def keras_model(spec: ModelSpec, network: Parameters) -> keras.Model:
    """The zoo's Keras model of a declaration, with the weights that the network has now.

    It is a copy in 32 bits: bytes go in, activations come out, and what it learns later is not the
    network's.

    Args:
        spec: Of the network's sizes, as `declaration` makes it.
        network: Its weights [outputs, inputs] and biases [outputs, 1] are copied.
    """
    from zoo.utils.tensorflow import import_tensorflow

    with pairs.own_random_numbers():
        import_tensorflow()
        from zoo.nn.builder import build_model

        model = build_model(spec, seed=0)
    both = zip(network.weights, network.biases, strict=True)
    model.set_weights([np.asarray(array) for w, b in both for array in (w.T, b.ravel())])
    return model
