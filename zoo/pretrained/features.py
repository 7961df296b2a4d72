"""Features: what the last hidden layer of a trained network puts out."""

from __future__ import annotations

import keras

from zoo.nn.block_model import BlockModel
from zoo.nn.dropout import BookDropout
from zoo.pretrained.models import load
from zoo.pretrained.transfer import head
from zoo.spec import NetworkSpec


def features(network: str | NetworkSpec | keras.Model) -> keras.Model:
    """A network up to its last hidden layer: from images to the numbers that its head sees.

    Args:
        network: A pretrained network by its name, or a model of the zoo, as `zoo.train` returns it.

    Returns:
        A model from byte images to features, [n, units], with the weights of the network; the two
        share them.

    Raises:
        SpecError: The network is an ensemble, or ends with something else than a dense layer.
        UnknownNameError: There is no network of that name, or no weights for it.

    >>> import numpy as np
    >>> import zoo
    >>> zoo.features("mlp30").predict(np.zeros((2, 28, 28, 1), np.uint8), verbose=0).shape
    (2, 30)
    """
    if not isinstance(network, keras.Model):
        network = load(network)
    tensor = head(network).input
    while isinstance(layer := tensor._keras_history.operation, BookDropout):
        tensor = layer.input
    return BlockModel(network.inputs, tensor, name=f"{network.name}_features")
