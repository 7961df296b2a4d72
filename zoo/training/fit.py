"""The fit of one network: Keras' `fit` on blocks of mini-batches, from where its run stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import keras
import numpy as np

from zoo.errors import RunError, SpecError
from zoo.evaluation.scores import EVALUATION_BATCH
from zoo.nn.builder import build_model
from zoo.nn.mapped_images import keras_data
from zoo.nn.nested import activations, all_layers
from zoo.nn.processes import agree
from zoo.training import devices, weights
from zoo.training.callbacks import Checkpoint, Decay, DropoutOff, Patience, ProgressBar, Recorder
from zoo.training.early_stopping import plateau_rule
from zoo.training.job import TrainingJob, TrainResult
from zoo.training.run_folder import TrainingState
from zoo.training.shared_scores import own_share
from zoo.training.variable_names import unique


def train_network(job: TrainingJob, model: keras.Model | None = None) -> TrainResult:
    """Train one network, or take its interrupted run up again, and return it at its best epoch.

    Args:
        job: What is trained.
        model: That of the run that is taken up, whose step is compiled already; its state is read
            from the folder all the same.
    """
    with devices.scope(job.devices):
        _check_agreement(f"{job.spec.hash} {job.seed:020}")
        model = model or build_model(job.spec, seed=job.seed)
        if job.start:
            _start_from(job.start, job.start_activations, model)
            _freeze(job.frozen, model)
        with job.held():
            state = job.begin(model)
            _check_agreement(f"{state.epoch:020}")
            if not state.done:
                _fit(model, job, state)
            result = job.finish(model, state)
    if job.devices == 1:
        return result
    # What is trained belongs to no device more than to another.
    model = build_model(job.spec, draw_weights=False)
    _freeze(job.frozen, model)
    weights.assign(model.weights, weights.arrays(result.model.weights))
    return replace(result, model=model)


def _check_agreement(what: str) -> None:
    # Steps of two runs, or of two epochs, would mix in silence.
    if not agree(what.encode()):
        raise RunError(
            "the processes that train together do not train the same: give all of them one "
            "network, seed and data set, and for out a folder on a disk that they share"
        )


def frozen_layers(model: keras.Model) -> tuple[str, ...]:
    """The names of the layers of a model that its user froze."""
    return tuple(name for name, layer in _layers_with_weights(model) if not layer.trainable)


def _freeze(names: tuple[str, ...], model: keras.Model) -> None:
    for name, layer in _layers_with_weights(model):
        if name in names:
            layer.trainable = False
    if not model.trainable_variables:
        raise SpecError("all layers of start are frozen: leave one to be trained")


def _layers_with_weights(model: keras.Model) -> list[tuple[str, keras.layers.Layer]]:
    layers = [layer for layer in all_layers(model) if layer.weights]
    return list(zip(unique([each.name for each in layers]), layers, strict=True))


def _start_from(
    tensors: dict[str, np.ndarray], start_activations: tuple[str, ...], model: keras.Model
) -> None:
    there = {name: tensor.shape for name, tensor in tensors.items()}
    here = weights.shapes(model.weights)
    if there != here:
        odd = sorted(set(there.items()).symmetric_difference(here.items()))[0][0]
        raise SpecError(f"start has other layers than {model.name}, see {odd}: give the same ones")
    if start_activations != (own := activations(model)):
        raise SpecError(
            f"start has the activations {', '.join(start_activations)}, and {model.name} has "
            f"{', '.join(own)}: give the same ones"
        )
    weights.assign(model.weights, tensors)


def _fit(model: keras.Model, job: TrainingJob, state: TrainingState) -> None:
    recipe = job.spec.recipe
    if (
        state.diverged
        or state.epoch == recipe.epochs
        or plateau_rule(state.accuracies, recipe).stop
    ):
        return  # it was interrupted between its last epoch and its end
    bar = [ProgressBar(job.spec, state)] if job.progress else []
    own = [Recorder(state, job.monitor), Patience(state, recipe), *bar]
    last = [Checkpoint(state, job.folder)] if job.folder else []
    fit(model, job, state.epoch, callbacks=own, last=last)


def fit(
    model: keras.Model,
    job: TrainingJob,
    epoch: int,
    *,
    until: int | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    last: Sequence[keras.callbacks.Callback] = (),
    validate: bool = True,
    verbose: int = 0,
) -> keras.callbacks.History:
    """Keras' `fit` by the recipe of a job: every trainer calls it.

    Args:
        model: Built and compiled by the job's declaration.
        job: The recipe, its images, and the callbacks that its caller gave.
        epoch: The first epoch, from 0.
        until: The epoch to stop before; the recipe's last where it is None.
        callbacks: Those of the trainer, called before the job's.
        last: Further ones, called after the job's.
        validate: Whether the validation images are scored after each epoch.
        verbose: As for Keras.

    Returns:
        Keras' history.
    """
    recipe = job.spec.recipe
    scored = keras_data(own_share(job.validation_set), EVALUATION_BATCH) if validate else None
    return model.fit(
        job.blocks(epoch),
        epochs=recipe.epochs if until is None else until,
        initial_epoch=epoch,
        validation_data=scored,
        validation_batch_size=EVALUATION_BATCH,
        callbacks=[*callbacks, Decay(recipe), DropoutOff(recipe), *job.callbacks, *last],
        verbose=verbose,
    )
