"""Models by name: built afresh, or loaded as they were trained; and weights of one's own."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras

from zoo.errors import RunError, SpecError, UnknownNameError
from zoo.nn.block_model import BlockModel
from zoo.nn.builder import build_model, keras_settings
from zoo.nn.voting import Tally, is_signed
from zoo.pretrained import hub
from zoo.pretrained.manifest import entry_of, verify, weights_file
from zoo.pretrained.transfer import freeze_body, with_weights
from zoo.registry import get_spec, list_models
from zoo.spec import NetworkSpec
from zoo.spec.ensemble import check_rule
from zoo.spec.validation import as_tuple, shown
from zoo.training import weights as weights_files


def build(
    name: str | NetworkSpec,
    *,
    seed: int | None = None,
    weights: bool | str | Path | None = False,
    **settings: Any,
) -> keras.Model:
    """Build a network of the zoo as a `keras.Model`, compiled with its recipe.

    Args:
        name: As in `zoo.list_models`, or a declaration.
        seed: The same seed gives the same initial weights and dropout masks; without one they are
            decided by `keras.utils.set_random_seed`, or drawn afresh.
        weights: True for the pretrained weights, as `load` gives them; or the path of a file that
            `save` wrote. False or None draws them.
        **settings: Change the recipe: `build("mlp30", learning_rate=0.5, epochs=3)`.

    Returns:
        A compiled model, from byte images (uint8, 28x28x1 unless declared otherwise) to one number
        a class: in 0..1 of softmax and sigmoid outputs.

    Raises:
        UnknownNameError: There is no network of that name.
        SpecError: A setting does not exist, or has no such value.
        RunError: The file holds no weights of this network, or those of another by its name.
    """
    if weights is True:
        return load(name, seed=seed, **settings)
    spec = get_spec(name).with_settings(**settings)
    if weights is None or weights is False:
        return build_model(spec, seed=seed)
    if not isinstance(weights, str | os.PathLike):
        raise SpecError(f"weights is True, False or the path of a file, not {shown(weights)}")
    model = build_model(spec, seed=seed, draw_weights=False)
    metadata = weights_files.load(model, weights)
    _check_activations(metadata.get("name", ""), spec, weights)
    return model


def _check_activations(trained: str, spec: NetworkSpec, path: str | Path) -> None:
    """Raise RunError where weights are, by name, of a network of other layers than a declared one.

    Names and shapes of tensors do not tell sigmoid neurons from rectified linear ones.
    """
    known = get_spec(trained) if trained in list_models() else spec
    if known.name != spec.name and known.body()[:-1] != spec.body()[:-1]:
        raise RunError(
            f"{path} holds weights of {trained}, which has other layers than {spec.name}: build "
            f"{trained} with them"
        )


def load(
    name: str | Path | NetworkSpec,
    *,
    seed: int | None = None,
    freeze: Literal["", "body"] = "",
    fresh_head: bool = False,
    **settings: Any,
) -> keras.Model:
    """A network of the zoo with its pretrained weights.

    The file's SHA-256 is checked before it is read, and its names, shapes and types before a number
    is.

    Args:
        name: As in `zoo.list_models`, or a declaration; "hf://owner/name" for a network on the
            Hugging Face hub, or the path of a folder that `zoo.push` wrote.
        seed: Decides the dropout masks of further training, and the weights of a fresh head.
        freeze: "body" for further training that moves the last layer alone.
        fresh_head: Whether the last layer's weights are drawn afresh, as they are in any case with
            another number of classes: for ten classes that are no digits.
        **settings: Change the recipe. The model computes in float32, as it was scored, unless
            `precision` is among them. `classes` is the number of outputs, and `input_shape` may
            have other channels: `load("conv2_relu", classes=26, input_shape=(28, 28, 3))` keeps
            the body and has a fresh head.

    Returns:
        A compiled model, from byte images to one number a class: in 0..1 of softmax and sigmoid
        outputs.

    Raises:
        UnknownNameError: There is no network of that name, or no weights for it.
        SpecError: A setting does not exist, or has no such value.
        RunError: The file is not what the manifest says.
    """
    if freeze not in ("", "body"):
        raise SpecError(f"freeze is 'body' or nothing, not {freeze!r}")
    if hub.is_reference(name):
        model = hub.load(name, seed=seed, fresh_head=fresh_head, **settings)
        if freeze:
            freeze_body(model)
        return model
    if isinstance(name, os.PathLike) or _is_path(name):
        raise UnknownNameError(
            f"load takes a network's name, or a folder that zoo.push wrote, not {name}: for a file "
            "of your own, zoo.build(NAME, weights=PATH)"
        )
    spec = get_spec(name)
    entry = entry_of(spec.name)
    entry.check_fits(spec)
    path = weights_file(entry)
    verify(path, entry)
    asked = spec.with_settings(**{"precision": "float32", **settings})
    model, metadata = with_weights(path, spec, asked, seed=seed, fresh_head=fresh_head)
    if metadata.get("spec_hash") != entry.spec_hash or entry.trained_by.hash != entry.spec_hash:
        raise RunError(f"{path} was trained by another spec than the manifest says: fetch it again")
    if freeze:
        freeze_body(model)
    return model


def save(
    model: keras.Model,
    path: str | Path,
    metadata: Mapping[str, str] = {},
    *,
    overwrite: bool = False,
) -> None:
    """Write a model's weights as a safetensors file, which `build(NAME, weights=path)` reads again.

    The file appears complete or not at all.

    Args:
        model: The weights of all its layers are written.
        path: Where to; the folder is created where it is missing.
        metadata: Text kept in the file, by name.
        overwrite: Whether a file that is there may be replaced.

    Raises:
        SpecError: `model` is no model, `path` no path or named as a file of Keras' own, or
            `metadata` not text.
        RunError: `path` exists and is not to be overwritten, or cannot be written.
    """
    if not isinstance(model, keras.Model):
        raise SpecError(f"save takes a Keras model, as zoo.load(NAME) gives, not {shown(model)}")
    if not isinstance(path, str | os.PathLike):
        raise SpecError(f"save takes the path of a file, not {shown(path)}")
    if Path(path).suffix in (".h5", ".keras"):
        raise SpecError(
            f"save writes safetensors, and {path} is named as Keras' own files: end it with "
            ".safetensors, or call model.save(path)"
        )
    if not all(isinstance(word, str) for pair in metadata.items() for word in pair):
        raise SpecError(f"metadata is text by name, not {shown(metadata)}")
    if Path(path).exists() and not overwrite:
        raise RunError(f"{path} exists already: choose another path, or overwrite=True")
    try:
        weights_files.save(model, path, metadata)
    except OSError as error:
        raise RunError(f"cannot write {path} ({error}): choose another path") from error


def _is_path(name: Any) -> bool:
    return isinstance(name, str) and (os.sep in name or name.endswith(".safetensors"))


def vote(
    members: Sequence[str | keras.Model],
    *,
    rule: str = "plurality",
    weights: Sequence[float] = (),
    name: str = "vote",
) -> keras.Model:
    """One model of several: pretrained networks by name, or models of your own.

    Args:
        members: Names, or models that take bytes, 0 to 255, of images of one shape and put out one
            number a class: a model for numbers in 0..1 begins with a `Rescaling(1 / 255)` here.
        rule: 'plurality' or 'mean', as in `EnsembleSpec`.
        weights: One a member, above 0, or none.
        name: The name of the model.

    Returns:
        A model from images to the shares of the votes, or to the mean probabilities, compiled with
        the accuracy for its metric.

    Raises:
        SpecError: Members, rule or weights do not fit each other.
        UnknownNameError: There is no network of a name.
    """
    given, counted = as_tuple(members), _Rule(rule, weights)
    if given is None:
        one = "the one name " if isinstance(members, str) else ""
        raise SpecError(f"a vote takes a list of members, not {one}{shown(members)}")
    if not given:
        raise SpecError("a vote needs members: give names or models")
    for member in given:
        if not isinstance(member, str | keras.Model):
            raise SpecError(f"a vote's members are names or models, not {shown(member)}")
    if not isinstance(name, str) or "/" in name:
        raise SpecError(f"a model's name is text without /, not {shown(name)}")
    check_rule(counted, len(given))
    models = [load(member) if isinstance(member, str) else member for member in given]
    for model in models:
        _check_member(model)
    shapes = sorted({(each.input_shape[1:], each.output_shape[1:]) for each in models}, key=str)
    if len(shapes) > 1:
        message = " and ".join(f"{images} -> {outputs}" for images, outputs in shapes)
        raise SpecError(f"the members of a vote take and put out different shapes: {message}")
    with keras_settings("float32"):
        images = keras.Input(shapes[0][0], dtype="uint8", name="images")
        outputs = [
            keras.Model(model.inputs, model.outputs[0], name=f"member_{number}")(images)
            for number, model in enumerate(models, start=1)
        ]
        signed = any(is_signed(model) for model in models)
        tally = Tally(counted.rule, counted.weights, signed, name="tally_1", dtype="float32")
        model = BlockModel(images, tally(outputs), name=name)
        model.compile(
            loss="sparse_categorical_crossentropy",
            metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        )
    return model


def _check_member(model: keras.Model) -> None:
    """Raise SpecError for a model that cannot vote, whatever the others are."""
    if not model.built or not getattr(model, "inputs", None):
        raise SpecError(f"{model.name} has no inputs yet: build it, or begin it with a keras.Input")
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise SpecError(
            f"a vote's members have one input and one output, and {model.name} has "
            f"{len(model.inputs)} and {len(model.outputs)}"
        )


@dataclass(frozen=True)
class _Rule:
    """How a vote is counted, to be checked."""

    rule: str
    weights: Sequence[float]
