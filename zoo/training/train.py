"""Training: Keras' `fit` on blocks of mini-batches, by the recipe of the book.

Training sees the training and validation images. Test images, where a caller asks to monitor them,
are scored after each epoch and decide nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import keras

from zoo.data import Data, Split, load_data
from zoo.errors import DataError, RunError, SpecError
from zoo.nn.nested import activations
from zoo.nn.processes import are_several
from zoo.registry import get_spec
from zoo.spec import NetworkSpec
from zoo.spec.validation import shown, whole_number
from zoo.training import weights
from zoo.training.devices import check_devices, check_sets
from zoo.training.ensemble import train_members
from zoo.training.fit import frozen_layers, train_network
from zoo.training.job import TrainingJob, TrainResult, check_monitored, training_set
from zoo.utils.tensorflow import set_environment


def train(
    network: str | NetworkSpec,
    data: Data | None = None,
    *,
    seed: int = 0,
    epochs: int | None = None,
    monitor: Mapping[str, Split] | None = None,
    callbacks: Iterable[keras.callbacks.Callback] = (),
    start: keras.Model | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    jobs: int = 1,
    devices: int = 1,
    progress: bool = True,
) -> TrainResult:
    """Train a network of the zoo by its recipe and return it at its best validation epoch.

    A run whose cost is no longer finite stops, and is returned as `diverged`. Ties between epochs
    go to the later one, as in network3.py.

    Args:
        network: Its name in the zoo, or a declaration.
        data: Training and validation images; the book's MNIST unless given. The recipe takes its
            first `images` for training, after expanding them where it says so.
        seed: Of the initial weights, the order of the images and the dropout masks; from 0 up.
        epochs: In place of the recipe's.
        monitor: Further sets by name, but for 'val', whose accuracies are recorded after each
            epoch.
        callbacks: Further callbacks of Keras; not for a vote.
        start: A model of the same layers, whose weights are the initial ones, as in
            `start=zoo.load("conv2_relu")`; its frozen layers stay as they are. Not for a vote.
        out: A folder for the run: a checkpoint each epoch, the history and the weights. The same
            call takes an interrupted run up again, and returns a finished one as it is.
        overwrite: Whether a run that `out` holds is deleted first.
        jobs: How many members of a vote train at a time, each in a process of its own.
        devices: How many graphics cards, or cores of the processor where there are none, share
            each mini-batch. The weights are those of one device, but for rounding. Of several
            processes that train together, those of all.
        progress: Whether a bar is shown.

    Returns:
        The model with the weights of its best validation epoch, and the history.

    Raises:
        SpecError: A setting is wrong, or does not fit the data, the devices or the backend.
        DataError: The images are not there, or are no images.
        RunError: `out` holds another run, a damaged one or files that no training wrote, another
            training is at work there, a process has died, or there are fewer devices.
    """
    set_environment()
    spec = get_spec(network)
    if epochs is not None:
        spec = spec.with_settings(epochs=epochs)
    seed, jobs, devices = _checked(spec, seed, jobs, devices)
    _check_kinds(data, start, out)
    job = training_job(
        spec,
        load_data(progress=progress) if data is None else data,
        seed=seed,
        monitor=monitor or {},
        callbacks=callbacks,
        start=start,
        out=out,
        devices=devices,
        progress=progress and jobs == 1,  # bars of several processes would overwrite each other
    )
    job = replace(job, overwrite=overwrite)
    if job.spec.members and (job.callbacks or start):
        raise SpecError("a vote's members take no callbacks and no start: train them one by one")
    return train_members(job, jobs) if job.spec.members else train_network(job)


def training_job(
    spec: NetworkSpec,
    data: Data,
    *,
    seed: int = 0,
    monitor: Mapping[str, Split] = MappingProxyType({}),
    callbacks: Iterable[keras.callbacks.Callback] = (),
    start: keras.Model | None = None,
    out: str | Path | None = None,
    devices: int = 1,
    progress: bool = False,
) -> TrainingJob:
    """Settle what `train` leaves open: the images that the recipe takes, the first weights.

    Args:
        spec: The network.
        data: Training and validation images.
        seed: As for `train`, and so are the rest: monitor, callbacks, start, devices and progress.
        monitor: Further sets by name.
        callbacks: Further callbacks of Keras.
        start: A model whose weights are the initial ones; None draws them.
        out: The folder of the run; None keeps nothing, and spares a hash of all the images.
        devices: How many share each mini-batch.
        progress: Whether a bar is shown.

    Raises:
        SpecError: The recipe does not fit the images or the devices, or a monitored set is none.
        DataError: The recipe expands images on the disk that would not fit into memory.
    """
    check_monitored(monitor, data)
    spec, images = training_set(spec, data)
    check_sets(devices, spec.recipe, [data.validation, *monitor.values()])
    return TrainingJob(
        spec,
        seed,
        images,
        data.validation,
        data.fingerprint if out else "",  # a hash of all the images, which only a folder keeps
        Path(out) if out else None,
        monitor,
        list(callbacks),
        weights.arrays(start.weights) if start else {},
        progress,
        data.class_names,
        frozen_layers(start) if start else (),
        data.resize,
        devices,
        start_activations=activations(start) if start else (),
    )


def _checked(spec: NetworkSpec, seed: int, jobs: int, devices: int) -> tuple[int, int, int]:
    """The numbers as int, of whatever type; SpecError for what no data could make right."""
    seed, jobs = whole_number(seed, "seed", 0), whole_number(jobs, "jobs")
    devices = whole_number(devices, "devices")
    check_devices(devices, spec.recipe, keras.backend.backend())
    if devices > 1 and jobs > 1:
        raise SpecError("a vote trains on several devices or in several processes, not both")
    if jobs > 1 and not spec.members:
        raise SpecError(f"jobs is for the members of a vote, and {spec.name} is one network")
    if spec.members and are_several():
        raise SpecError("processes that train together train no vote: train its members one by one")
    return seed, jobs, devices


def _check_kinds(data: Data | None, start: keras.Model | None, out: str | Path | None) -> None:
    """Raise DataError, SpecError or RunError for an argument that is something else."""
    if data is not None and not isinstance(data, Data):
        raise DataError(
            f"data must be a zoo.Data, not a {type(data).__name__}: zoo.load_data makes one of a "
            "name, a folder or arrays"
        )
    if start is not None and not isinstance(start, keras.Model):
        raise SpecError(f"start must be a Keras model, as zoo.load(NAME) gives, not {shown(start)}")
    if out is not None and Path(out).exists() and not Path(out).is_dir():
        raise RunError(f"{out} is a file: name a folder for the run")
