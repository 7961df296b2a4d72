"""Training: Keras' `fit` on blocks of mini-batches, by the recipe of the book.

Training sees the training and validation images. Test images, where a caller asks to monitor them,
are scored after each epoch and decide nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import keras

from zoo.data import Data, Split, load_data
from zoo.errors import SpecError
from zoo.registry import get_spec
from zoo.spec import NetworkSpec
from zoo.training import weights
from zoo.training.ensemble import train_members
from zoo.training.fit import frozen_layers, train_network
from zoo.training.job import TrainingJob, TrainResult, training_set
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
    jobs: int = 1,
    progress: bool = True,
) -> TrainResult:
    """Train a network of the zoo by its recipe and return it at its best validation epoch.

    `data` is the book's MNIST unless given; the recipe takes its first `images` for training, after
    expanding them where it says so. `seed` decides the initial weights, the order of the images and
    the dropout masks. `epochs` stands in for the recipe's. `monitor` names further sets whose
    accuracy is recorded after each epoch. `start` is a model of the same layers whose weights are
    taken for the initial ones, as in `start=zoo.load("conv2_relu")`; its frozen layers stay as they
    are. The members of a vote train
    one after another, or `jobs` at once, each in a process of its own. With `out`, a folder keeps a
    checkpoint each epoch, the history and the weights; the same call takes an interrupted run up
    again, and returns a finished one as it is.

    Ties between epochs go to the later one, as in network3.py. A run whose cost is no longer finite
    stops and is returned as `diverged`. Raises SpecError, DataError and RunError.
    """
    set_environment()
    spec = get_spec(network)
    if epochs is not None:
        spec = spec.with_settings(epochs=epochs)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise SpecError(f"seed must be a whole number from 0 up, not {seed!r}")
    data = data or load_data(progress=progress)
    spec, images = training_set(spec, data)
    job = TrainingJob(
        spec,
        seed,
        images,
        data.validation,
        data.fingerprint if out else "",  # a hash of all the images, which only a folder keeps
        Path(out) if out else None,
        monitor or {},
        list(callbacks),
        weights.arrays(start.weights) if start else {},
        progress and jobs == 1,
        data.class_names,
        frozen_layers(start) if start else (),
        data.resize,
    )
    if not spec.members:
        return train_network(job)
    if callbacks or start:
        raise SpecError("a vote's members take no callbacks and no start: train them one by one")
    return train_members(job, jobs)
