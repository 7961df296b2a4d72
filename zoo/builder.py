"""The builder: from a declaration to a compiled Keras model.

Each kind of layer record has one registered function that adds it to the model. There are no
numbers here: they come from the records, and the book's conventions from `zoo/conventions.py`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import singledispatch

import keras
import numpy as np

from zoo import conventions
from zoo.blocks import BlockModel
from zoo.errors import SpecError
from zoo.spec import (
    IMAGE_SHAPE,
    ConvPool,
    FullyConnected,
    KerasFunction,
    ModelSpec,
    Recipe,
    Softmax,
    Vote,
)


def build_model(spec: ModelSpec, *, seed: int | None = None) -> keras.Model:
    """Turn a declaration into a Keras model, compiled with its recipe.

    Bytes (uint8, 28x28x1) go in, and scaling them is the model's first layer, so that training,
    serving and exports share one contract. The same seed gives the same initial weights.
    """
    images = keras.Input(IMAGE_SHAPE, dtype="uint8", name="images")
    if spec.is_function:
        outputs = _call_function(spec.layers[0], images, seed)
    else:
        plan = Plan(spec.recipe, seeds=_seeds(seed))
        with _computing_in(spec.recipe.precision):
            outputs = keras.layers.Rescaling(conventions.PIXEL_SCALE, name="scale_pixels")(images)
            for layer in spec.layers:
                outputs = add_layer(layer, outputs, plan)
    model = BlockModel(images, outputs, name=spec.name.replace(".", "_"))
    _compile(model, spec)
    return model


@dataclass
class Plan:
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
        return keras.initializers.RandomNormal(stddev=deviation, seed=next(self.seeds))


# --- one function for each kind of layer ----------------------------------------------------------


@singledispatch
def add_layer(layer, x, plan: Plan):
    """Add one declared layer to the tensor `x`; register a function here for a kind of your own."""
    raise SpecError(f"no Keras builder is registered for {type(layer).__name__} layers")


@add_layer.register
def _(layer: ConvPool, x, plan: Plan):
    fans = conventions.conv_fans(layer, channels=x.shape[-1])
    kind = plan.recipe.initializer
    x = keras.layers.Conv2D(
        layer.filters,
        layer.kernel,
        kernel_initializer=plan.initial(conventions.kernel_deviation(kind, *fans)),
        bias_initializer=plan.initial(conventions.bias_deviation(kind)),
        kernel_regularizer=conventions.penalty(plan.recipe),
        name=plan.name("conv"),
    )(x)
    # Pooling first leaves a quarter of the activations to compute, and since every activation of
    # the book rises, the largest input has the largest output: the result is the same.
    x = keras.layers.MaxPooling2D(layer.pool, name=plan.name("pool"))(x)
    return keras.layers.Activation(layer.activation, name=plan.name("activation"))(x)


@add_layer.register
def _(layer: FullyConnected, x, plan: Plan):
    x = _flat_and_dropped(x, layer.dropout, plan)
    kind = plan.recipe.initializer
    fans = conventions.dense_fans(layer, inputs=x.shape[-1], kind=kind)
    return keras.layers.Dense(
        layer.units,
        layer.activation,
        kernel_initializer=plan.initial(conventions.kernel_deviation(kind, *fans)),
        bias_initializer=plan.initial(conventions.bias_deviation(kind)),
        kernel_regularizer=conventions.penalty(plan.recipe),
        name=plan.name("dense"),
    )(x)


@add_layer.register
def _(layer: Softmax, x, plan: Plan):
    x = _flat_and_dropped(x, layer.dropout, plan)
    return keras.layers.Dense(
        layer.units,
        "softmax",
        dtype="float32",  # whatever the precision of the layers before: costs need all its digits
        kernel_initializer="zeros",  # as network3.py starts it, whatever the other layers do
        kernel_regularizer=conventions.penalty(plan.recipe),
        name=plan.name("softmax"),
    )(x)


@add_layer.register
def _(layer: Vote, x, plan: Plan):
    outputs = []
    for number, parts in enumerate(layer.members, start=1):
        member = Plan(plan.recipe, plan.seeds, prefix=f"member_{number}_")
        output = x
        for part in parts:
            output = add_layer(part, output, member)
        outputs.append(output)
    name = plan.name("tally")
    return conventions.Tally(layer.rule, layer.weights, name=name, dtype="float32")(outputs)


def _flat_and_dropped(x, dropout: float, plan: Plan):
    if len(x.shape) > 2:
        x = keras.layers.Flatten(name=plan.name("flatten"))(x)
    if dropout:
        seed = next(plan.seeds)
        x = conventions.BookDropout(dropout, seed=seed, name=plan.name("dropout"))(x)
    return x


# --- the rest -------------------------------------------------------------------------------------


def _compile(model: keras.Model, spec: ModelSpec) -> None:
    model.compile(
        optimizer=conventions.optimizer(spec.recipe),
        loss=conventions.cost(spec),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        jit_compile=_best_jit(spec),
    )


def _best_jit(spec: ModelSpec) -> bool | str:
    # XLA halves the time of dense networks, but its convolutions on a processor are far slower
    # than oneDNN's. On other backends, and for functions, Keras decides.
    dense = all(isinstance(layer, FullyConnected | Softmax) for layer in spec.layers)
    if keras.backend.backend() != "tensorflow" or spec.is_function:
        return "auto"
    return dense


@contextlib.contextmanager
def _computing_in(precision: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _call_function(layer: KerasFunction, images, seed: int | None):
    if seed is not None:
        keras.utils.set_random_seed(seed)  # the only hold on initializers that are not ours
    model = layer.function()
    if not isinstance(model, keras.Model):
        raise SpecError(f"{layer.reference} must return a keras.Model, not {type(model).__name__}")
    outputs = model(images)
    if outputs.shape != (None, conventions.DIGITS):
        raise SpecError(
            f"{layer.reference} must put out {conventions.DIGITS} numbers an image, "
            f"not a tensor of shape {outputs.shape}"
        )
    return outputs


def _seeds(seed: int | None) -> Iterator[int]:
    # One stream for all layers, so that no two of them start from the same numbers.
    generator = np.random.default_rng(seed)
    while True:
        yield int(generator.integers(2**31))
