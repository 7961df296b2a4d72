"""Training of an ensemble: its members one after another, or several at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np

from zoo.errors import RunError
from zoo.evaluation.scores import evaluate
from zoo.nn.builder import build_model
from zoo.training import parallel, weights
from zoo.training.fit import train_network
from zoo.training.job import TrainingJob, TrainResult


def train_members(job: TrainingJob, jobs: int) -> TrainResult:
    """Train the members of a vote and return the vote.

    Args:
        job: The vote's. Member i of m, from 0 up, is trained with the seed `job.seed` * m + i, and
            kept in the folder member_(i + 1) of the vote's.
        jobs: How many train at a time; with more than 1 each in a process of its own.

    Returns:
        The vote, its history one row.

    Raises:
        RunError: A member diverged, a process died, or the folder holds another run.
    """
    model = build_model(job.spec, seed=job.seed, draw_weights=False)
    with job.held():
        state = job.begin(model)  # before hours of training: the folder may hold another run
        if state.done:
            return job.finish(model, state)
        calls = [(_member(job, number),) for number in range(len(job.spec.members))]
        rows: dict[int, list[dict[str, Any]]] = {}
        trained: dict[str, np.ndarray] = {}
        done = parallel.results(_trained_weights, calls, jobs, tensorflow=True)
        for index, (history, tensors) in done:
            rows[index] = history
            prefix = f"member_{index + 1}_"
            trained |= {f"{prefix}{name}": tensor for name, tensor in tensors.items()}
        weights.assign(model.weights, trained)
        state.rows, state.best_epoch = [_row_of_a_vote(model, job, rows)], 1
        return job.finish(model, state)


def _member(job: TrainingJob, index: int) -> TrainingJob:
    return replace(
        job,
        spec=job.spec.members[index],
        # No two votes share a member: of five each, seed 0 trains 0 to 4, seed 1 trains 5 to 9.
        seed=job.seed * len(job.spec.members) + index,
        out=job.out / f"member_{index + 1}" if job.out else None,
        overwrite=False,  # done with the vote's own folder
    )


def _trained_weights(job: TrainingJob) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    result = train_network(job)
    if result.diverged:
        raise RunError(f"{job.spec.name} diverged at epoch {len(result.history)}: no vote")
    return list(result.history), weights.arrays(result.model.weights)


def _row_of_a_vote(model: keras.Model, job: TrainingJob, rows: dict[int, list]) -> dict[str, Any]:
    row: dict[str, Any] = {"epoch": 1}
    for name, split in {"val": job.validation_set, **job.monitor}.items():
        row[f"{name}_accuracy"] = evaluate(model, split).accuracy
    row["seconds"] = sum(epoch["seconds"] for history in rows.values() for epoch in history)
    row["images"] = job.spec.recipe.images * sum(len(history) for history in rows.values())
    return row
