"""The layers of a model with those of models inside it, as a registered function makes them."""

from __future__ import annotations

import keras


def all_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers of a model, then those of each model among them.

    Args:
        model: Functional or sequential.
    """
    inner = [all_layers(layer) for layer in model.layers if isinstance(layer, keras.Model)]
    return [*model.layers, *(layer for layers in inner for layer in layers)]


def activations(model: keras.Model) -> tuple[str, ...]:
    """The names of a model's activation functions, layer by layer, without those that do nothing.

    Networks whose weights have the same names and shapes may still differ in these.

    Args:
        model: As for `all_layers`.
    """
    given = (getattr(layer, "activation", None) for layer in all_layers(model))
    names = (getattr(each, "__name__", str(each)) for each in given if each is not None)
    return tuple(name for name in names if name != "linear")


def output_activation(model: keras.Model) -> str:
    """The name of the activation that a model ends with; empty where its last layer has none.

    Args:
        model: One with a single output.
    """
    last = model.layers[-1]
    if isinstance(last, keras.Model):
        return output_activation(last)
    if isinstance(last, keras.layers.Softmax):
        return "softmax"
    return getattr(getattr(last, "activation", None), "__name__", "")
