"""A model that somebody else built, trained by a recipe: the same fit as `zoo.train` makes.

keras-tuner builds a model before it shows the data. Its penalties and its schedule are then set
here by the number of images there really are, so that it takes the steps that `zoo.train` takes.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras

from zoo.data import Data
from zoo.errors import SpecError
from zoo.nn import regularizers
from zoo.nn.optimizers import OneCycle
from zoo.nn.schedules import one_cycle_points
from zoo.spec import NetworkSpec
from zoo.training.callbacks import Patience
from zoo.training.fit import fit
from zoo.training.run_folder import TrainingState
from zoo.training.train import training_job


def fit_adapted(
    model: keras.Model,
    spec: NetworkSpec,
    data: Data,
    *,
    seed: int = 0,
    epoch: int = 0,
    until: int | None = None,
    validate: bool = True,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int = 0,
) -> keras.callbacks.History:
    """Fit a built model to data by its recipe, from one epoch to another.

    Args:
        model: Of the layers of `spec`, as `build_model` makes it.
        spec: Its declaration; the recipe takes its number of images from the data.
        data: Training and validation images.
        seed: Of the order of the images, and of what alters them.
        epoch: The first epoch, from 0, whose order, dropout and step of the schedule come next.
        until: The epoch to stop before; the recipe's last where it is None.
        validate: Whether the validation images are scored after each epoch.
        callbacks: Further callbacks of Keras.
        verbose: As for Keras.

    Returns:
        Keras' history.

    Raises:
        SpecError: The images have another shape or more classes than the model was built for, or a
            mini-batch is larger than the set.
    """
    _check_built_for(spec, data)
    job = training_job(spec, data, seed=seed, callbacks=callbacks)
    spec = job.spec
    _set_penalties(model, spec)
    if spec.recipe.schedule == "one_cycle":
        peak, last = one_cycle_points(spec.recipe)
        model.optimizer.learning_rate = OneCycle(spec.recipe.learning_rate, peak, last)
    model.optimizer.build(model.trainable_variables)
    model.optimizer.iterations.assign(epoch * spec.recipe.batches)
    model.make_train_function(force=True)
    state = TrainingState()
    own = [_Accuracies(state), Patience(state, spec.recipe)] if validate else []
    return fit(model, job, epoch, until=until, callbacks=own, validate=validate, verbose=verbose)


def _check_built_for(spec: NetworkSpec, data: Data) -> None:
    """Raise SpecError unless a model of this declaration takes these images and classes."""
    if data.shape != spec.input.shape or data.classes > spec.output_classes:
        built = f"{'x'.join(map(str, spec.input.shape))} in {spec.output_classes} classes"
        raise SpecError(
            f"{spec.name} was built for images of {built}; the data has "
            f"{'x'.join(map(str, data.shape))} in {data.classes}: declare it by "
            f".with_settings(input_shape={data.shape}, classes={data.classes})"
        )


def _set_penalties(model: keras.Model, spec: NetworkSpec) -> None:
    penalty = regularizers.penalty(spec.recipe)
    for layer in model.layers:
        if getattr(layer, "kernel_regularizer", None) is not None:
            holder = getattr(layer, "cell", layer)  # of a recurrent layer
            holder.kernel_regularizer = penalty
            for weight in layer.trainable_weights:
                if weight.regularizer is not None:
                    weight.regularizer = penalty


class _Accuracies(keras.callbacks.Callback):
    """Keeps the validation accuracies, by which a recipe's patience decides."""

    def __init__(self, state: TrainingState):
        super().__init__()
        self.state = state

    def on_epoch_end(self, epoch, logs=None):
        self.state.rows.append({"val_accuracy": float(logs["val_accuracy"])})
