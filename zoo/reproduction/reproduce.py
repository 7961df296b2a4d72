"""Reproduction: a network trained by its exact recipe with several seeds, each a row of results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from zoo.data import Data, load_data
from zoo.errors import RunError
from zoo.registry import get_spec
from zoo.reproduction.results import RESULTS, Row, append
from zoo.spec import NetworkSpec
from zoo.training import parallel
from zoo.training.job import TrainResult
from zoo.training.run_record import RunRecord, read_run
from zoo.training.train import train

RUNS = Path("runs")


def run_folder(name: str, seed: int, runs: Path = RUNS) -> Path:
    """Where a network's run with a seed keeps its files.

    Args:
        name: The network's name.
        seed: Of the run.
        runs: The folder of all runs.
    """
    return runs / f"{name}-seed{seed}"


def reproduce(
    network: str | NetworkSpec,
    seeds: Iterable[int],
    *,
    jobs: int = 1,
    runs: Path = RUNS,
    results: Path = RESULTS,
    progress: bool = True,
) -> Iterator[Row]:
    """Train a network once for each seed, and yield the rows as they are added to the results.

    A run that was stopped resumes, and a finished one is only read.

    Args:
        network: Its recipe is followed exactly.
        seeds: One run each.
        jobs: Processes at a time, each on one core; for an ensemble, members at a time.
        runs: The folder of the runs.
        results: The CSV file that rows are added to.
        progress: Whether to show how far it is.

    Yields:
        A row for each run.

    Raises:
        RunError: Runs diverged, which have no row; all others were trained first.
    """
    spec = get_spec(network)
    members = jobs if spec.members else 1
    calls = [(spec, seed, runs, results, members, progress and jobs == 1) for seed in seeds]
    diverged = []
    for number, row in parallel.results(_run, calls, jobs // members, tensorflow=True):
        if row is None:
            diverged.append(calls[number][1])
        else:
            yield row
    if diverged:
        raise RunError(
            f"{spec.name} diverged with seed {', '.join(map(str, sorted(diverged)))}: try others, "
            "as by --first-seed 100"
        )


def _run(
    spec: NetworkSpec, seed: int, runs: Path, results: Path, jobs: int, progress: bool
) -> Row | None:
    """The row of a run, which is added to the results; None where it diverged."""
    data = load_data(progress=progress)
    folder = run_folder(spec.name, seed, runs)
    result = train(
        spec,
        data,
        seed=seed,
        monitor={"test": data.test},
        out=folder,
        jobs=jobs,
        progress=progress,
    )
    if result.diverged:
        return None
    row = _row(result, data, read_run(folder / "run.json"))
    append(row, results)
    return row


def _row(result: TrainResult, data: Data, record: RunRecord) -> Row:
    validation = _counts(result, "val_accuracy", len(data.validation))
    test = _counts(result, "test_accuracy", len(data.test))
    best = result.best_epoch - 1
    return Row(
        name=result.spec.name,
        spec_hash=result.spec.hash,
        seed=result.seed,
        data=record.data,
        epochs=len(result.history),
        best_epoch=result.best_epoch,
        validation=validation[best],
        validation_last=validation[-1],
        validation_total=len(data.validation),
        test=test[best],
        test_best=max(test),
        test_last=test[-1],
        test_total=len(data.test),
        seconds=round(result.seconds, 1),
        images_per_second=round(result.images_per_second, 1),
        versions=" ".join(f"{name} {number}" for name, number in record.versions.items()),
        processor=record.processor,
        date=datetime.now(UTC).date().isoformat(),
    )


def _counts(result: TrainResult, name: str, total: int) -> list[int]:
    if any(name not in row for row in result.history):
        raise RunError(
            f"the run of {result.spec.name} with seed {result.seed} did not score the test images "
            "after its epochs: delete its folder, or move it away"
        )
    return [round(row[name] * total) for row in result.history]
