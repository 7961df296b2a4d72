"""Running a trial: a point of the space is trained with each seed, and told of as plain data."""

from __future__ import annotations

import csv
import json
import math
import shutil
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from tuning.space import apply
from tuning.trial import Trial
from zoo.data import Data
from zoo.errors import ZooError
from zoo.spec import ModelSpec
from zoo.training import weights
from zoo.training.train import train
from zoo.utils.atomic import atomic_directory


def run(
    trial: Trial,
    spec: ModelSpec,
    data: Data,
    folder: Path,
    seeds: Sequence[int],
    *,
    before: Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> dict[str, Any]:
    """Train a trial's point with each seed, in `folder`, and return its result.

    The score is the mean of the accuracies at the best epochs; 0 for a point that diverges, or that
    cannot be trained at all. `before` is the folder of the trial that this one continues: its runs
    are taken up. Where they are not at hand, as on another machine, the same epochs run again.
    """
    executions: list[dict[str, Any]] = []
    began, inherited = time.monotonic(), 0.0
    for seed in seeds:
        out = folder / f"seed{seed}"
        if before:
            inherited += _take_up(before / out.name, out)
        try:
            executions.append(_train(trial, spec, data, seed, out, callbacks))
        except ZooError as error:
            return {"score": 0.0, "error": str(error), "executions": executions,
                    "seconds": time.monotonic() - began}  # fmt: skip
    return summary(executions, inherited)


def summary(executions: Sequence[dict[str, Any]], inherited: float = 0.0) -> dict[str, Any]:
    """The result of a trial of these runs; `inherited` are seconds that another trial has paid."""
    return {
        "score": statistics.mean(each["accuracy"] for each in executions),
        "executions": list(executions),
        "seconds": sum(each["seconds"] for each in executions) - inherited,
    }


def execution_record(
    rows: Sequence[dict[str, Any]], best_epoch: int, diverged: bool, seed: int
) -> dict[str, Any]:
    """One run, by the rows of its history, as a trial's result tells of it."""
    curve = [row["val_accuracy"] for row in rows]
    return {
        "seed": seed,
        "accuracy": 0.0 if diverged or not best_epoch else curve[best_epoch - 1],
        "best_epoch": best_epoch,
        "epochs": len(curve),
        "diverged": diverged or not best_epoch,
        "seconds": round(sum(row["seconds"] for row in rows), 3),
        "curve": [round(value, 6) for value in curve],
        "costs": [_finite(row["loss"]) for row in rows],
        "seconds_an_epoch": round(statistics.median(row["seconds"] for row in rows), 4),
    }


class _Paused(Exception):
    """A run has come as far as its trial goes; its folder keeps the state to go on from."""


class _Pause(keras.callbacks.Callback):
    """Leaves a run after so many epochs, as a kill would: the checkpoint is there, and stays."""

    def __init__(self, epochs: int):
        super().__init__()
        self.epochs = epochs

    def on_epoch_begin(self, epoch, logs=None):
        if epoch >= self.epochs:
            raise _Paused


def _train(
    trial: Trial,
    spec: ModelSpec,
    data: Data,
    seed: int,
    out: Path,
    callbacks: Sequence[keras.callbacks.Callback],
) -> dict[str, Any]:
    spec = trial.fidelity.of_spec(apply(spec, trial.values))
    data = trial.fidelity.of_data(data)
    pause = [_Pause(trial.fidelity.until)] if trial.fidelity.until else []
    try:
        result = train(
            spec, data, seed=seed, out=out, progress=False, callbacks=[*pause, *callbacks]
        )
    except _Paused:
        state = json.loads(weights.read(out / "checkpoint.safetensors")[1]["run"])
        return execution_record(state["rows"], state["best_epoch"], False, seed)
    return execution_record(result.history, result.best_epoch, result.diverged, seed)


def _take_up(before: Path, out: Path) -> float:
    """Start `out` as a copy of a run so far, if it is at hand; the seconds that it took."""
    if not (before / "history.csv").exists():
        return 0.0
    if not out.exists():
        with atomic_directory(out) as copy:
            shutil.copytree(before, copy, dirs_exist_ok=True)
    with (before / "history.csv").open(newline="") as file:
        return sum(float(row["seconds"]) for row in csv.DictReader(file))


def _finite(cost: float) -> float | None:
    return round(cost, 6) if math.isfinite(cost) else None  # JSON knows no infinity
