"""One network to train, with nothing left open, and the result of its run."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.data import Data, Split
from zoo.data.dataset import DIGIT_NAMES, are_on_black
from zoo.data.expand import expand
from zoo.errors import RunError, SpecError
from zoo.nn.batching import Blocks
from zoo.nn.processes import process
from zoo.nn.schedules import first_epoch_without_dropout
from zoo.spec import Claim, NetworkSpec
from zoo.training import weights
from zoo.training.fitting import fitted
from zoo.training.run_files import check_files, discard, folders, held
from zoo.training.run_folder import RunFolder, TrainingState


@dataclass(frozen=True)
class TrainResult:
    """What a run leaves: the model with the weights of its best validation epoch, and its history.

    `history` has a row an epoch: `epoch` from 1, `loss` and `accuracy` (running means over the
    epoch's mini-batches), `val_loss`, `val_accuracy`, an accuracy for each monitored set, and
    `seconds`. Accuracies are in 0..1. A vote's history has one row: the accuracies of the vote,
    and the `seconds` and `images` of its members together. `devices` says how many shared the
    mini-batches, one number after the other where the run was resumed with another.
    """

    spec: NetworkSpec
    seed: int
    model: keras.Model
    history: tuple[dict[str, Any], ...]
    best_epoch: int
    diverged: bool
    class_names: tuple[str, ...] = DIGIT_NAMES
    devices: tuple[int, ...] = (1,)

    @property
    def seconds(self) -> float:
        """Wall time of all epochs, validation included."""
        return sum(row["seconds"] for row in self.history)

    @property
    def images_per_second(self) -> float:
        """Training images a second, over all epochs."""
        images = sum(row.get("images", self.spec.recipe.images) for row in self.history)
        return images / self.seconds

    def measured(self, claim: Claim) -> float | None:
        """The accuracy in 0..1 by a claim's protocol; None where its images were not monitored."""
        name = "val_accuracy" if claim.on == "validation" else f"{claim.on}_accuracy"
        if not self.best_epoch or any(name not in row for row in self.history):
            return None
        curve = [row[name] for row in self.history]
        return {
            "best epoch": max(curve),
            "last epoch": curve[-1],
            "best validation epoch": curve[self.best_epoch - 1],
        }[claim.protocol]


@dataclass(frozen=True)
class TrainingJob:
    """One network to train: what `train` was asked for, with nothing left open."""

    spec: NetworkSpec
    seed: int
    training_set: Split
    validation_set: Split
    fingerprint: str
    out: Path | None
    monitor: Mapping[str, Split]
    callbacks: list[keras.callbacks.Callback]
    start: dict[str, np.ndarray]
    progress: bool
    class_names: tuple[str, ...] = DIGIT_NAMES
    frozen: tuple[str, ...] = ()
    resize: str = "stretch"
    devices: int = 1
    overwrite: bool = False
    start_activations: tuple[str, ...] = ()

    @property
    def folder(self) -> RunFolder | None:
        """The folder that the run is kept in, or None."""
        if self.out is None:
            return None
        start = weights.fingerprint(self.start) if self.start else ""
        start += "".join(f", {name} frozen" for name in self.frozen)
        identity = (self.out, self.spec, self.seed, self.fingerprint, start)
        writes = process()[0] == 0
        pictures = self.class_names, self.resize, are_on_black(self.validation_set.images)
        return RunFolder(*identity, *pictures, self.devices, writes)

    def held(self) -> AbstractContextManager[None]:
        """Keep other trainings out of the folder; a finished run is read without that.

        Raises RunError where one is at work there.
        """
        finished = self.out and (self.out / "run.json").exists() and not self.overwrite
        if self.out is None or finished or process()[0]:
            return nullcontext()
        return held(self.out)

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
            dropout_off_from=first_epoch_without_dropout(recipe),
            epoch=epoch,
        )

    def begin(self, model: keras.Model) -> TrainingState:
        """How far the run has come; where its folder holds a state, `model` takes it.

        Raises RunError for an interrupted run that left a set to monitor unscored, and where the
        folder has files that no run wrote.
        """
        if not self.folder:
            return TrainingState(devices=(self.devices,))
        if self.overwrite and self.folder.writes:  # not before all is settled that may be refused
            for path in folders(self.folder.path):
                check_files(path)
            discard(self.folder.path)
        state = self.folder.begin(model)
        missing = sorted({*self.monitor} - state.monitored)
        if state.rows and not state.done and missing:
            raise RunError(
                f"{self.out} holds a run that did not score {missing[0]!r} after its epochs: leave "
                "it out of `monitor`, choose another folder, or delete that run"
            )
        return state

    def finish(self, model: keras.Model, state: TrainingState) -> TrainResult:
        """The result of the run; kept in its folder, if there is one.

        Args:
            model: The trained model. It is given the weights of the best epoch; where no epoch had
                any, since the cost was never finite, it stays as it is.
            state: The run's rows and its best weights; of a run that was `done` before, nothing is
                written again.
        """
        if not state.done:
            if state.best_weights:
                weights.assign(model.weights, state.best_weights)
            if self.folder:
                self.folder.finish(model, state)
        return TrainResult(
            self.spec,
            self.seed,
            model,
            tuple(state.rows),
            state.best_epoch,
            state.diverged,
            self.class_names,
            state.devices,
        )


def check_monitored(monitor: Mapping[str, Split], data: Data) -> None:
    """Check the sets that are scored after each epoch.

    Args:
        monitor: The sets by name.
        data: What is trained on.

    Raises:
        SpecError: They are no sets by name, are of other images than the data, or a name is that of
            the validation images.
    """
    if not isinstance(monitor, Mapping):
        raise SpecError(
            f"monitor takes sets by name, as {{'test': data.test}}, not a {type(monitor).__name__}"
        )
    for name, split in monitor.items():
        if not isinstance(name, str) or name in ("", "val"):
            raise SpecError(
                f"a monitored set cannot be called {name!r}: its accuracies are the column "
                "NAME_accuracy, and val_accuracy is that of the validation images"
            )
        if not isinstance(split, Split):
            kind = type(split).__name__
            raise SpecError(f"monitor[{name!r}] must be a set, as data.test is, not a {kind}")
        greatest = int(split.labels.max())
        if split.shape != data.shape or greatest >= data.classes:
            raise SpecError(
                f"monitor[{name!r}] has images {split.shape} with labels to {greatest}, and the "
                f"data has {data.shape} in {data.classes} classes: give images of the same kind"
            )


def training_set(spec: NetworkSpec, data: Data) -> tuple[NetworkSpec, Split]:
    """The declaration as `fitted` has it for the data, and the images that its recipe takes.

    Args:
        spec: The network.
        data: Images of any shape, of any number of classes.

    Raises:
        SpecError: The layers do not fit such images, or a recipe's batch is larger than the set.
    """
    spec = fitted(spec, data)
    split = expand(data.train) if spec.recipe.expanded else data.train
    return spec, split.take(spec.recipe.images) if spec.recipe.images < len(split) else split
