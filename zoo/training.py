"""Training: Keras' `fit` on blocks of mini-batches, by the recipe of the book.

Training sees the training and validation images. Test images, where a caller asks to monitor them,
are scored after each epoch and decide nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import parallel, weights
from zoo.blocks import Blocks
from zoo.builder import build_model
from zoo.callbacks import Calm, Patience, ProgressBar, Recorder
from zoo.data import Data, Split, load_data
from zoo.data.expand import expand
from zoo.errors import RunError, SpecError
from zoo.evaluation import EVALUATION_BATCH, evaluate
from zoo.registry import get_spec
from zoo.runs import Progress, RunFolder
from zoo.schedule import calm_from, judge
from zoo.spec import Claim, ModelSpec


@dataclass(frozen=True)
class TrainResult:
    """What a run leaves: the model with the weights of its best validation epoch, and its history.

    `history` has a row an epoch: `epoch` from 1, `loss` and `accuracy` (running means over the
    epoch's mini-batches), `val_loss`, `val_accuracy`, an accuracy for each monitored set, and
    `seconds`. Accuracies are in 0..1. A vote's history has one row: the accuracies of the vote,
    and the `seconds` and `images` of its members together.
    """

    spec: ModelSpec
    seed: int
    model: keras.Model
    history: tuple[dict[str, Any], ...]
    best_epoch: int
    diverged: bool

    @property
    def seconds(self) -> float:
        """Wall time of all epochs, validation included."""
        return sum(row["seconds"] for row in self.history)

    @property
    def images_per_second(self) -> float:
        images = sum(row.get("images", self.spec.recipe.images) for row in self.history)
        return images / self.seconds

    def measured(self, claim: Claim) -> float | None:
        """The accuracy in 0..1 by a claim's protocol; None where its images were not monitored."""
        name = "val_accuracy" if claim.on == "validation" else f"{claim.on}_accuracy"
        curve = [row[name] for row in self.history if name in row]
        if not curve or not self.best_epoch:
            return None
        return {
            "best epoch": max(curve),
            "last epoch": curve[-1],
            "best validation epoch": curve[self.best_epoch - 1],
        }[claim.protocol]


def train(
    network: str | ModelSpec,
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
    taken for the initial ones, as in `start=zoo.load("conv2_relu")`. The members of a vote train
    one after another, or `jobs` at once, each in a process of its own. With `out`, a folder keeps a
    checkpoint each epoch, the history and the weights; the same call takes an interrupted run up
    again, and returns a finished one as it is.

    Ties between epochs go to the later one, as in network3.py. A run whose cost is no longer finite
    stops and is returned as `diverged`. Raises SpecError, DataError and RunError.
    """
    spec = get_spec(network)
    if epochs is not None:
        spec = spec.with_settings(epochs=epochs)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise SpecError(f"seed must be a whole number from 0 up, not {seed!r}")
    data = data or load_data(progress=progress)
    spec, images = training_set(spec, data)
    job = Job(
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
    )
    if not spec.is_vote:
        return _train_one(job)
    if callbacks or start:
        raise SpecError("a vote's members take no callbacks and no start: train them one by one")
    return _train_members(job, jobs)


@dataclass(frozen=True)
class Job:
    """One network to train: what `train` was asked for, with nothing left open."""

    spec: ModelSpec
    seed: int
    training_set: Split
    validation_set: Split
    fingerprint: str
    out: Path | None
    monitor: Mapping[str, Split]
    callbacks: list[keras.callbacks.Callback]
    start: dict[str, np.ndarray]
    progress: bool

    @property
    def folder(self) -> RunFolder | None:
        if self.out is None:
            return None
        start = weights.fingerprint(self.start) if self.start else ""
        return RunFolder(self.out, self.spec, self.seed, self.fingerprint, start)

    def blocks(self, epoch: int) -> Blocks:
        """The training images in mini-batches, as they come from an epoch on."""
        recipe = self.spec.recipe
        return Blocks(
            self.training_set,
            recipe.batch_size,
            shuffle_seed=self.seed if recipe.shuffle else None,
            partial_batch=recipe.partial_batch,
            augment=recipe.augment,
            augment_seed=self.seed,
            calm_from=calm_from(recipe),
            epoch=epoch,
        )

    def begin(self, model: keras.Model) -> Progress:
        """How far the run has come; where its folder holds a state, `model` takes it."""
        return self.folder.begin(model) if self.folder else Progress()

    def finish(self, model: keras.Model, state: Progress) -> TrainResult:
        """The result, with `model` at its best epoch; kept in the folder, if there is one."""
        if not state.done:
            if state.best_weights:
                weights.assign(model.weights, state.best_weights)
            if self.folder:
                self.folder.finish(model, state)
        rows = tuple(state.rows)
        return TrainResult(self.spec, self.seed, model, rows, state.best_epoch, state.diverged)


def training_set(spec: ModelSpec, data: Data) -> tuple[ModelSpec, Split]:
    """The images that a recipe takes, and the declaration with their number."""
    split = expand(data.train) if spec.recipe.expanded else data.train
    if spec.recipe.images < len(split):
        split = split.take(spec.recipe.images)
    # lambda is divided by the images there really are.
    return spec.with_settings(images=len(split)), split


def _train_one(job: Job) -> TrainResult:
    model = build_model(job.spec, seed=job.seed)
    if job.start:
        _start_from(job.start, model)
    state = job.begin(model)
    if not state.done:
        _fit(model, job, state)
    return job.finish(model, state)


def _start_from(tensors: dict[str, np.ndarray], model: keras.Model) -> None:
    there = {name: tensor.shape for name, tensor in tensors.items()}
    here = {variable.path: tuple(variable.shape) for variable in model.weights}
    if there != here:
        odd = sorted(set(there.items()).symmetric_difference(here.items()))[0][0]
        raise SpecError(f"start has other layers than {model.name}, see {odd}: give the same ones")
    weights.assign(model.weights, tensors)


def _fit(model: keras.Model, job: Job, state: Progress) -> None:
    recipe = job.spec.recipe
    if state.epoch == recipe.epochs or judge(state.accuracies, recipe).stop:
        return  # it was interrupted between its last epoch and its end
    bar = [ProgressBar(job.spec, state)] if job.progress else []
    model.fit(
        job.blocks(state.epoch),
        epochs=recipe.epochs,
        initial_epoch=state.epoch,
        validation_data=(job.validation_set.images, job.validation_set.labels),
        validation_batch_size=EVALUATION_BATCH,
        callbacks=[
            Recorder(state, job.monitor, job.folder),
            Patience(state, recipe),
            Calm(recipe),
            *bar,
            *job.callbacks,
        ],
        verbose=0,
    )


def _train_members(job: Job, jobs: int) -> TrainResult:
    calls = [(_member(job, number),) for number in range(len(job.spec.layers[0].members))]
    rows, trained = {}, {}
    done = parallel.results(_trained_weights, calls, jobs, tensorflow=True)
    for index, (history, tensors) in done:
        rows[index] = history
        prefix = f"member_{index + 1}_"
        trained |= {f"{prefix}{name}": tensor for name, tensor in tensors.items()}
    model = build_model(job.spec, seed=job.seed)
    weights.assign(model.weights, trained)
    state = job.begin(model)
    if not state.done:
        state = Progress([_row_of_a_vote(model, job, rows)], best_epoch=1)
    return job.finish(model, state)


def _member(job: Job, index: int) -> Job:
    vote, name = job.spec.layers[0], f"{job.spec.name}_member_{index + 1}"
    return replace(
        job,
        spec=replace(job.spec, name=name, layers=vote.members[index], claim=None),
        # No two votes share a member: of five each, seed 0 trains 0 to 4, seed 1 trains 5 to 9.
        seed=job.seed * len(vote.members) + index,
        out=job.out / f"member_{index + 1}" if job.out else None,
    )


def _trained_weights(job: Job) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    result = _train_one(job)
    if result.diverged:
        raise RunError(f"{job.spec.name} diverged at epoch {len(result.history)}: no vote")
    return list(result.history), weights.arrays(result.model.weights)


def _row_of_a_vote(model: keras.Model, job: Job, rows: dict[int, list]) -> dict[str, Any]:
    row: dict[str, Any] = {"epoch": 1}
    for name, split in {"val": job.validation_set, **job.monitor}.items():
        row[f"{name}_accuracy"] = evaluate(model, split).accuracy
    row["seconds"] = sum(epoch["seconds"] for history in rows.values() for epoch in history)
    row["images"] = job.spec.recipe.images * sum(len(history) for history in rows.values())
    return row
