"""The way over: a network of network.py or network2.py as the zoo's declaration and Keras model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from zoo.book import pairs
from zoo.book.descent import Parameters
from zoo.errors import SpecError
from zoo.spec import FullyConnected, ModelSpec, Recipe

if TYPE_CHECKING:
    import keras


def declaration(name: str, sizes: Sequence[int], recipe: Recipe) -> ModelSpec:
    """The `ModelSpec` of fully connected sigmoid layers.

    Raises:
        SpecError: Other inputs than 784 or other outputs than ten, which the zoo's specs have.
    """
    if len(sizes) < 2 or (sizes[0], sizes[-1]) != (784, 10):
        raise SpecError(
            f"a network of sizes {list(sizes)} has no spec: the zoo's networks have 784 inputs "
            "and 10 outputs. It trains all the same, by SGD."
        )
    return ModelSpec(name, tuple(FullyConnected(units) for units in sizes[1:]), recipe)


def keras_model(spec: ModelSpec, network: Parameters) -> keras.Model:
    """The zoo's Keras model of a declaration, with the weights that the network has now.

    It is a copy in 32 bits: bytes [n, 28, 28, 1] go in, ten activations come out, and what it
    learns later is not the network's.
    """
    from zoo.quiet import import_tensorflow

    with pairs.own_random_numbers():
        import_tensorflow()
        from zoo.builder import build_model

        model = build_model(spec, seed=0)
    both = zip(network.weights, network.biases, strict=True)
    model.set_weights([np.asarray(array) for w, b in both for array in (w.T, b.ravel())])
    return model
