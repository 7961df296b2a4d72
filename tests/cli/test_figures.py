"""Figures as JSON, and what every command understands: --json, -q, -v, completion."""

from __future__ import annotations

import argparse
import json
import subprocess

import pytest

import tuning.cli
import zoo
import zoo.cli.main
from tests.data.data_files import write_classes
from tests.paths import ROOT
from zoo.cli.figures import print_json
from zoo.reproduction import results
from zoo.utils import tensorflow

main = zoo.cli.main.main


def commands(parser: argparse.ArgumentParser, name: str = "") -> dict[str, set[str]]:
    """The options of every command, by its name."""
    found = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, each in action.choices.items():
                inner = commands(each, f"{name} {word}".strip())
                options = {option for one in each._actions for option in one.option_strings}
                found |= inner or {f"{name} {word}".strip(): options}
    return found


ZOO, TUNING = (commands(each._parser()) for each in (zoo.cli.main, tuning.cli))

# They open, write or list something, and have no figures.
WITHOUT = {
    "book", "completion", "draw", "serve", "lab list", "lab pages", "lab report", "report",
}  # fmt: skip


@pytest.mark.parametrize("name", [*ZOO, *TUNING])
def test_commands_that_print_figures_print_them_as_json(name):
    options = ZOO.get(name) or TUNING[name]
    assert ("--json" in options) == (name not in WITHOUT)
    if name != "report":
        assert {"-q", "--quiet", "-v", "--verbose"} <= options


def printed(capsys, *words: str):
    assert main(list(words)) == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> str:
    folder = write_classes(tmp_path_factory.mktemp("pictures") / "pets", ("cat", "dog"), 12)
    return str(folder)


DATA = ["--size", "8x10", "--channels", "1"]


def test_data(pictures, capsys):
    record = printed(capsys, "data", "--json", "--data", pictures, *DATA)
    assert record["class_names"] == ["cat", "dog"]
    assert record["shape"] == [8, 10, 1]
    assert sum(record["images"].values()) == 24
    for part, counts in record["images_of_each_class"].items():
        assert sum(counts) == record["images"][part]


def test_train_and_evaluate(pictures, capsys, tmp_path):
    words = ["--data", pictures, *DATA, "-q", "--json"]
    out = str(tmp_path / "run")
    trained = printed(capsys, "train", "linear", "--epochs", "2", "--out", out, *words)
    assert (trained["name"], trained["epochs"], trained["diverged"]) == ("linear", 2, False)
    test = trained["test"]
    assert test["accuracy"] == test["correct"] / test["total"]
    assert sum(map(sum, test["confusion"])) == test["total"]
    scored = printed(capsys, "evaluate", "linear", "--run", out, *words)
    assert scored["test"] == test
    assert scored["spec_hash"] == trained["spec_hash"]


def test_a_table_is_its_rows(capsys):
    rows = printed(capsys, "table", "--json", "--results", str(ROOT / results.RESULTS))
    assert len(rows) == len(results.read(ROOT / results.RESULTS))
    assert {"name", "test", "test_total", "seed"} <= set(rows[0])


def test_an_experiment(capsys, tmp_path):
    (found,) = printed(
        capsys, "lab", "run", "ch1_nand", "--fast", "--json", "-q", "--out", str(tmp_path)
    )
    assert found["name"] == "ch1_nand"
    assert found["verdict"] == "agrees"
    assert found["checks"]


def test_what_is_no_number_is_null(capsys):
    print_json({"a": [float("nan"), float("inf"), 1.5], "b": "é"})
    assert json.loads(capsys.readouterr().out) == {"a": [None, None, 1.5], "b": "é"}


def test_a_chapter_without_networks_names_those_with(capsys):
    assert main(["list", "--chapter", "99"]) == 2
    assert capsys.readouterr().err == (
        "zoo: no network of chapter 99 matches '*'. Chapters with networks: 1, 3, 5, 6.\n"
    )


@pytest.mark.parametrize("run", [main, tuning.cli.main])
def test_bash_reads_the_script_that_completes(run, capsys, tmp_path):
    pytest.importorskip("shtab", reason="pip install 'neural-zoo[completion]'")
    assert run(["completion", "bash"]) == 0
    script = tmp_path / "completion.sh"
    script.write_text(capsys.readouterr().out)
    subprocess.run(["bash", "-n", script], check=True)
    if run is main:
        assert "conv2_relu_dropout_x5" in script.read_text()


def test_verbose_lets_stderr_through(capfd, monkeypatch):
    import os

    for verbose, said in ((False, ""), (True, "chatter")):
        monkeypatch.setattr(tensorflow, "_verbose", verbose)
        with tensorflow.suppress_output():
            os.write(2, b"chatter")
        assert capfd.readouterr().err == said
