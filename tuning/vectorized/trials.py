"""Running several trials at once: each is trained with every seed, all of them in one program."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tuning.execution import execution_record, run, summary
from tuning.space import apply
from tuning.trial import Execution, Trial, TrialResult
from tuning.vectorized.train import as_they_end
from zoo.data import Data
from zoo.errors import ZooError
from zoo.spec import ModelSpec, NetworkSpec
from zoo.training.job import training_set

Folder = Callable[[int], Path]


def run_vectorized(
    trials: Sequence[Trial],
    spec: ModelSpec,
    data: Data,
    folder: Folder,
    seeds: Sequence[int],
) -> Iterator[tuple[Trial, TrialResult]]:
    """Train the points of trials of one fidelity; yield each with its result, once it has one.

    `folder` says where a trial of a number keeps its runs. Trials whose runs are damaged, or cannot
    be, are run one by one, and tell their own errors.
    """
    fidelity = trials[0].fidelity
    seen = fidelity.of_data(data)
    specs: dict[int, NetworkSpec] = {}
    for trial in trials:
        # What cannot be trained at all is left out here, and run by itself to tell its error.
        with contextlib.suppress(ZooError):
            point = fidelity.of_spec(apply(spec, trial.values))
            specs[trial.number], _ = training_set(point, seen)
    left = {trial.number: trial for trial in trials}
    with contextlib.suppress(ZooError):
        for number, result in _results(specs, seen, folder, seeds):
            yield left.pop(number), result
    for trial in left.values():
        yield trial, run(trial, spec, data, folder(trial.number), seeds)


def _results(
    specs: Mapping[int, NetworkSpec], data: Data, folder: Folder, seeds: Sequence[int]
) -> Iterator[tuple[int, TrialResult]]:
    numbers = list(specs)
    executions: dict[int, list[Execution]] = {number: [] for number in numbers}
    for seed in seeds:
        # Trials of one seed see the images in one order, which is when they train fastest.
        out = [folder(number) / f"seed{seed}" for number in numbers]
        for index, result in as_they_end([*specs.values()], data, [seed] * len(specs), out):
            mine = executions[numbers[index]]
            mine.append(execution_record(result.history, result.best_epoch, result.diverged, seed))
            if len(mine) == len(seeds):
                yield numbers[index], summary(mine)
