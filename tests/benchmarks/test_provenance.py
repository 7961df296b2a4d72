"""Figures know which code they measured, and say when it has changed."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest

from benchmarks import provenance
from benchmarks.rows import read_rows, write_rows
from tests.paths import ROOT
from zoo.reproduction.tables import written_table


@dataclass
class Checkout:
    """A folder with one measured module and the figures of it."""

    root: object

    @property
    def csv(self):
        return self.root / "benchmarks" / "speed.csv"

    def write(self, code: str) -> None:
        (self.root / "zoo" / "step.py").write_text(code)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    for name in ("zoo", "benchmarks"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(provenance, "FOLDER", tmp_path / "benchmarks")
    monkeypatch.setattr(provenance, "MEASURED", {"speed": ("zoo",)})
    monkeypatch.setattr(provenance, "_BEGAN", time.time() + 3600)  # the files are older than it
    made = Checkout(tmp_path)
    made.write('"""A step."""\n\n\ndef step(x):\n    return x + 1\n')
    return made


def state(checkout) -> str:
    (line,) = provenance.report(checkout.csv.parent)
    return line.rpartition(": ")[2]


def test_figures_are_of_this_code_until_it_changes(checkout):
    write_rows([{"net": "mlp30", "speed": 5}], checkout.csv, ("net", "speed"))
    assert state(checkout) == "of this code"
    checkout.write('"""A step of one."""\n\n\ndef step(x):\n    # One more.\n    return x + 1\n')
    assert state(checkout) == "of this code", "words change no figure"
    checkout.write('"""A step."""\n\n\ndef step(x):\n    return x + 2\n')
    assert state(checkout) == "older than the code, in part or all"


def test_code_that_was_written_during_the_measurement_is_not_named(checkout, monkeypatch, capsys):
    monkeypatch.setattr(provenance, "_BEGAN", time.time() - 3600)
    write_rows([{"net": "mlp30", "speed": 5}], checkout.csv, ("net", "speed"))
    assert state(checkout) == "of code that was not noted"
    assert "step.py changed while it was measured" in capsys.readouterr().err


def test_rows_that_are_kept_keep_their_stamp(checkout):
    checkout.csv.write_text("net,speed\nmlp30,5\n")
    assert state(checkout) == "of code that was not noted"
    old = read_rows(checkout.csv)
    write_rows([*old, {"net": "conv1", "speed": 6}], checkout.csv, ("net", "speed"))
    first, second = read_rows(checkout.csv)
    assert first == {"net": "mlp30", "speed": "5", "measured_at": "", "sources": ""}
    assert len(second["sources"]) == 16
    assert state(checkout) == "older than the code, in part or all"


def test_every_file_of_figures_is_listed():
    stored = {path.stem for path in provenance.FOLDER.glob("*.csv")} - {"results"}
    assert stored <= set(provenance.MEASURED), "results.csv has a hash of the network in each row"
    for name, paths in provenance.MEASURED.items():
        missing = [path for path in paths if not (provenance.FOLDER.parent / path).exists()]
        assert not missing, f"{name} measures code that is not there"


def test_tables_of_speeds_say_when_and_on_what_they_were_measured():
    for name, document in provenance.CAPTIONS.items():
        said = written_table(ROOT / "docs" / document, f"{name}-measured")
        assert said == provenance.caption(provenance.FOLDER / f"{name}.csv"), "run: make table"
        assert "not noted" not in said
        assert "no date" not in said
