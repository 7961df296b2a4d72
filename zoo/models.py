"""Models by name: built afresh, or loaded as they were trained."""

from __future__ import annotations

import os
from typing import Any

import keras

from zoo import weights as weights_files
from zoo.builder import build_model
from zoo.errors import RunError, UnknownNameError
from zoo.pretrained import entry_of, saved_models, verify
from zoo.registry import get_spec
from zoo.spec import ModelSpec


def build(
    name: str | ModelSpec, *, seed: int | None = None, weights: bool = False, **settings: Any
) -> keras.Model:
    """Build a network of the zoo as a `keras.Model`, compiled with its recipe.

    The model takes byte images (uint8, 28x28x1) and puts out ten numbers an image, in 0..1.
    `settings` change the recipe: `build("mlp30", learning_rate=0.5, epochs=3)`. The same `seed`
    gives the same initial weights; without one they are drawn afresh. `weights=True` gives the
    pretrained ones, as `load` does. Raises UnknownNameError or SpecError for names and settings
    that do not exist.
    """
    if weights:
        return load(name, **settings)
    return build_model(get_spec(name).with_settings(**settings), seed=seed)


def load(name: str, **settings: Any) -> keras.Model:
    """A network of the zoo with its pretrained weights; `settings` change its recipe.

    The file's SHA-256 is checked before it is read, and its names, shapes and types before a number
    is. Raises UnknownNameError, SpecError, and RunError for a file that is not what the manifest
    says.
    """
    if os.sep in str(name):
        raise UnknownNameError(
            f"load takes a network's name, not the path {name}: for a file of your own, "
            "zoo.weights.load(zoo.build(NAME), path)"
        )
    entry = entry_of(name)
    if entry.trained_by.layers != get_spec(name).layers:
        raise RunError(f"the pretrained weights of {name} are for other layers: train it again")
    path = saved_models() / entry.file
    verify(path, entry)
    model = build_model(get_spec(name).with_settings(**settings))
    metadata = weights_files.load(model, path)
    if metadata.get("spec_hash") != entry.spec_hash or entry.trained_by.hash != entry.spec_hash:
        raise RunError(f"{path} was trained by another spec than the manifest says: fetch it again")
    return model
