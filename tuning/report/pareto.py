"""Accuracy against parameters and latency, with the trials that no cheaper network beats."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from tuning.report import scales
from tuning.report.charts import scatter
from tuning.report.drawing import at, polyline
from tuning.report.record import Record
from tuning.strategies.pareto import parameters_of, pareto_front
from tuning.trial import Trial
from zoo.errors import SpecError


def against_parameters(record: Record) -> str:
    """The score of every trial by the size of its network; nothing where all are of one size."""
    return _against(record, "parameters", lambda trial: _size(record, trial))


def against_latency(record: Record) -> str:
    """The score of every trial by its latency, where the search has measured it."""
    return _against(
        record,
        "latency, microseconds an image",
        lambda trial: None if trial.latency is None else 1e6 * trial.latency,
    )


def _against(record: Record, label: str, cost: Callable[[Trial], float | None]) -> str:
    """The score of every trial by a cost; nothing where all cost the same.

    A line leads through the Pareto front: the trials on the full problem that no other trial beats
    at the same cost, or less.
    """
    every = {trial.number: cost(trial) for trial in record.ended}
    known = {number: value for number, value in every.items() if value}
    if len(set(known.values())) < 2:
        return ""
    x = scales.logarithmic(label, known.values())

    def front(x: scales.Scale, y: scales.Scale) -> str:
        best = pareto_front(record.fullest, lambda trial: known.get(trial.number))
        points = [at(x.place(value), y.place(trial.score)) for value, trial in best]
        # Between two of them a network is no better than the one that costs less.
        stairs = [
            point
            for before, after in itertools.pairwise(points)
            for point in (before, (after[0], before[1]))
        ]
        return polyline([*stairs, *points[-1:]], "front", "the Pareto front") if best else ""

    return scatter(record, x, lambda trial: known.get(trial.number), front)


def _size(record: Record, trial: Trial) -> int | None:
    """The number of parameters; None for values in a journal that make no network."""
    try:
        return parameters_of(record.spec, trial)
    except SpecError:
        return None
