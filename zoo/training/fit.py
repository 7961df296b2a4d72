"""The fit of one network: Keras' `fit` on blocks of mini-batches, from where its run stands."""

from __future__ import annotations

import keras
import numpy as np

from zoo.errors import SpecError
from zoo.evaluation.scores import EVALUATION_BATCH
from zoo.nn.builder import build_model
from zoo.nn.mapped_images import keras_data
from zoo.nn.schedules import plateau_rule
from zoo.training import weights
from zoo.training.callbacks import DropoutOff, Patience, ProgressBar, Recorder
from zoo.training.job import TrainingJob, TrainResult
from zoo.training.run_folder import TrainingState


def train_network(job: TrainingJob) -> TrainResult:
    """Train one network, or take its interrupted run up again, and return it at its best epoch."""
    model = build_model(job.spec, seed=job.seed)
    if job.start:
        _start_from(job.start, model)
        _freeze(job.frozen, model)
    state = job.begin(model)
    if not state.done:
        _fit(model, job, state)
    return job.finish(model, state)


def frozen_layers(model: keras.Model) -> tuple[str, ...]:
    """The names of the layers of a model that its user froze."""
    layers = [layer for layer in _layers(model) if layer.weights]
    return tuple(layer.name for layer in layers if not layer.trainable)


def _freeze(names: tuple[str, ...], model: keras.Model) -> None:
    for layer in _layers(model):
        if layer.name in names:
            layer.trainable = False
    if not model.trainable_variables:
        raise SpecError("all layers of start are frozen: leave one to be trained")


def _layers(model: keras.Model) -> list[keras.layers.Layer]:
    # With those of models inside the model, as a registered function makes them.
    inner = [_layers(layer) for layer in model.layers if isinstance(layer, keras.Model)]
    return [*model.layers, *(layer for layers in inner for layer in layers)]


def _start_from(tensors: dict[str, np.ndarray], model: keras.Model) -> None:
    there = {name: tensor.shape for name, tensor in tensors.items()}
    here = {variable.path: tuple(variable.shape) for variable in model.weights}
    if there != here:
        odd = sorted(set(there.items()).symmetric_difference(here.items()))[0][0]
        raise SpecError(f"start has other layers than {model.name}, see {odd}: give the same ones")
    weights.assign(model.weights, tensors)


def _fit(model: keras.Model, job: TrainingJob, state: TrainingState) -> None:
    recipe = job.spec.recipe
    if state.epoch == recipe.epochs or plateau_rule(state.accuracies, recipe).stop:
        return  # it was interrupted between its last epoch and its end
    bar = [ProgressBar(job.spec, state)] if job.progress else []
    model.fit(
        job.blocks(state.epoch),
        epochs=recipe.epochs,
        initial_epoch=state.epoch,
        validation_data=keras_data(job.validation_set, EVALUATION_BATCH),
        validation_batch_size=EVALUATION_BATCH,
        callbacks=[
            Recorder(state, job.monitor, job.folder),
            Patience(state, recipe),
            DropoutOff(recipe),
            *bar,
            *job.callbacks,
        ],
        verbose=0,
    )
