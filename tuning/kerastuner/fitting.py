"""What keras-tuner's `search` was given, fitted by a network's recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from tuning.fidelity import Fidelity
from tuning.space import SearchSpace
from zoo.data import Data, Split
from zoo.errors import SpecError
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
        model: Of the declaration `spec`, on as much of the problem as `fidelity` says.
        spec: Of the full problem, with the recipe, which decides all that `options` do not.
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
        epochs = fidelity.of_spec(spec).recipe.epochs
        return model.fit(*given, **{"epochs": epochs, "verbose": 0, **batch, **options})
    if "batch_size" in options:
        spec = spec.with_settings(batch_size=options["batch_size"])
    trained, seen = fidelity.of(spec, data)
    return fit_adapted(
        model,
        replace(fidelity.of_spec(spec), recipe=trained.recipe),  # of the shape that was built
        seen,
        seed=seed,
        epoch=options.get("initial_epoch", 0),
        until=options.get("epochs"),
        validate=isinstance(given[0], Data) or options.get("validation_data") is not None,
        callbacks=keras.tree.flatten(options.get("callbacks") or []),
        verbose=options.get("verbose", 0),
    )


def search_data(given: Sequence[Any], options: dict[str, Any], spec: ModelSpec) -> Data:
    """The images that a search of `tuning.Tuner` is given, and no others are.

    Args:
        given: The positional arguments: a Data, or images and labels.
        options: Those of Keras' `fit`; x, y, validation_data and validation_split are taken out.
        spec: The network that is searched.

    Raises:
        SpecError: There are no images as bytes, or none to validate by.
    """
    named = [options.pop(name) for name in ("x", "y") if name in options]
    given = [*given, *named]
    validation = options.pop("validation_data", None)
    share = options.pop("validation_split", 0.0)
    if len(given) == 2 and validation is None and share:
        if not 0 < share < 1:
            raise SpecError(f"validation_split must be between 0 and 1, not {share!r}")
        kept = int(len(given[0]) * (1 - share))  # the last ones, as in Keras
        validation = given[0][kept:], given[1][kept:]
        given = given[0][:kept], given[1][:kept]
    data = _as_data(given, validation, spec)
    if data is None:
        raise SpecError(
            f"give images as bytes of shape {spec.input.shape} and their labels, or a "
            "zoo.load_data(...); keras_tuner.Tuner with tuning.hypermodel takes what Keras takes"
        )
    if validation is None and not isinstance(given[0], Data):
        raise SpecError("trials are judged on validation images: give validation_data as well")
    return data


def recipe_settings(options: dict[str, Any], space: SearchSpace) -> dict[str, Any]:
    """What a search of `tuning.Tuner` changes in the recipe, by its options.

    Args:
        options: What `search` was given beside the data.
        space: The space, none of whose settings may be among them.

    Returns:
        Settings of the recipe; `callbacks` and `verbose` are none.

    Raises:
        SpecError: An option is not one of a recipe's trainings, or its setting is searched.
    """
    known = {"epochs", "batch_size", "callbacks", "verbose"}
    if unknown := sorted(set(options) - known):
        raise SpecError(
            f"{unknown[0]} is no option here: trials train by the recipe, and only "
            f"{', '.join(sorted(known))} may be given; keras_tuner.Tuner with tuning.hypermodel "
            "takes what Keras takes"
        )
    settings: dict[str, Any] = {
        name: options[name] for name in ("epochs", "batch_size") if name in options
    }
    searched = [name for name, _ in space.ranges if name in settings]
    if searched:
        raise SpecError(f"{searched[0]} is in the search space: leave it out of the search's call")
    return settings


def _as_data(given: Sequence[Any], validation: Any, spec: ModelSpec) -> Data | None:
    """The images as Data; None where they are no images as bytes."""
    if len(given) == 1 and isinstance(given[0], Data):
        train = given[0].train
    elif len(given) == 2 and _are_images(given[0], spec):
        train = Split(given[0], _labels(given[1]))
    else:
        return None
    if validation is None:
        # Without validation images, nothing is scored: the training images stand in their place.
        return given[0] if isinstance(given[0], Data) else Data("arrays", train, train, train)
    if not isinstance(validation, Split):
        if len(validation) != 2 or not _are_images(validation[0], spec):
            return None
        validation = Split(validation[0], _labels(validation[1]))
    if isinstance(given[0], Data):
        return replace(given[0], validation=validation)
    return Data("arrays", train, validation, validation)


def _are_images(images: Any, spec: ModelSpec) -> bool:
    return (
        isinstance(images, np.ndarray)
        and images.dtype == np.uint8
        and images.shape[1:] == spec.input.shape
    )


def _labels(labels: Any) -> np.ndarray:
    """Labels as a vector; a column of them is one to Keras."""
    array = np.asarray(labels)
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def _has_batches(given: Sequence[Any]) -> bool:
    """Whether the first argument comes in batches of its own, as a tf.data.Dataset does."""
    return bool(given) and not hasattr(given[0], "shape") and not isinstance(given[0], list | tuple)
