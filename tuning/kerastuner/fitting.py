"""What keras-tuner's `search` was given, fitted by a network's recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from tuning.fidelity import Fidelity
from zoo.data import Data, Split
from zoo.spec import ModelSpec
from zoo.training.adapted import fit_adapted

# The options of Keras' `fit` that a recipe leaves open. With any other, Keras decides.
OPEN = {"epochs", "initial_epoch", "callbacks", "validation_data", "verbose", "batch_size"}


def fit_network(
    model: keras.Model,
    spec: ModelSpec,
    given: Sequence[Any],
    options: dict[str, Any],
    fidelity: Fidelity,
    seed: int,
) -> keras.callbacks.History:
    """Fit a model to what `tuner.search` was given.

    Args:
        model: Of the declaration `spec`.
        spec: With the recipe, which decides all that `options` do not.
        given: The positional arguments: a Data, or images and labels, or what else Keras takes.
        options: Those of Keras' `fit`.
        fidelity: How much of the data is seen.
        seed: Of the order of the images.

    Returns:
        Keras' history.
    """
    data = _as_data(given, options.get("validation_data"), spec)
    if data is None or not set(options) <= OPEN:
        batch = {} if _has_batches(given) else {"batch_size": spec.recipe.batch_size}
        return model.fit(*given, **{"epochs": spec.recipe.epochs, "verbose": 0, **batch, **options})
    if "batch_size" in options:
        spec = spec.with_settings(batch_size=options["batch_size"])
    return fit_adapted(
        model,
        spec,
        fidelity.of_data(data),
        seed=seed,
        epoch=options.get("initial_epoch", 0),
        until=options.get("epochs"),
        validate=isinstance(given[0], Data) or options.get("validation_data") is not None,
        callbacks=keras.tree.flatten(options.get("callbacks") or []),
        verbose=options.get("verbose", 0),
    )


def _as_data(given: Sequence[Any], validation: Any, spec: ModelSpec) -> Data | None:
    """The images as Data; None where they are no images as bytes."""
    if len(given) == 1 and isinstance(given[0], Data):
        train = given[0].train
    elif len(given) == 2 and _are_images(given[0], spec):
        train = Split(given[0], np.asarray(given[1]))
    else:
        return None
    if validation is None:
        # Without validation images, nothing is scored: the training images stand in their place.
        return given[0] if isinstance(given[0], Data) else Data("arrays", train, train, train)
    if not isinstance(validation, Split):
        if len(validation) != 2 or not _are_images(validation[0], spec):
            return None
        validation = Split(validation[0], np.asarray(validation[1]))
    if isinstance(given[0], Data):
        return replace(given[0], validation=validation)
    return Data("arrays", train, validation, validation)


def _are_images(images: Any, spec: ModelSpec) -> bool:
    return (
        isinstance(images, np.ndarray)
        and images.dtype == np.uint8
        and images.shape[1:] == spec.input.shape
    )


def _has_batches(given: Sequence[Any]) -> bool:
    """Whether the first argument comes in batches of its own, as a tf.data.Dataset does."""
    return bool(given) and not hasattr(given[0], "shape") and not isinstance(given[0], list | tuple)
