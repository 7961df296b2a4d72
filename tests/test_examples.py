"""The examples, each in a short form, in a folder of its own."""

from __future__ import annotations

import importlib.util
import os
import sys

import nbformat
import pytest
from nbclient import NotebookClient

import zoo
from tests.paths import ROOT

EXAMPLES = ROOT / "examples"


@pytest.fixture
def example(tmp_path, monkeypatch):
    """Import an example as its users do, in a folder that is empty."""
    monkeypatch.chdir(tmp_path)
    before = set(zoo.list_models())

    def load(name):
        spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    yield load
    for name in set(zoo.list_models()) - before:
        zoo.unregister(name)


@pytest.mark.integration
def test_one_file_is_short_and_scores_as_zoo_train_does(example, mnist):
    # Standard deviation over seeds, at this length: 0.3 per cent.
    assert len((EXAMPLES / "one_file.py").read_text().splitlines()) <= 60
    plain = example("one_file").main(images=5000, epochs=4)
    result = zoo.train("mlp30", mnist.take(5000), epochs=4, progress=False)
    assert plain == pytest.approx(zoo.evaluate(result.model, mnist.test).accuracy, abs=0.015)


@pytest.mark.integration
def test_own_networks_train_and_come_back_from_json(example):
    module = example("own_network")
    scores = module.main(images=1000, epochs=1)
    assert list(scores) == ["wide_filters", "gelu30", "my_net"]
    assert all(score.accuracy > 0.3 for score in scores.values())
    for name in module.NAMES:
        spec = zoo.get_spec(name)
        assert type(spec).from_json(spec.to_json()) == spec
    assert zoo.get_spec("gelu30").parameters == 785 * 30 + 31 * 10


@pytest.mark.integration
def test_an_ensemble_is_scored_beside_its_members(example):
    scores = example("ensemble").main("linear", members=2, images=1000, epochs=1)
    assert list(scores) == ["seed 0", "seed 1", "plurality", "mean"]
    assert all(score.total == 10_000 for score in scores.values())


@pytest.mark.integration
def test_a_search_keeps_its_trials(example, tmp_path):
    score = example("tune").main(trials=2, images=500, epochs=1)
    assert score.accuracy > 0.3
    assert (tmp_path / "runs/tune/journal.jsonl").read_text().count('"ended"') == 2


def test_an_export_serves_without_keras(example):
    assert example("export_and_serve").main(images=200) > 0.97


@pytest.fixture
def notebook():
    return nbformat.read(EXAMPLES / "quickstart.ipynb", as_version=4)


@pytest.mark.integration
def test_the_cells_of_the_notebook_run_in_turn(notebook, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            exec(cell.source, names)


@pytest.mark.integration
def test_the_notebook_runs(notebook, tmp_path, mnist):
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env=environment)
    score = zoo.evaluate(zoo.load("mlp30"), mnist.test)
    assert str(score) in str(notebook.cells[3].outputs)
    pictures = [out for cell in notebook.cells for out in cell.get("outputs", []) if "data" in out]
    assert sum("image/png" in picture["data"] for picture in pictures) == 2


def test_all_examples_are_tried():
    text = (ROOT / "tests/test_examples.py").read_text()
    for path in EXAMPLES.glob("*.*"):
        assert f'"{path.stem}"' in text or f'"{path.name}"' in text, path
