"""The objective of keras-tuner's oracles, read off the history of a trial's runs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras_tuner

from tuning.trial import TrialResult
from zoo.errors import SpecError
from zoo.training.run_record import read_history

# What every epoch of every run is measured by.
MEASURED = ("val_accuracy", "val_loss", "accuracy", "loss")

# The objective of a trial that diverged, or could not be trained, where it is to be small. It is
# finite, since keras-tuner's Gaussian process cannot learn from infinities.
WORST_COST = 1000.0


def check_objective(objective: Any, *, strategic: bool) -> None:
    """Check that an oracle's objective can be measured.

    Args:
        objective: keras-tuner's Objective, or what stands for several of them.
        strategic: Whether one of our own strategies decides, which maximises val_accuracy.

    Raises:
        SpecError: It cannot.
    """
    known = MEASURED[:1] if strategic else MEASURED
    name = getattr(objective, "name", None)
    if not isinstance(objective, keras_tuner.Objective) or name not in known:
        raise SpecError(
            f"the objective {name!r} is not measured here: choose from {', '.join(known)}"
        )


def objective_value(
    objective: keras_tuner.Objective, result: TrialResult, folders: Iterable[Path]
) -> float:
    """The objective of a trial: the best epoch of each run by it, and the mean over the runs.

    Args:
        objective: One of those that are measured.
        result: What came of the trial.
        folders: One a run, with its history.csv.
    """
    largest = objective.direction == "max"
    if objective.name == "val_accuracy" and largest:
        return result.score
    if result.error or result.diverged:
        return 0.0 if largest else WORST_COST
    best = max if largest else min
    return statistics.mean(best(_curve(folder, objective.name)) for folder in folders)


def _curve(folder: Path, name: str) -> list[float]:
    values = [row[name] for row in read_history(folder / "history.csv")]
    return [value for value in values if math.isfinite(value)]
