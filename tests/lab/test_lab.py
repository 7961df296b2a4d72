"""The lab: experiments are named and explained, run once, and make a page that stands alone."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.figure import Figure

import zoo
from zoo import lab
from zoo.cli.main import main
from zoo.errors import LabError, UnknownNameError
from zoo.lab.core import running
from zoo.lab.core.code import code_files
from zoo.lab.core.experiment import Check, Context, Result, check_close, experiment


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
    def one(context: Context) -> Result:
        """It counts <itself>."""
        calls.append("measure")
        checks = (check_close("size", 1.02, 1.0, within=0.05), Check("kind", "a"))
        return Result({"y": [1, context.choose(9, 2)]}, checks, "Small.")

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
    assert first.result == again.result
    assert first.picture.read_bytes().startswith(b"\x89PNG")
    assert first.picture.with_suffix(".svg").exists()
    with pytest.raises(LabError, match="holds the fast form, measured in 0 s, which the full one"):
        lab.run("ch9_counted", out=tmp_path)
    lab.run("ch9_counted", out=tmp_path / "full")
    assert counted == ["measure", "draw"] * 2
    with pytest.raises(LabError, match="holds the full form"):
        lab.run("ch9_counted", out=tmp_path / "full", fast=True)
    assert len(counted) == 4


def test_other_code_counts_as_not_run(counted, tmp_path, monkeypatch):
    lab.run("ch9_counted", out=tmp_path)
    monkeypatch.setattr("zoo.lab.core.experiment.Experiment.code", "other")
    lab.run("ch9_counted", out=tmp_path)
    assert counted.count("measure") == 2


def test_what_was_measured_is_kept_where_drawing_fails(counted, tmp_path, monkeypatch):
    (one,) = lab.experiments()
    broken = replace(one, draw=lambda data: [][1])
    with monkeypatch.context() as patched:
        patched.setattr("zoo.lab.chapters._all", lambda: [broken])
        with pytest.raises(IndexError):
            lab.run("ch9_counted", out=tmp_path)
    assert lab.run("ch9_counted", out=tmp_path).picture.exists()
    assert counted == ["measure", "draw"]


def test_a_measurement_that_is_cut_off_leaves_no_older_picture(counted, tmp_path, monkeypatch):
    (one,) = lab.experiments()
    picture = lab.run("ch9_counted", out=tmp_path).picture
    monkeypatch.setattr("zoo.lab.core.experiment.Experiment.code", "other")
    monkeypatch.setattr("zoo.lab.chapters._all", lambda: [replace(one, draw=lambda data: [][1])])
    with pytest.raises(IndexError):
        lab.run("ch9_counted", out=tmp_path)
    assert not picture.exists()


def test_code_is_told_as_it_was_when_it_was_imported(tmp_path, monkeypatch):
    source = tmp_path / "edited_later.py"
    source.write_text(
        "from zoo.lab.core.experiment import experiment\n"
        "@experiment('ch9_edited', 'Edited', draw=None)\n"
        "def one(context):\n    'It stays.'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    one = importlib.import_module("edited_later").one
    expected = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    source.write_text("# edited while it runs")
    assert one.code == expected


def test_code_is_that_of_all_that_it_imports_of_the_chapters():
    for each in lab.experiments():
        files = list(map(Path, code_files(inspect.getsourcefile(each.measure))))
        text = "".join(path.read_text(encoding="utf-8") for path in files)
        for module in re.findall(r"^ *from zoo\.lab\.(chapter\d\.\w+) import", text, re.M):
            assert any(path.match(f"{module.replace('.', '/')}.py") for path in files), module


def test_a_result_of_other_weights_is_out_of_date(monkeypatch):
    before = {each.name: each.code for each in lab.experiments()}
    monkeypatch.setattr("zoo.lab.core.code.manifest", dict)
    changed = {each.name for each in lab.experiments() if each.code != before[each.name]}
    assert {"ch6_errors33", "ch6_networks", "ch6_adversarial", "ch1_segmentation"} <= changed
    assert "ch6_shift_tolerance" in changed, "it loads by map(zoo.load, ...)"
    assert not {"ch1_nand", "ch3_toy_quad_bad", "ch5_norm_4"} & changed


def test_the_verdict_is_that_of_the_checks():
    right, wrong, silent = Check("a", 1, 1, True), Check("b", 1, 2, False), Check("c", 1)
    shown = Check("d", 1, 2)  # the book's figure, without a judgement by it
    assert Result({}, (right, silent)).verdict == "agrees"
    assert Result({}, (right, wrong)).verdict == "differs"
    assert Result({}, (silent,)).verdict == "no figure"
    assert Result({}, (silent, shown)).verdict == "not judged"
    assert Result({}, (right, shown)).verdict == "agrees"
    assert Result({}, (shown, right)).verdict == "not judged", (
        "the headline is the first with a book"
    )
    assert Result({}, (shown, wrong)).verdict == "differs"
    assert check_close("z", 22.0, 22.4, within=0.3).agrees is False


def test_names_are_found_by_pattern_and_the_nearest_is_told(counted):
    assert [each.name for each in lab.experiments("ch9*")] == ["ch9_counted"]
    with pytest.raises(UnknownNameError, match="Did you mean 'ch9_counted'"):
        lab.get_experiment("ch9_count")


def test_the_commands_print_and_write(counted, tmp_path, capsys):
    assert main(["lab", "list"]) == 0
    assert "Counted & drawn" in capsys.readouterr().out
    assert main(["lab", "run", "ch9_counted", "--fast", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "size: 1.02, the book 1\n" in printed
    assert "agrees" in printed
    assert main(["lab", "run", "ch9_count"]) == 2
    assert main(["lab", "report", "--fast", "--out", str(tmp_path)]) == 0
    page = (tmp_path / "index.html").read_text()
    assert "Counted &amp; drawn" in page
    assert "It counts &lt;itself&gt;." in page
    assert "data:image/png;base64," in page
    assert not re.search(r"https?://|<script|<link", page), "the page needs nothing from elsewhere"
    assert counted == ["measure", "draw"]


def test_a_file_of_the_readers_is_no_report(counted, tmp_path, capsys):
    (tmp_path / "index.html").write_text("mine")
    assert main(["lab", "report", "--fast", "--out", str(tmp_path)]) == 1
    assert "was not written by `python -m zoo lab report`" in capsys.readouterr().err
    assert (tmp_path / "index.html").read_text() == "mine"
    assert not counted, "it is refused before anything is measured"


def test_patterns_that_overlap_run_an_experiment_once(counted, tmp_path, capsys):
    command = ["lab", "run", "ch9_counted", "ch9*", "--json", "--fast", "--out", str(tmp_path)]
    assert main(command) == 0
    assert [each["name"] for each in json.loads(capsys.readouterr().out)] == ["ch9_counted"]


def test_runs_are_shared_by_those_who_monitor_the_same(bars, tmp_path):
    context = Context(tmp_path, progress=False)
    spec = zoo.get_spec("linear").with_settings(epochs=1, images=100)
    assert "test_accuracy" not in context.train(spec, data=bars, monitor={}).history[0]
    assert "test_accuracy" in context.train(spec, data=bars).history[0]
    assert len(list((tmp_path / "trained").glob("*/run.json"))) == 2
    context.train(spec, data=bars, monitor={})
    assert len(list((tmp_path / "trained").glob("*/run.json"))) == 2


def test_the_folder_is_tried_without_touching_the_readers_files(counted, tmp_path):
    (tmp_path / "writable").write_text("mine")
    assert main(["lab", "run", "ch9_counted", "--fast", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "writable").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"writable", "ch9_counted"}


def test_a_folder_that_cannot_be_written_is_one_line(counted, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        assert main(["lab", "run", "ch9_counted", "--out", str(out)]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"zoo: nothing can be written into {out} (")
        assert line.endswith("choose another with --out")
    assert counted == [], "told before anything is measured"
    assert running.FOLDER != running.FAST_FOLDER


@pytest.fixture
def read_only(tmp_path):
    """A folder that may be read and not written, even by root, who for a while is nobody."""
    folder = tmp_path / "read-only"
    folder.mkdir()
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield folder
    if root:
        os.seteuid(0)
    folder.chmod(0o755)


def test_a_read_only_folder_is_one_line(counted, read_only, capsys):
    assert main(["lab", "report", "--out", str(read_only)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "(Permission denied): choose another with --out" in line
    assert counted == []


def test_a_report_that_was_interrupted_goes_on(tmp_path, monkeypatch, capsys):
    measured = []

    def draw(data):
        return Figure()

    def made(name, stops):
        @experiment(name, name, draw=draw)
        def one(context: Context) -> Result:
            """It measures."""
            measured.append(name)
            if stops and measured.count(name) == 1:
                raise KeyboardInterrupt
            return Result({})

        return one

    three = [made("ch9_first", False), made("ch9_second", True), made("ch9_third", False)]
    monkeypatch.setattr("zoo.lab.chapters._all", lambda: three)
    command = ["lab", "report", "--out", str(tmp_path)]
    assert main(command) == 130
    assert "the same command goes on where it was" in capsys.readouterr().err
    assert not (tmp_path / "index.html").exists()
    assert main(command) == 0
    assert measured == ["ch9_first", "ch9_second", "ch9_second", "ch9_third"]
    assert "[3/3] ch9_third" in capsys.readouterr().err


def test_pictures_need_no_display(tmp_path):
    """They are drawn on canvases of their own: matplotlib's windows are never asked for."""
    program = (
        "import sys; from zoo import lab; lab.run('ch1_nand', out=sys.argv[1], progress=False); "
        "print('matplotlib.pyplot' in sys.modules)"
    )
    environment = {**os.environ, "MPLBACKEND": "tkagg", "DISPLAY": ""}
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    assert (tmp_path / "ch1_nand" / "figure.svg").exists()
