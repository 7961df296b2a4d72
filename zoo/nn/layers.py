"""What becomes of each kind of declared layer in Keras: one registered function a kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial, singledispatch
from typing import Any

import keras

from zoo.errors import SpecError
from zoo.nn import initializers, regularizers
from zoo.nn.convolution import GroupedConv2D
from zoo.nn.dropout import BookDropout, DropConnect
from zoo.nn.pooling import pooling
from zoo.spec import LSTM, ConvPool, FullyConnected, Recipe, SimpleRNN, Softmax
from zoo.spec.recurrent import row_length

# Of outputs, whatever the precision of the layers before: costs need all its digits.
OUTPUT = "float32"

# Drawing takes half of the time that building a large network does.
drawing = ContextVar("drawing", default=True)


@dataclass
class BuildContext:
    """What the layers of one model share: its recipe, its seeds, and the names given so far."""

    recipe: Recipe
    seeds: Iterator[int]
    prefix: str = ""
    is_output: bool = False  # of the layer that is added next
    count: dict[str, int] = field(default_factory=dict)

    def name(self, kind: str) -> str:
        """The next name of a kind: conv_1, conv_2, ..."""
        self.count[kind] = self.count.get(kind, 0) + 1
        return f"{self.prefix}{kind}_{self.count[kind]}"

    def initial(self, deviation: float) -> keras.Initializer:
        """Normal with mean 0, from a seed of its own."""
        seed = next(self.seeds)  # drawn in any case, so that dropout has the same seeds in both
        if not drawing.get():
            return keras.initializers.Zeros()
        return keras.initializers.RandomNormal(stddev=deviation, seed=seed)

    def orthogonal(self) -> keras.Initializer:
        """An orthogonal matrix, from a seed of its own."""
        seed = next(self.seeds)
        if not drawing.get():
            return keras.initializers.Zeros()
        return keras.initializers.Orthogonal(seed=seed)


@singledispatch
def add_layer(layer, x, context: BuildContext):
    """Add one declared layer to the tensor `x`; register a function here for a kind of your own.

    Args:
        layer: The declared layer, whose class chooses the function.
        x: The output of the layer before, as Keras' tensor.
        context: Names the layer, and draws its initial weights and seeds.

    Returns:
        The layer's output as Keras' tensor.

    Raises:
        SpecError: No function is registered for its class.
    """
    raise SpecError(f"no Keras builder is registered for {type(layer).__name__} layers")


@add_layer.register
def _(layer: ConvPool, x, context: BuildContext):
    fans = initializers.conv_fans(layer, channels=x.shape[-1])
    if layer.padding:
        x = keras.layers.ZeroPadding2D(layer.padding, name=context.name("padding"))(x)
    conv = GroupedConv2D if layer.groups > 1 else keras.layers.Conv2D
    x = conv(
        layer.filters,
        layer.kernel,
        layer.stride,
        groups=layer.groups,
        **_weights(fans, context),
        name=context.name("conv"),
    )(x)
    after = [keras.layers.Activation(layer.activation, name=context.name("activation"))]
    if layer.pool > 1:
        # The maximum first leaves a quarter of the activations to compute, and since every
        # activation of the book rises, the largest input has the largest output: the result is the
        # same. A mean of activations is another one than the activation of a mean.
        place = 0 if layer.pooling == "max" else 1
        after.insert(place, pooling(layer, context.name("pool")))
    for step in after:
        x = step(x)
    return x


@add_layer.register
def _(layer: FullyConnected, x, context: BuildContext):
    x = _flat_and_dropped(x, layer.dropout, context)
    fans = initializers.dense_fans(layer, x.shape[-1], context.recipe.initializer)
    dense = keras.layers.Dense
    if layer.dropconnect:
        dense = partial(DropConnect, rate=layer.dropconnect, seed=next(context.seeds))
    return dense(
        layer.units,
        activation=layer.activation,
        dtype=OUTPUT if context.is_output else None,
        **_weights(fans, context),
        name=context.name("dense"),
    )(x)


@add_layer.register
def _(layer: SimpleRNN, x, context: BuildContext):
    return _recurrent(keras.layers.SimpleRNN, layer, x, context, "rnn", activation=layer.activation)


@add_layer.register
def _(layer: LSTM, x, context: BuildContext):
    return _recurrent(keras.layers.LSTM, layer, x, context, "lstm")


def _recurrent(kind, layer: SimpleRNN | LSTM, x, context: BuildContext, name: str, **options):
    rows, inputs = x.shape[1], row_length(x.shape[1:])
    x = keras.layers.Reshape((rows, inputs), name=context.name("rows"))(x)
    fans = inputs, layer.units
    deviation = initializers.kernel_deviation(context.recipe.initializer, *fans)
    penalty = regularizers.penalty(context.recipe)
    return kind(
        layer.units,
        kernel_initializer=context.initial(deviation),
        # The book has no recipe for these: the state starts from a rotation, so that it neither
        # grows nor fades (Saxe et al. 2014), and biases from Keras' own.
        recurrent_initializer=context.orthogonal(),
        kernel_regularizer=penalty,
        recurrent_regularizer=penalty,
        unroll=True,  # a plain chain of products, which every export format has
        name=context.name(name),
        **options,
    )(x)


@add_layer.register
def _(layer: Softmax, x, context: BuildContext):
    x = _flat_and_dropped(x, layer.dropout, context)
    return keras.layers.Dense(
        layer.units,
        "softmax",
        dtype=OUTPUT,
        kernel_initializer="zeros",  # as network3.py starts it, whatever the other layers do
        kernel_regularizer=regularizers.penalty(context.recipe),
        name=context.name("softmax"),
    )(x)


def _weights(fans: tuple[float, float], context: BuildContext) -> dict[str, Any]:
    """How a layer's weights begin, and their penalty, as options of the Keras layer."""
    kind = context.recipe.initializer
    return {
        "kernel_initializer": context.initial(initializers.kernel_deviation(kind, *fans)),
        "bias_initializer": context.initial(initializers.bias_deviation(kind)),
        "kernel_regularizer": regularizers.penalty(context.recipe),
    }


def _flat_and_dropped(x, dropout: float, context: BuildContext):
    if len(x.shape) > 2:
        x = keras.layers.Flatten(name=context.name("flatten"))(x)
    if dropout:
        seed = next(context.seeds)
        x = BookDropout(dropout, seed=seed, name=context.name("dropout"))(x)
    return x
