"""The builder: from a declaration to a compiled Keras model.

There are no numbers here: they come from the records, and from the modules beside this one. What
becomes of each kind of layer is said in layers.py.
"""

from __future__ import annotations

import contextlib
import random
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import singledispatch

import keras
import numpy as np
from keras.src.backend.common import global_state

from zoo.errors import SpecError
from zoo.nn import losses, optimizers
from zoo.nn.block_model import BlockModel
from zoo.nn.layers import BuildContext, add_layer, drawing
from zoo.nn.nested import output_activation
from zoo.nn.voting import NOT_NEGATIVE, Tally
from zoo.spec import (
    EnsembleSpec,
    FullyConnected,
    FunctionSpec,
    Layer,
    ModelSpec,
    NetworkSpec,
    Softmax,
)
from zoo.spec.limits import check_size
from zoo.spec.validation import whole_number

# Where Keras keeps the numbers of the names that it gives; there is no public way to them.
_COUNTERS = "object_name_uids"

__all__ = ["BuildContext", "add_layer", "add_network", "build_model", "is_dense", "keras_settings"]


def build_model(
    spec: NetworkSpec, *, seed: int | None = None, draw_weights: bool = True
) -> keras.Model:
    """Turn a declaration into a Keras model, compiled with its recipe.

    Bytes (uint8) of the declared shape go in, and scaling them is the model's first layer, so that
    training, serving and exports share one contract. Precision and layout are the declaration's,
    whatever Keras is set to.

    Args:
        spec: The network.
        seed: Of the initial weights; None leaves them to `keras.utils.set_random_seed`.
        draw_weights: False leaves them 0, for callers that have trained ones.

    Returns:
        The model.

    Raises:
        SpecError: The network is larger than `zoo.spec.limits` allows, or the seed is no whole
            number from 0 up.
    """
    if seed is not None:
        seed = whole_number(seed, "seed", 0)
    check_size(spec)
    before = drawing.set(draw_weights)
    try:
        with keras_settings(spec.recipe.precision), names_from_the_start():
            images = keras.Input(spec.input.shape, dtype=spec.input.dtype, name="images")
            outputs = add_network(spec, images, seed)
            model = BlockModel(images, outputs, name=spec.name.replace(".", "_"))
            _compile(model, spec)
    finally:
        drawing.reset(before)
    return model


# --- one function for each kind of network --------------------------------------------------------


@singledispatch
def add_network(spec, images, seed: int | None):
    """Add all of a declared network to the images; register a function here for another kind.

    Args:
        spec: The declaration, whose class chooses the function.
        images: Keras' input, of the declared shape and type.
        seed: Decides initial weights and dropout masks; None lets them differ each time.

    Returns:
        The outputs as Keras' tensor, [n, classes].

    Raises:
        SpecError: No function is registered for its class.
    """
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
    signed = any(member.output_activation not in NOT_NEGATIVE for member in spec.members)
    return Tally(spec.rule, spec.weights, signed, name="tally_1", dtype="float32")(outputs)


@add_network.register
def _(spec: FunctionSpec, images, seed: int | None):
    if seed is not None:
        # The only hold on initializers that are not ours; NumPy's old generator takes 32 bits.
        keras.utils.set_random_seed(seed % 2**32)
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
    *hidden, last = layers
    for layer in hidden:
        x = add_layer(layer, x, context)
    context.is_output = True
    return add_layer(last, x, context)


# --- the rest -------------------------------------------------------------------------------------


def _compile(model: keras.Model, spec: NetworkSpec) -> None:
    model.compile(
        optimizer=optimizers.optimizer(spec.recipe),
        loss=losses.cost(spec, output_activation(model)),
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


@contextlib.contextmanager
def names_from_the_start() -> Iterator[None]:
    """Have Keras number what has no name of its own from the start: 'dense', 'dense_1', ...

    It counts within a process, so that a function's second model would have other names than its
    first, and the weights that are kept by these names could not be read again. What is made later
    is called like nothing before, as ever.
    """
    before = global_state.get_global_attribute(_COUNTERS) or {}
    own: dict[str, int] = defaultdict(int)
    global_state.set_global_attribute(_COUNTERS, own)
    try:
        yield
    finally:
        for name, count in before.items():
            own[name] = max(own[name], count)


def _seeds(seed: int | None) -> Iterator[int]:
    # One stream for all layers, so that no two of them start from the same numbers.
    if seed is None:
        seed = random.getrandbits(32)  # as Keras' own initializers have it
    generator = np.random.default_rng(seed)
    while True:
        yield int(generator.integers(2**31))
