"""Running several trials at once: each is trained with every seed, all of them in one program."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tuning.execution import execution_record, run, summary, take_up
from tuning.space import apply
from tuning.trial import Execution, Trial, TrialResult
from tuning.vectorized.train import as_they_end
from zoo.data import Data
from zoo.errors import ZooError
from zoo.spec import ModelSpec, NetworkSpec

Folder = Callable[[int], Path]


def run_vectorized(
    trials: Sequence[Trial],
    spec: ModelSpec,
    data: Data,
    folder: Folder,
    seeds: Sequence[int],
) -> Iterator[tuple[Trial, TrialResult]]:
    """Train the points of trials of one fidelity; yield each with its result, once it has one.

    A trial that continues another one takes its runs up. Trials whose runs are damaged, or cannot
    be, are run one by one, and tell their own errors.

    Args:
        trials: Of one fidelity.
        spec: The network that the values of the points are applied to.
        data: The full data set.
        folder: Where a trial of a number keeps its runs.
        seeds: One an execution.
    """
    fidelity = trials[0].fidelity
    specs: dict[int, NetworkSpec] = {}
    left = {trial.number: trial for trial in trials}
    with contextlib.suppress(ZooError):
        seen = fidelity.of_data(data)
        for trial in trials:
            # What cannot be trained at all is left out here, and run by itself to tell its error.
            with contextlib.suppress(ZooError):
                specs[trial.number], _ = fidelity.of(apply(spec, trial.values), data, seen)
        begun = [trial for trial in left.values() if trial.number in specs]
        for number, result in _results(begun, specs, seen, folder, seeds):
            yield left.pop(number), result
    for trial in left.values():
        before = None if trial.after is None else folder(trial.after)
        yield trial, run(trial, spec, data, folder(trial.number), seeds, before=before)


def _results(
    trials: Sequence[Trial],
    specs: Mapping[int, NetworkSpec],
    data: Data,
    folder: Folder,
    seeds: Sequence[int],
) -> Iterator[tuple[int, TrialResult]]:
    executions: dict[int, list[Execution]] = {trial.number: [] for trial in trials}
    inherited = dict.fromkeys(executions, 0.0)
    until = trials[0].fidelity.until if trials else None
    for seed in seeds:
        for trial in trials:
            if trial.after is not None:
                runs = [folder(number) / f"seed{seed}" for number in (trial.after, trial.number)]
                inherited[trial.number] += take_up(*runs)
        # Trials of one seed see the images in one order, which is when they train fastest.
        out = [folder(trial.number) / f"seed{seed}" for trial in trials]
        networks = [specs[trial.number] for trial in trials]
        for index, result in as_they_end(networks, data, [seed] * len(out), out, until):
            number = trials[index].number
            mine = executions[number]
            sizes = (specs[number].recipe.images, len(data.validation))
            mine.append(
                execution_record(result.history, result.best_epoch, result.diverged, seed, *sizes)
            )
            if len(mine) == len(seeds):
                yield number, summary(mine, inherited[number])
