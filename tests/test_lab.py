"""The lab: experiments are named and explained, run once, and make a page that stands alone."""

from __future__ import annotations

import re

import pytest
from matplotlib.figure import Figure

from zoo import lab
from zoo.cli import main
from zoo.errors import UnknownNameError
from zoo.lab import running
from zoo.lab.experiment import Bench, Check, Outcome, experiment, near


@pytest.fixture
def counted(monkeypatch):
    """An experiment that counts how often it was measured and drawn, and stands in the list."""
    calls = []

    def draw(data):
        calls.append("draw")
        figure = Figure()
        figure.subplots().plot(data["y"])
        return figure

    @experiment("ch9_counted", "Counted & drawn", draw=draw)
    def one(bench: Bench) -> Outcome:
        """It counts <itself>."""
        calls.append("measure")
        checks = (near("size", 1.02, 1.0, within=0.05), Check("kind", "a"))
        return Outcome({"y": [1, bench.choose(9, 2)]}, checks, "Small.")

    monkeypatch.setattr("zoo.lab.chapters._all", lambda: [one])
    return calls


def test_every_experiment_says_what_it_is():
    known = lab.experiments()
    names = [each.name for each in known]
    assert len(set(names)) == len(names)
    assert names == sorted(names, key=lambda name: name[2]), "in the order of the chapters"
    for each in known:
        assert re.fullmatch(r"ch[1-6]_[A-Za-z0-9_]+", each.name)
        assert each.question.endswith("."), each.name
        assert each.title


def test_an_experiment_runs_once(counted, tmp_path):
    first = lab.run("ch9_counted", out=tmp_path, fast=True)
    again = lab.run("ch9_counted", out=tmp_path, fast=True)
    assert counted == ["measure", "draw"]
    assert first.outcome == again.outcome
    assert first.picture.read_bytes().startswith(b"\x89PNG")
    assert first.picture.with_suffix(".svg").exists()
    lab.run("ch9_counted", out=tmp_path)
    assert counted == ["measure", "draw"] * 2, "the full form is another experiment"


def test_other_code_and_an_interrupted_run_count_as_not_run(counted, tmp_path, monkeypatch):
    done = lab.run("ch9_counted", out=tmp_path)
    done.picture.unlink()
    lab.run("ch9_counted", out=tmp_path)
    monkeypatch.setattr("zoo.lab.experiment.Experiment.code", "other")
    lab.run("ch9_counted", out=tmp_path)
    assert counted.count("measure") == 3


def test_the_verdict_is_that_of_the_checks():
    right, wrong, silent = Check("a", 1, 1, True), Check("b", 1, 2, False), Check("c", 1)
    assert Outcome({}, (right, silent)).verdict == "agrees"
    assert Outcome({}, (right, wrong)).verdict == "differs"
    assert Outcome({}, (silent,)).verdict == "no figure"
    assert near("z", 22.0, 22.4, within=0.3).agrees is False


def test_names_are_found_by_pattern_and_the_nearest_is_told(counted):
    assert [each.name for each in lab.experiments("ch9*")] == ["ch9_counted"]
    with pytest.raises(UnknownNameError, match="Did you mean 'ch9_counted'"):
        lab.get_experiment("ch9_count")


def test_the_commands_print_and_write(counted, tmp_path, capsys):
    assert main(["lab", "list"]) == 0
    assert "Counted & drawn" in capsys.readouterr().out
    assert main(["lab", "run", "ch9_counted", "--fast", "--out", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "size: 1.02, the book 1\n" in told
    assert "agrees" in told
    assert main(["lab", "run", "ch9_count"]) == 2
    assert main(["lab", "report", "--fast", "--out", str(tmp_path)]) == 0
    page = (tmp_path / "index.html").read_text()
    assert "Counted &amp; drawn" in page
    assert "It counts &lt;itself&gt;." in page
    assert "data:image/png;base64," in page
    assert not re.search(r"https?://|<script|<link", page), "the page needs nothing from elsewhere"
    assert counted == ["measure", "draw"]


def test_a_folder_that_cannot_be_written_is_one_line(counted, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["lab", "run", "ch9_counted", "--out", str(tmp_path / "file")]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert running.FOLDER != running.FAST_FOLDER
