"""Fine-tuning: the body of a trained network under a fresh head.

The head is the last layer, which knows the classes; the body is all that comes before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from zoo.errors import SpecError
from zoo.nn.builder import build_model
from zoo.spec import ModelSpec, NetworkSpec
from zoo.training import weights as weights_files
from zoo.training.variable_names import named


def check_transfer(trained: NetworkSpec, spec: NetworkSpec) -> None:
    """Raise SpecError unless the body of `trained` fits `spec`, of other classes or channels.

    Args:
        trained: The declaration that the weights are of.
        spec: The same one with other `classes`, or with an `input_shape` of other channels.
    """
    if not isinstance(spec, ModelSpec) or not isinstance(trained, ModelSpec):
        raise SpecError(
            f"{spec.name} has no body under one head: fine-tune a network that is a single stack "
            "of layers, as conv2_relu"
        )
    there, here = trained.input.shape, spec.input.shape
    if there[:2] != here[:2]:
        size = f"{there[0]}x{there[1]}"
        raise SpecError(
            f"the pretrained {spec.name} is for images of {size}, not {here[0]}x{here[1]}: read "
            f"them with size=({there[0]}, {there[1]}), or on the command line with --size {size}"
        )
    if there[2] != here[2] and 1 not in (there[2], here[2]):
        raise SpecError(f"the weights for {there[2]} channels cannot be had from {here[2]}: use 1")
    if len(trained.body()) == 1:
        raise SpecError(
            f"{spec.name} is one layer, of which a head drawn afresh leaves nothing: train it, or "
            "fine-tune a network with layers below the last"
        )
    if trained.body()[:-1] != spec.body()[:-1]:
        raise SpecError(f"the pretrained weights of {spec.name} are for other layers: train it")


def with_weights(
    path: Path, trained: NetworkSpec, spec: NetworkSpec, *, seed: int | None, fresh_head: bool
) -> tuple[keras.Model, dict[str, str]]:
    """A model with trained weights, or with those of the body alone, and the file's metadata.

    Args:
        path: A file of weights.
        trained: The declaration that they are of.
        spec: What the model is built by: the same, or one that `check_transfer` lets through.
        seed: Decides the dropout masks of further training, and the weights of a fresh head.
        fresh_head: Whether the last layer is drawn afresh where it would fit, too.

    Raises:
        SpecError: The body does not fit `spec`.
        RunError: The file is damaged, or belongs to other layers than `trained`.
    """
    tuned = fresh_head or (spec.body(), spec.input) != (trained.body(), trained.input)
    if tuned:
        check_transfer(trained, spec)
    model = build_model(spec, seed=seed, draw_weights=tuned)
    own = build_model(trained, draw_weights=False) if tuned else model
    expected = weights_files.shapes(own.weights)
    tensors, metadata = weights_files.read(path, expected)
    weights_files.check_finite(tensors, path)
    if tuned:
        take_body(model, tensors, trained)
    else:
        weights_files.assign(model.weights, tensors)
    return model, metadata


def take_body(model: keras.Model, tensors: Mapping[str, np.ndarray], trained: NetworkSpec) -> None:
    """Give a model the weights of a trained body; its head stays as it was drawn.

    Where the images have other channels, the first layer's weights are spread over them, so that a
    grey picture in colour, or its colours added up, is seen as it was.

    Args:
        model: Built by a declaration that `check_transfer` lets through.
        tensors: The trained weights by their names.
        trained: The declaration that they are of.
    """
    own = head(model).name
    channels = trained.input.shape[2], model.input_shape[3]
    first = True
    for name, variable in named(model.weights):
        if name.partition("/")[0] == own:
            continue
        tensor = tensors[name]
        if first and channels[0] != channels[1]:
            tensor = _of_channels(tensor, *channels)
        first = False
        variable.assign(tensor)


def _of_channels(kernel: np.ndarray, before: int, after: int) -> np.ndarray:
    """A first layer's kernel for other channels, which are the last of the axes but one."""
    kernel = kernel.astype(np.float32)  # files hold halves, which a third would round
    if kernel.ndim == 2:  # of a dense or recurrent layer: pixels, with the channels last
        by_pixel = kernel.reshape(-1, before, kernel.shape[1])
        return _of_channels(by_pixel, before, after).reshape(-1, kernel.shape[1])
    if before == 1:
        return np.repeat(kernel, after, axis=-2) / after
    return kernel.sum(axis=-2, keepdims=True)


def head(model: keras.Model) -> keras.layers.Layer:
    """The last layer of a classifier.

    Raises:
        SpecError: The model does not end with a dense layer.
    """
    last = model.layers[-1]
    if not isinstance(last, keras.layers.Dense):
        raise SpecError(
            f"{model.name} ends with a {type(last).__name__} layer, and not with a dense one: "
            "its body is not known. Take one of its members, or a network of one stack of layers."
        )
    return last


def freeze_body(model: keras.Model) -> None:
    """Let a model train its head alone, as `zoo.train(..., start=model)` and `fit` respect."""
    own = head(model)
    for layer in model.layers:
        layer.trainable = layer is own
    model.make_train_function(force=True)
