"""A paused run goes on in the model that it has, and as it would in a new one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import zoo
from tuning import execution, paused
from tuning.fidelity import Fidelity
from tuning.trial import Trial
from zoo.training import weights

SPEC = zoo.get_spec("conv2_relu_dropout").with_settings(epochs=3, batch_size=10)
VALUES = {"learning_rate": 0.02}


@pytest.fixture(scope="module")
def hundred(mnist):
    return mnist.take(100)


def run(number: int, until: int, data, folder: Path, after: int | None = None):
    trial = Trial(number, VALUES, None, Fidelity(until=until), after)
    before = None if after is None else folder / str(after)
    return execution.run(trial, SPEC, data, folder / str(number), [0], before=before)


def state(folder: Path, number: int) -> dict[str, np.ndarray]:
    return weights.read(folder / str(number) / "seed0" / "checkpoint.safetensors")[0]


def test_a_run_goes_on_in_its_model_as_in_a_new_one(hundred, tmp_path):
    run(0, 1, hundred, tmp_path)
    model = paused._models[tmp_path / "0" / "seed0"]
    step = model.train_function
    kept = run(1, 2, hundred, tmp_path, after=0)
    assert paused._models[tmp_path / "1" / "seed0"] is model
    assert model.train_function is step

    # The same from the folder alone, as another process has it.
    assert paused.take(tmp_path / "0" / "seed0") is None
    anew = run(2, 2, hundred, tmp_path, after=0)
    assert anew.executions[0].curve == kept.executions[0].curve
    assert anew.executions[0].costs == kept.executions[0].costs
    here, there = state(tmp_path, 1), state(tmp_path, 2)
    assert here.keys() == there.keys()
    for name, tensor in here.items():
        np.testing.assert_array_equal(tensor, there[name], err_msg=name)


@pytest.mark.integration
def test_a_run_whose_checkpoint_is_gone_begins_anew(hundred, tmp_path):
    first = run(0, 1, hundred, tmp_path)
    for name in ("history.csv", "checkpoint.safetensors", "spec.json"):
        (tmp_path / "0" / "seed0" / name).unlink()
    again = run(1, 1, hundred, tmp_path, after=0)
    assert again.executions[0].costs == first.executions[0].costs


def test_no_more_models_are_kept_than_a_rung_leaves(tmp_path, monkeypatch):
    monkeypatch.setattr(paused, "MOST", 2)
    models = [zoo.build("linear") for _ in range(3)]
    for number, model in enumerate(models):
        paused.keep(tmp_path / str(number), model)
    found = [paused.take(tmp_path / str(number)) for number in range(3)]
    assert found == [None, *models[1:]]
    for number in (0, 1, 0, 2):  # the first is kept anew, so the second is the oldest
        paused.keep(tmp_path / str(number), models[number])
    found = [paused.take(tmp_path / str(number)) for number in range(3)]
    assert found == [models[0], None, models[2]]
