"""Reproduction: several seeds of one recipe, each a row, whatever stops them on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest

import zoo
from zoo.errors import RunError
from zoo.reproduction import reproduce
from zoo.reproduction.results import read

# `mlp30` on 2,000 real images for two epochs.
BRIEF = replace(zoo.get_spec("mlp30").with_settings(images=2000, epochs=2), name="brief")


@pytest.fixture(scope="module")
def alone(mnist):
    """The first run, trained by itself."""
    return zoo.train(BRIEF, mnist, seed=0, progress=False)


def test_a_row_for_every_seed_and_no_second_one(mnist, tmp_path, alone):
    places = {"runs": tmp_path / "runs", "results": tmp_path / "results.csv", "progress": False}
    rows = list(reproduce.reproduce(BRIEF, range(2), **places))
    assert [row.seed for row in rows] == [0, 1]
    assert read(tmp_path / "results.csv") == rows
    again = list(reproduce.reproduce(BRIEF, range(3), **places))
    assert [row.seed for row in again] == [0, 1, 2]
    assert read(tmp_path / "results.csv") == again

    row = rows[0]
    assert row.best_epoch == alone.best_epoch
    assert row.test == zoo.evaluate(alone.model, mnist.test).correct
    assert row.validation == zoo.evaluate(alone.model, mnist.validation).correct
    assert row.test_best >= max(row.test, row.test_last)


def test_a_diverged_run_is_reported_after_the_others_and_is_no_row(mnist, tmp_path, monkeypatch):
    layers = (zoo.FullyConnected(30, "relu"), zoo.Softmax())
    spec = replace(BRIEF, layers=layers).with_settings(images=500, epochs=1)
    places = {"runs": tmp_path / "runs", "results": tmp_path / "results.csv", "progress": False}
    wild = spec.with_settings(learning_rate=1e9)

    def train(network, *arguments, seed, **settings):
        return zoo.train(wild if seed == 0 else network, *arguments, seed=seed, **settings)

    monkeypatch.setattr(reproduce, "train", train)
    rows = []
    with pytest.raises(RunError, match="brief diverged with seed 0: try others"):
        rows.extend(reproduce.reproduce(spec, [0, 1], **places))
    assert [row.seed for row in read(tmp_path / "results.csv")] == [1]


def test_a_run_without_test_figures_is_told(mnist, tmp_path):
    places = {"runs": tmp_path / "runs", "results": tmp_path / "results.csv", "progress": False}
    out = reproduce.run_folder(BRIEF.name, 0, places["runs"])
    zoo.train(BRIEF, mnist, seed=0, out=out, progress=False)
    with pytest.raises(RunError, match="did not score the test images"):
        list(reproduce.reproduce(BRIEF, [0], **places))


@pytest.mark.integration
def test_jobs_run_side_by_side_and_give_the_same_rows(mnist, tmp_path, capfd, alone):
    places = {"runs": tmp_path / "runs", "results": tmp_path / "results.csv", "progress": False}
    rows = {row.seed: row for row in reproduce.reproduce(BRIEF, [0, 1], jobs=2, **places)}
    assert sorted(read(tmp_path / "results.csv"), key=lambda row: row.seed) == [rows[0], rows[1]]
    assert "port.cc" not in capfd.readouterr().err  # TensorFlow's notes, of every process
    assert rows[0].test == zoo.evaluate(alone.model, mnist.test).correct
