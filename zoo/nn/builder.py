"""The builder: from a declaration to a compiled Keras model.

Each kind of layer record has one registered function that adds it to the model. There are no
numbers here: they come from the records, and from the modules beside this one.
"""

from __future__ import annotations

import contextlib
import random
import warnings
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import singledispatch

import keras
import numpy as np

from zoo.errors import SpecError
from zoo.nn import initializers, losses, optimizers, regularizers
from zoo.nn.block_model import BlockModel
from zoo.nn.dropout import BookDropout
from zoo.nn.voting import Tally
from zoo.spec import (
    ConvPool,
    EnsembleSpec,
    FullyConnected,
    FunctionSpec,
    Layer,
    ModelSpec,
    NetworkSpec,
    Recipe,
    Softmax,
)
from zoo.spec.limits import check_size


def build_model(
    spec: NetworkSpec, *, seed: int | None = None, draw_weights: bool = True
) -> keras.Model:
    """Turn a declaration into a Keras model, compiled with its recipe.

    Bytes (uint8) of the declared shape go in, and scaling them is the model's first layer, so that
    training, serving and exports share one contract. The same seed gives the same initial weights;
    without one, `keras.utils.set_random_seed` decides them. Without `draw_weights` they are 0, for
    callers that have trained ones. Precision and layout are the declaration's, whatever Keras is
    set to. SpecError for a network that is larger than `zoo.spec.limits` allows.
    """
    check_size(spec)
    before = _drawing.set(draw_weights)
    try:
        with keras_settings(spec.recipe.precision):
            images = keras.Input(spec.input.shape, dtype=spec.input.dtype, name="images")
            outputs = add_network(spec, images, seed)
            model = BlockModel(images, outputs, name=spec.name.replace(".", "_"))
            _compile(model, spec)
    finally:
        _drawing.reset(before)
    return model


# Drawing takes half of the time that building a large network does.
_drawing = ContextVar("_drawing", default=True)


@dataclass
class BuildContext:
    """What the layers of one model share: its recipe, its seeds, and the names given so far."""

    recipe: Recipe
    seeds: Iterator[int]
    prefix: str = ""
    count: dict[str, int] = field(default_factory=dict)

    def name(self, kind: str) -> str:
        """The next name of a kind: conv_1, conv_2, ..."""
        self.count[kind] = self.count.get(kind, 0) + 1
        return f"{self.prefix}{kind}_{self.count[kind]}"

    def initial(self, deviation: float) -> keras.Initializer:
        """Normal with mean 0, from a seed of its own."""
        seed = next(self.seeds)  # drawn in any case, so that dropout has the same seeds in both
        if not _drawing.get():
            return keras.initializers.Zeros()
        return keras.initializers.RandomNormal(stddev=deviation, seed=seed)


# --- one function for each kind of network --------------------------------------------------------


@singledispatch
def add_network(spec, images, seed: int | None):
    """Add all of a declared network to the images; register a function here for another kind."""
    raise SpecError(f"no Keras builder is registered for a {type(spec).__name__}")


@add_network.register
def _(spec: ModelSpec, images, seed: int | None):
    context = BuildContext(spec.recipe, seeds=_seeds(seed))
    return _add_layers(spec.layers, _scaled(spec, images), context)


@add_network.register
def _(spec: EnsembleSpec, images, seed: int | None):
    seeds, outputs = _seeds(seed), []
    x = _scaled(spec, images)
    for number, layers in enumerate(spec.member_layers, start=1):
        context = BuildContext(spec.recipe, seeds, prefix=f"member_{number}_")
        outputs.append(_add_layers(layers, x, context))
    return Tally(spec.rule, spec.weights, name="tally_1", dtype="float32")(outputs)


@add_network.register
def _(spec: FunctionSpec, images, seed: int | None):
    if seed is not None:
        keras.utils.set_random_seed(seed)  # the only hold on initializers that are not ours
    model, name = spec.function(), str(spec)
    if not isinstance(model, keras.Model):
        raise SpecError(f"{name} must return a keras.Model, not {type(model).__name__}")
    outputs = model(images)
    if outputs.shape != (None, spec.classes):
        raise SpecError(
            f"{name} must put out {spec.classes} numbers an image, "
            f"not a tensor of shape {outputs.shape}"
        )
    return outputs


def _scaled(spec: NetworkSpec, images):
    return keras.layers.Rescaling(spec.input.scale, name="scale_pixels")(images)


def _add_layers(layers: Iterable[Layer], x, context: BuildContext):
    for layer in layers:
        x = add_layer(layer, x, context)
    return x


# --- one function for each kind of layer ----------------------------------------------------------


@singledispatch
def add_layer(layer, x, context: BuildContext):
    """Add one declared layer to the tensor `x`; register a function here for a kind of your own."""
    raise SpecError(f"no Keras builder is registered for {type(layer).__name__} layers")


@add_layer.register
def _(layer: ConvPool, x, context: BuildContext):
    fans = initializers.conv_fans(layer, channels=x.shape[-1])
    kind = context.recipe.initializer
    x = keras.layers.Conv2D(
        layer.filters,
        layer.kernel,
        kernel_initializer=context.initial(initializers.kernel_deviation(kind, *fans)),
        bias_initializer=context.initial(initializers.bias_deviation(kind)),
        kernel_regularizer=regularizers.penalty(context.recipe),
        name=context.name("conv"),
    )(x)
    # Pooling first leaves a quarter of the activations to compute, and since every activation of
    # the book rises, the largest input has the largest output: the result is the same.
    x = keras.layers.MaxPooling2D(layer.pool, name=context.name("pool"))(x)
    return keras.layers.Activation(layer.activation, name=context.name("activation"))(x)


@add_layer.register
def _(layer: FullyConnected, x, context: BuildContext):
    x = _flat_and_dropped(x, layer.dropout, context)
    kind = context.recipe.initializer
    fans = initializers.dense_fans(layer, inputs=x.shape[-1], kind=kind)
    return keras.layers.Dense(
        layer.units,
        layer.activation,
        kernel_initializer=context.initial(initializers.kernel_deviation(kind, *fans)),
        bias_initializer=context.initial(initializers.bias_deviation(kind)),
        kernel_regularizer=regularizers.penalty(context.recipe),
        name=context.name("dense"),
    )(x)


@add_layer.register
def _(layer: Softmax, x, context: BuildContext):
    x = _flat_and_dropped(x, layer.dropout, context)
    return keras.layers.Dense(
        layer.units,
        "softmax",
        dtype="float32",  # whatever the precision of the layers before: costs need all its digits
        kernel_initializer="zeros",  # as network3.py starts it, whatever the other layers do
        kernel_regularizer=regularizers.penalty(context.recipe),
        name=context.name("softmax"),
    )(x)


def _flat_and_dropped(x, dropout: float, context: BuildContext):
    if len(x.shape) > 2:
        x = keras.layers.Flatten(name=context.name("flatten"))(x)
    if dropout:
        seed = next(context.seeds)
        x = BookDropout(dropout, seed=seed, name=context.name("dropout"))(x)
    return x


# --- the rest -------------------------------------------------------------------------------------


def _compile(model: keras.Model, spec: NetworkSpec) -> None:
    model.compile(
        optimizer=optimizers.optimizer(spec.recipe),
        loss=losses.cost(spec),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        jit_compile=_best_jit(spec),
    )


def _best_jit(spec: NetworkSpec) -> bool | str:
    # XLA halves the time of dense networks, but its convolutions on a processor are far slower
    # than oneDNN's. On other backends, and for functions, Keras decides.
    if keras.backend.backend() != "tensorflow" or isinstance(spec, FunctionSpec):
        return "auto"
    return isinstance(spec, ModelSpec) and is_dense(spec)


def is_dense(spec: ModelSpec) -> bool:
    """Whether all layers of a network are fully connected."""
    return all(isinstance(layer, FullyConnected | Softmax) for layer in spec.layers)


@contextlib.contextmanager
def keras_settings(precision: str) -> Iterator[None]:
    """Have Keras compute in a precision, from images whose channels come last."""
    policy, floatx = keras.config.dtype_policy(), keras.config.floatx()
    layout = keras.config.image_data_format()
    if policy.name not in ("float32", precision):
        warnings.warn(
            f"Keras is set to {policy.name}, and this network computes in {precision}, as its "
            "recipe says: the setting `precision` changes it, as in precision='mixed_bfloat16'",
            stacklevel=2,
        )
    try:
        keras.config.set_floatx("float32")
        keras.config.set_image_data_format("channels_last")
        keras.config.set_dtype_policy(precision)
        yield
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_image_data_format(layout)
        keras.config.set_dtype_policy(policy)


def _seeds(seed: int | None) -> Iterator[int]:
    # One stream for all layers, so that no two of them start from the same numbers.
    if seed is None:
        seed = random.getrandbits(32)  # as Keras' own initializers have it
    generator = np.random.default_rng(seed)
    while True:
        yield int(generator.integers(2**31))
