"""The folder of one training run: a checkpoint to go on from, and the results when it is done.

spec.json               what is trained
checkpoint.safetensors  everything the next epoch needs; gone when the run is finished
history.csv             a row an epoch, written as the run goes
weights.safetensors     the weights of the best validation epoch
run.json                seed, data, versions, best epoch and history; its presence says: finished
.run.lock               held by the process that trains here
"""

from __future__ import annotations

import csv
import json
import math
import platform
import shlex
import warnings
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.data.dataset import DIGIT_NAMES
from zoo.errors import RunError
from zoo.nn.builder import build_model
from zoo.spec import NetworkSpec
from zoo.training import weights
from zoo.training.run_files import CHECKPOINT, FILES, check_files, discard
from zoo.training.run_identity import DECLARATION, check_declaration, check_identity
from zoo.training.run_record import read_checkpoint, read_run
from zoo.utils.atomic import atomic_write, remove_stale_temporaries
from zoo.utils.machine import processor

__all__ = ["CHECKPOINT", "FILES", "RunFolder", "TrainingState", "discard", "load_run"]

Tensors = dict[str, np.ndarray]


@dataclass
class TrainingState:
    """How far a run has come: its rows so far, and the best validation epoch with its weights."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int = 0
    best_weights: Tensors = field(default_factory=dict)
    diverged: bool = False
    done: bool = False
    devices: tuple[int, ...] = (1,)

    @property
    def epoch(self) -> int:
        """Epochs finished."""
        return len(self.rows)

    @property
    def monitored(self) -> set[str]:
        """The names of the sets that were scored after every epoch."""
        ending = "_accuracy"
        sets = [
            {name.removesuffix(ending) for name in row if name.endswith(ending)}
            for row in self.rows
        ]
        return set.intersection(*sets) if sets else set()

    @property
    def accuracies(self) -> list[float]:
        """On the validation images, epoch by epoch."""
        return [row["val_accuracy"] for row in self.rows]


@dataclass(frozen=True)
class RunFolder:
    """Where a run of one spec, seed, data set and initial weights, if given, keeps its files.

    Of several processes that train together one `writes`, and all read.
    """

    path: Path
    spec: NetworkSpec
    seed: int
    fingerprint: str
    start: str = ""
    class_names: tuple[str, ...] = DIGIT_NAMES
    resize: str = "stretch"
    on_black: bool = True
    devices: int = 1
    writes: bool = True

    def begin(self, model: keras.Model) -> TrainingState:
        """Start the run, or take it up where it was: its state goes into `model`.

        Raises RunError where the folder holds a run of something else, or files of a run's names
        that are none.
        """
        if self.writes:
            remove_stale_temporaries(self.path)
        if self._result.exists():
            return self._finished(model)
        if self._checkpoint.exists():
            return self._interrupted(model)
        check_files(self.path)
        check_declaration(self.spec, self.path)
        if self.writes:
            self._write(DECLARATION, self.spec.to_json(indent=2))
        return TrainingState(devices=(self.devices,))

    def save(self, model: keras.Model, progress: TrainingState) -> None:
        """Keep the state after an epoch: the checkpoint, and the history as CSV.

        Args:
            model: With the weights and the optimizer's state of now.
            progress: The rows so far, and the best weights.
        """
        if not self.writes:
            return
        state = weights.arrays(_state(model), "now/")
        best = {f"best/{name}": array for name, array in progress.best_weights.items()}
        record = {"rows": progress.rows, "best_epoch": progress.best_epoch, **self._identity()}
        record |= _devices(progress)
        weights.write(self._checkpoint, state | best, {"run": json.dumps(record)})
        self._write_history(progress.rows)

    def finish(self, model: keras.Model, progress: TrainingState) -> None:
        """Keep the results, and what they were made with; then drop the checkpoint.

        Args:
            model: With the best weights.
            progress: All rows of the run.
        """
        if not self.writes:
            return
        weights.save(model, self.path / "weights.safetensors", {"spec_hash": self.spec.hash})
        record = {
            **self._identity(),
            "spec": self.spec.to_plain(),
            **self._pictures(),
            **_devices(progress),
            "best_epoch": progress.best_epoch,
            "diverged": progress.diverged,
            "versions": {name: version(name) for name in ("keras", "numpy", "tensorflow")},
            "python": platform.python_version(),
            "processor": processor(),
            "history": progress.rows,
        }
        self._write(self._result.name, json.dumps(record, indent=2))
        self._checkpoint.unlink(missing_ok=True)

    def _pictures(self) -> dict[str, Any]:
        """What is not as with MNIST."""
        digits = {"class_names": DIGIT_NAMES, "resize": "stretch", "on_black": True}
        mine = {name: getattr(self, name) for name in digits}
        return {name: value for name, value in mine.items() if value != digits[name]}

    @property
    def _checkpoint(self) -> Path:
        return self.path / CHECKPOINT

    @property
    def _result(self) -> Path:
        return self.path / "run.json"

    def _identity(self) -> dict[str, Any]:
        record = {"spec_hash": self.spec.hash, "seed": self.seed, "data": self.fingerprint}
        return record | ({"start": self.start} if self.start else {})

    def _finished(self, model: keras.Model) -> TrainingState:
        run = read_run(self._result)
        check_identity(run, self._identity(), self.spec, self.path)
        tensors, _ = weights.read(self.path / "weights.safetensors", weights.shapes(model.weights))
        weights.assign(model.weights, tensors)  # even of a diverged run
        state = TrainingState(run.history, run.best_epoch, diverged=run.diverged, done=True)
        state.devices = run.devices
        return state

    def _interrupted(self, model: keras.Model) -> TrainingState:
        tensors, metadata = weights.read(self._checkpoint)
        run = read_checkpoint(metadata.get("run"), self._checkpoint)
        check_identity(run, self._identity(), self.spec, self.path)
        here = _state(model)
        now = weights.matching(_part(tensors, "now/"), weights.shapes(here), self._checkpoint)
        best = _part(tensors, "best/")
        if best:
            best = weights.matching(best, weights.shapes(model.weights), self._checkpoint)
        weights.assign(here, now)
        diverged = bool(run.rows) and not math.isfinite(run.rows[-1]["loss"])
        state = TrainingState(run.rows, run.best_epoch, best, diverged, devices=run.devices)
        if run.devices[-1] != self.devices:
            warnings.warn(
                f"{self.path} was begun with devices={run.devices[-1]} and goes on with "
                f"devices={self.devices}: its weights will differ by rounding",
                stacklevel=2,
            )
            state.devices += (self.devices,)
        return state

    def _write(self, name: str, text: str) -> None:
        with atomic_write(self.path / name) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")

    def _write_history(self, rows: list[dict[str, Any]]) -> None:
        with (
            atomic_write(self.path / "history.csv") as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)


def _devices(progress: TrainingState) -> dict[str, Any]:
    return {} if progress.devices == (1,) else {"devices": [*progress.devices]}


def load_run(path: str | Path) -> tuple[NetworkSpec, keras.Model]:
    """Read a finished run back: its spec, and its model with the trained weights.

    Raises RunError where the folder holds no finished run, or weights of another spec.
    """
    path = Path(path)
    if not (path / "run.json").is_file():
        there = shlex.quote(str(path))
        raise RunError(f"{path} holds no finished run: `python -m zoo train NAME --out {there}`")
    spec = read_run(path / "run.json").network
    model = build_model(spec, draw_weights=False)
    metadata = weights.load(model, path / "weights.safetensors")
    if metadata.get("spec_hash") != spec.hash:
        raise RunError(f"the weights in {path} are not of the spec beside them: train again")
    return spec, model


def _part(tensors: Tensors, prefix: str) -> Tensors:
    return {
        name.removeprefix(prefix): array
        for name, array in tensors.items()
        if name.startswith(prefix)
    }


def _state(model: keras.Model) -> list[keras.Variable]:
    # Weights, dropout's generators, and the optimizer's steps: all that an epoch hands to the next.
    model.optimizer.build(model.trainable_variables)
    return [*model.weights, *_generators(model), *model.optimizer.variables]


def _generators(model: keras.Model) -> list[keras.Variable]:
    known = {id(variable) for variable in [*model.weights, *model.metrics_variables]}
    return [variable for variable in model.variables if id(variable) not in known]
