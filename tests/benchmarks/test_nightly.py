"""The nightly runs: they repeat to the count, and a changed recipe leaves its range."""

from __future__ import annotations

import pytest

from benchmarks import nightly
from benchmarks.rows import read_rows
from zoo.registry import get_spec


@pytest.fixture
def short(bars, tmp_path, monkeypatch):
    """Runs of one network on 200 images of bars, stored in a folder of their own."""
    for name, value in {
        "CSV": tmp_path / "nightly.csv",
        "NETWORKS": {"linear": 2},
        "IMAGES": 200,
        "VALIDATION": 100,
        "load_data": lambda progress: bars,
    }.items():
        monkeypatch.setattr(nightly, name, value)


def test_the_range_is_three_deviations_beyond_all_counts():
    allowed = nightly.Allowed.of([1800, 1810, 1805])
    assert (allowed.low, allowed.high) == (1785, 1825)
    assert 1785 in allowed
    assert 1784 not in allowed


@pytest.mark.integration
def test_a_changed_network_is_found_and_an_unchanged_one_repeats(short, capsys, monkeypatch):
    assert nightly.main(["--measure"]) == 0
    (row,) = read_rows(nightly.CSV)
    first = row["counts"].split()[:2]
    assert nightly.main([]) == 0
    assert capsys.readouterr().out.startswith(f"linear: {' '.join(first)} of 100, ")
    slow = get_spec("linear").with_settings(learning_rate=1e-6)
    monkeypatch.setattr(nightly, "get_spec", lambda name: slow)
    assert nightly.main([]) == 1
    assert "OUTSIDE" in capsys.readouterr().out


def test_every_network_of_the_nightly_runs_has_a_range():
    rows = {row["network"]: row for row in read_rows(nightly.CSV)}
    assert {name: int(row["epochs"]) for name, row in rows.items()} == nightly.NETWORKS
    for row in rows.values():
        counts = [int(count) for count in row["counts"].split()]
        assert nightly.Allowed.of(counts) == nightly.Allowed(int(row["low"]), int(row["high"]))
