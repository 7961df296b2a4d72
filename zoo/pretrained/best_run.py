"""The best of a recipe's finished runs, found in their records alone."""

from __future__ import annotations

from pathlib import Path

from zoo.data import Data
from zoo.data.dataset import DIGIT_NAMES
from zoo.errors import DataError, RunError
from zoo.spec import NetworkSpec
from zoo.training.run_record import RunRecord, read_run


def best_run(spec: NetworkSpec, runs: Path, data: Data) -> tuple[Path, RunRecord]:
    """The finished run of a spec with the best validation accuracy, to be published.

    Args:
        spec: The declaration that the runs followed, from weights that it drew itself.
        runs: The folder of its runs.
        data: What they were trained on; runs on other images do not count.

    Returns:
        The run's folder, and what its run.json says. Of runs with the same accuracy it is the
        one with the lowest seed.

    Raises:
        DataError: The classes are no digits: `predict`, `draw` and the card take them for such.
        RunError: There is none, or the record of one is damaged.
    """
    if data.class_names != DIGIT_NAMES:
        raise DataError(
            f"the pretrained networks read digits, and {data.name} has other classes: zoo.push "
            "puts a run's folder on the hub, or into a folder that zoo.load reads"
        )
    found = []
    for path in runs.glob(f"{spec.name}-seed*/run.json"):
        run = read_run(path)
        followed = (run.spec_hash, run.data, run.start) == (spec.hash, data.fingerprint, "")
        if followed and not run.diverged:
            accuracy = run.history[run.best_epoch - 1]["val_accuracy"]
            found.append((-accuracy, run.seed, path.parent, run))
    if not found:
        raise RunError(
            f"{runs} has no finished run of {spec.name} by its recipe on {data.name}: "
            f"python -m zoo reproduce {spec.name}"
        )
    return min(found, key=lambda each: each[:2])[2:]
