"""Runs of a trial that cannot be taken up, which is no fault of its point."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import zoo
from tuning import execution
from tuning.fidelity import FULL, Fidelity
from tuning.trial import Trial, TrialResult
from tuning.vectorized.trials import run_vectorized
from zoo.data import Split
from zoo.errors import DataError, RunError
from zoo.training.run_folder import load_run

SPEC = zoo.get_spec("linear").with_settings(epochs=2, batch_size=50)
VALUES = {"learning_rate": 0.1}
NO_UTF_8 = b"\xff\xfe\x00"


@pytest.fixture(scope="module")
def few(bars):
    return bars.take(100)


def run(folder: Path, data, fidelity: Fidelity = FULL, before: Path | None = None) -> TrialResult:
    after = 0 if before else None
    trial = Trial(1 if before else 0, VALUES, None, fidelity, after)
    return execution.run(trial, SPEC, data, folder, [0], before=before)


@pytest.fixture(scope="module")
def ended(few, tmp_path_factory):
    """A trial that has ended, the folder of its runs, and that of one which has paused."""
    folder = tmp_path_factory.mktemp("runs")
    run(folder / "paused", few, Fidelity(until=1))
    return run(folder / "ended", few), folder


@pytest.mark.parametrize(
    ("state", "name", "text"),
    [
        ("ended", "run.json", NO_UTF_8),
        ("ended", "spec.json", NO_UTF_8),
        ("paused", "checkpoint.safetensors", NO_UTF_8),
        *(
            pytest.param(*case, marks=pytest.mark.integration)
            for case in (
                ("ended", "run.json", b"{}"),
                ("ended", "weights.safetensors", NO_UTF_8),
                ("ended", "weights.safetensors", None),
                ("paused", "history.csv", NO_UTF_8),
                ("paused", "spec.json", b"null"),
            )
        ),
    ],
)
def test_a_damaged_run_is_trained_anew(ended, few, tmp_path, state, name, text):
    """And is the run that it was, since its seed makes it."""
    result, folder = ended
    shutil.copytree(folder / state, tmp_path / "again")
    path = tmp_path / "again" / "seed0" / name
    path.unlink() if text is None else path.write_bytes(text)
    again = run(tmp_path / "again", few)
    assert again.error == ""
    assert again.executions[0].curve == result.executions[0].curve
    assert load_run(tmp_path / "again" / "seed0")[1].count_params() == 7850


@pytest.mark.parametrize("name", ["history.csv", "checkpoint.safetensors"])
def test_a_trial_that_continues_a_damaged_one_runs_its_epochs_again(ended, few, tmp_path, name):
    result, folder = ended
    shutil.copytree(folder / "paused", tmp_path / "before")
    (tmp_path / "before" / "seed0" / name).write_bytes(NO_UTF_8)
    again = run(tmp_path / "after", few, before=tmp_path / "before")
    assert again.executions[0].curve == result.executions[0].curve
    assert again.seconds == again.executions[0].seconds, "all of them are its own"


def test_a_run_of_another_point_is_no_run_of_this_one(ended, few, tmp_path):
    result, _ = ended
    other = Trial(0, {"learning_rate": 0.5}, None)
    execution.run(other, SPEC, few, tmp_path, [0])
    assert run(tmp_path, few).executions[0].curve == result.executions[0].curve


def test_trials_in_one_program_outlive_a_damaged_run(ended, few, tmp_path):
    result, folder = ended
    shutil.copytree(folder / "ended", tmp_path / "0")
    (tmp_path / "0" / "seed0" / "run.json").write_bytes(NO_UTF_8)
    trials = [Trial(number, VALUES) for number in (0, 1, 1)]
    found = list(run_vectorized(trials, SPEC, few, lambda number: tmp_path / str(number), [0]))
    assert [trial.number for trial, _ in found] == [0, 1], "each ends once"
    curve = result.executions[0].curve
    for _, each in found:
        np.testing.assert_allclose(each.executions[0].curve, curve, atol=0.02)


def test_what_cannot_be_read_now_stays(ended, few, tmp_path):
    _, folder = ended
    shutil.copytree(folder / "ended", tmp_path / "again")
    record = tmp_path / "again" / "seed0" / "run.json"
    record.unlink()
    record.mkdir()
    with pytest.raises(RunError, match="cannot read"):
        run(tmp_path / "again", few)
    assert (record.parent / "weights.safetensors").exists()


def test_images_that_are_missing_are_no_fault_of_a_point(few, tmp_path):
    """Nothing is recorded: the error ends the search, for one trial as for several at a time."""
    kept = few.train.labels == 5
    data = replace(few, train=Split(few.train.images[kept], few.train.labels[kept]))
    fidelity = Fidelity(digits=(0, 1))
    with pytest.raises(DataError):
        run(tmp_path, data, fidelity)
    trials = [Trial(number, VALUES, None, fidelity) for number in (0, 1)]
    with pytest.raises(DataError):
        list(run_vectorized(trials, SPEC, data, lambda number: tmp_path / str(number), [0]))
