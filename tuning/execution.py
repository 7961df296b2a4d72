"""Running a trial: a point of the space is trained with each seed, and its result recorded."""

from __future__ import annotations

import json
import math
import shutil
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras

from tuning import paused
from tuning.space import apply
from tuning.trial import Execution, Trial, TrialResult
from zoo.data import Data
from zoo.errors import RunError, SpecError
from zoo.nn.builder import build_model
from zoo.spec import ModelSpec
from zoo.training import weights
from zoo.training.fit import train_network
from zoo.training.job import TrainingJob
from zoo.training.run_folder import CHECKPOINT, discard
from zoo.training.run_record import read_history
from zoo.training.train import training_job
from zoo.utils.atomic import atomic_directory


def run(
    trial: Trial,
    spec: ModelSpec,
    data: Data,
    folder: Path,
    seeds: Sequence[int],
    *,
    before: Path | None = None,
    callbacks: Callable[[int], Sequence[keras.callbacks.Callback]] = lambda seed: (),
) -> TrialResult:
    """Train a trial's point with each seed, and return its result.

    The score is the mean of the accuracies at the best epochs; 0 for a point that diverges, or that
    cannot be trained at all. A run in the folder that is damaged, or of another point, is deleted
    and trained anew, which its seed makes the same run.

    Args:
        trial: The point, and how much of the problem it sees.
        spec: The network that the values of the point are applied to.
        data: The full data set.
        folder: Where the runs are kept, a folder a seed.
        seeds: One an execution.
        before: The folder of the trial that this one continues: its runs are taken up. Where they
            are not at hand, as on another machine, the same epochs run again.
        callbacks: Further callbacks of Keras, by the seed of the run that they are for.

    Raises:
        ZooError: What is no fault of the point, as images that are missing; or OSError.
    """
    executions: list[Execution] = []
    began, inherited = time.monotonic(), 0.0
    for seed in seeds:
        out = folder / f"seed{seed}"
        paid, model = 0.0, None
        if before:
            paid, model = take_up(before / out.name, out), paused.take(before / out.name)
        try:
            try:
                executions.append(_train(trial, spec, data, seed, out, callbacks(seed), model))
            except _Discarded:
                paid = 0.0
                executions.append(_train(trial, spec, data, seed, out, callbacks(seed), None))
        except SpecError as error:
            seconds = time.monotonic() - began
            return TrialResult(0.0, tuple(executions), seconds, str(error) or repr(error))
        inherited += paid
    return summary(executions, inherited)


def summary(executions: Sequence[Execution], inherited: float = 0.0) -> TrialResult:
    """The result of a trial of these runs.

    Args:
        executions: One or more.
        inherited: Seconds of them that another trial has paid for.

    Returns:
        The mean accuracy as the score, and the seconds that are left to pay, 0 or more.
    """
    seconds = sum(execution.seconds for execution in executions) - inherited
    score = statistics.mean(execution.accuracy for execution in executions)
    return TrialResult(score, tuple(executions), max(seconds, 0.0))


def execution_record(
    rows: Sequence[dict[str, Any]],
    best_epoch: int,
    diverged: bool,
    seed: int,
    images: int,
    validated: int,
) -> Execution:
    """The record of one run, from the rows of its history.

    Args:
        rows: One or more, as in `TrainResult.history`.
        best_epoch: Counted from 1; 0 if there is none, and the run then counts as diverged.
        diverged: Whether the cost became infinite; the accuracy is then 0.
        seed: Of the run.
        images: How many it trained on.
        validated: How many images its accuracies are of.
    """
    curve = [row["val_accuracy"] for row in rows]
    return Execution(
        seed=seed,
        accuracy=0.0 if diverged or not best_epoch else curve[best_epoch - 1],
        best_epoch=best_epoch,
        epochs=len(curve),
        diverged=diverged or not best_epoch,
        seconds=round(sum(row["seconds"] for row in rows), 3),
        curve=tuple(round(value, 6) for value in curve),
        costs=tuple(_finite(row["loss"]) for row in rows),
        seconds_an_epoch=round(statistics.median(row["seconds"] for row in rows), 4),
        images=images,
        validated=validated,
    )


class _Paused(Exception):
    """A run has come as far as its trial goes; its folder keeps the state to go on from."""


class _Discarded(Exception):
    """A run could not be taken up, and its files are gone."""


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
    model: keras.Model | None,
) -> Execution:
    spec, data = trial.fidelity.of(apply(spec, trial.values), data)
    sizes = (spec.recipe.images, len(data.validation))
    pause = [_Pause(trial.fidelity.until)] if trial.fidelity.until else []
    job = training_job(spec, data, seed=seed, out=out, callbacks=[*pause, *callbacks])
    try:
        # Without a checkpoint the run begins anew, and its model must be new, too.
        result = train_network(job, model if (out / CHECKPOINT).exists() else None)
    except RunError as error:
        if not _cannot_be_taken_up(job):
            raise
        discard(out)
        raise _Discarded from error
    except _Paused:
        paused.keep(out, pause[0].model)
        state = json.loads(weights.read(out / CHECKPOINT)[1]["run"])
        return execution_record(state["rows"], state["best_epoch"], False, seed, *sizes)
    return execution_record(result.history, result.best_epoch, result.diverged, seed, *sizes)


def _cannot_be_taken_up(job: TrainingJob) -> bool:
    """Whether the folder of a job holds a run that is damaged, or of another point.

    Such a one is of a trial whose line was deleted from the journal.
    """
    try:
        job.begin(build_model(job.spec, seed=job.seed))
    except RunError as error:
        return not isinstance(error.__cause__, OSError)  # what cannot be read now may be whole
    return False


def take_up(before: Path, out: Path) -> float:
    """Start a run as a copy of one so far, if that is at hand.

    Args:
        before: The folder of the run so far.
        out: The folder of the new one; where it is there already, it stays as it is.

    Returns:
        The seconds that the run so far took; 0 where it has no history, or a damaged one, and is
        not at hand.
    """
    history = before / "history.csv"
    if not history.exists():
        return 0.0
    try:
        seconds = sum(row["seconds"] for row in read_history(history))
    except RunError:
        return 0.0
    if not out.exists():
        with atomic_directory(out) as copy:
            shutil.copytree(before, copy, dirs_exist_ok=True)
    return seconds


def _finite(cost: float) -> float | None:
    return round(cost, 6) if math.isfinite(cost) else None  # JSON knows no infinity
