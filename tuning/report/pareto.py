"""Accuracy against the number of parameters, with the trials that no smaller network beats."""

from __future__ import annotations

import itertools

from tuning.report import scales
from tuning.report.charts import scatter
from tuning.report.drawing import at, polyline
from tuning.report.record import Record
from tuning.strategies.pareto import parameters_of, pareto_front
from tuning.trial import Trial
from zoo.errors import SpecError


def against_parameters(record: Record) -> str:
    """The score of every trial by the size of its network; nothing where all are of one size.

    A line leads through the Pareto front: the trials on the full problem that no other trial beats
    with as many parameters, or fewer.
    """
    known = {trial.number: _size(record, trial) for trial in record.ended}
    sizes = {number: size for number, size in known.items() if size}
    if len(set(sizes.values())) < 2:
        return ""
    x = scales.logarithmic("parameters", sizes.values())

    def front(x: scales.Scale, y: scales.Scale) -> str:
        full = [trial for trial in record.fullest if trial.number in sizes]
        best = pareto_front(full, record.spec)
        points = [at(x.place(sizes[trial.number]), y.place(trial.score)) for trial in best]
        # Between two of them a network is no better than the smaller one.
        stairs = [
            point
            for before, after in itertools.pairwise(points)
            for point in (before, (after[0], before[1]))
        ]
        return polyline([*stairs, *points[-1:]], "front", "the Pareto front") if best else ""

    return scatter(record, x, lambda trial: sizes.get(trial.number), front)


def _size(record: Record, trial: Trial) -> int | None:
    """The number of parameters; None for values in a journal that make no network."""
    try:
        return parameters_of(record.spec, trial)
    except SpecError:
        return None
