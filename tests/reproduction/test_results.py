"""The results: no row lost, none counted twice, and a table that says what they say."""

from __future__ import annotations

import itertools
import multiprocessing
import re
import statistics
from dataclasses import replace

import numpy as np
import pytest

import zoo
from tests.paths import ROOT
from zoo.errors import RunError
from zoo.evaluation.intervals import bootstrap_interval, prediction_interval
from zoo.reproduction.results import Row, append, pick, read
from zoo.reproduction.tables import (
    HEADLINES,
    headlines,
    one_more_run,
    table,
    write_table,
    written_table,
)
from zoo.spec import Claim

ROW = Row(
    name="mlp30",
    spec_hash=zoo.get_spec("mlp30").hash,
    seed=0,
    data="cee1df488d620b43",
    epochs=30,
    best_epoch=23,
    validation=9650,
    validation_last=9642,
    validation_total=10_000,
    test=9638,
    test_best=9654,
    test_last=9647,
    test_total=10_000,
    seconds=16.4,
    images_per_second=91342.9,
    versions="keras 3.15.1, and more",
    processor='a "good" one',
    date="2026-11-24",
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results.csv"


def test_rows_come_back_as_they_went(path):
    rows = [replace(ROW, seed=seed) for seed in range(3)]
    assert all(append(row, path) for row in rows)
    assert read(path) == rows


def test_a_run_is_counted_once(path):
    assert append(ROW, path)
    assert not append(replace(ROW, seconds=1.0), path)
    assert read(path) == [ROW]
    assert append(replace(ROW, data="other images"), path)


def test_there_are_no_results_before_the_first(path):
    assert read(path) == []


@pytest.mark.parametrize("torn", ["mlp30,9bac62", "m", "mlp30," * 40])
def test_a_torn_last_line_is_no_row_and_costs_none(path, torn):
    append(ROW, path)
    with path.open("a") as file:
        file.write(torn)
    assert read(path) == [ROW]
    other = replace(ROW, seed=1)
    assert append(other, path)
    assert read(path) == [ROW, other]


def test_a_last_row_without_its_newline_stays(path):
    append(ROW, path)
    append(replace(ROW, seed=1), path)
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    rows = [ROW, replace(ROW, seed=1)]
    assert read(path) == rows
    assert not append(ROW, path)
    assert append(replace(ROW, seed=2), path)
    assert read(path) == [*rows, replace(ROW, seed=2)]


def test_a_torn_header_is_made_anew(path):
    path.write_text("name,spec_h")
    assert append(ROW, path)
    assert read(path) == [ROW]


def _append_many(path, first):
    for seed in range(first, first + 20):
        append(replace(ROW, seed=seed), path)


def test_two_writers_lose_nothing_and_count_nothing_twice(path):
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_append_many, args=(path, first)) for first in (0, 10)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert sorted(row.seed for row in read(path)) == list(range(30))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (",9638,", ",many,", "line 2 is no result"),
        (",9638,", ",9999,", "line 2: its counts cannot be"),
        (",9638,", ",", "line 2 is no result"),
        ("spec_hash", "hash", "has other columns"),
    ],
)
def test_a_file_edited_by_hand_is_named_with_its_line(path, old, new, said):
    append(ROW, path)
    path.write_text(path.read_text().replace(old, new))
    before = path.read_bytes()
    with pytest.raises(RunError, match=said):
        read(path)
    with pytest.raises(RunError, match=said):
        append(replace(ROW, seed=1), path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("on", "protocol", "percent"),
    [
        ("validation", "best epoch", 96.50),
        ("validation", "last epoch", 96.42),
        ("test", "best validation epoch", 96.38),
        ("test", "best epoch", 96.54),
        ("test", "last epoch", 96.47),
    ],
)
def test_each_protocol_has_its_count(on, protocol, percent):
    claim = Claim(chapter=1, section="", on=on, protocol=protocol)
    assert ROW.measured(claim) == pytest.approx(percent)


def test_the_book_quotes_the_best_run_and_in_chapter_6_the_best_on_validation_images():
    lucky = replace(ROW, seed=0, validation=9600, test_best=9700, test=9690)
    chosen = replace(ROW, seed=1, validation=9640, test_best=9660, test=9650)
    rows = [replace(chosen, seed=2), chosen, lucky]
    assert pick(rows, Claim(chapter=6, section="", protocol="best validation epoch")) == chosen
    assert pick(rows, Claim(chapter=1, section="", protocol="best epoch")) == lucky


def test_the_prediction_interval():
    # Mean 2, standard deviation 1, n = 3; Student's t for 2 degrees of freedom is 4.30265.
    reach = 4.30265 * (1 + 1 / 3) ** 0.5
    assert prediction_interval([1.0, 2.0, 3.0]) == pytest.approx((2 - reach, 2 + reach), abs=1e-4)


def test_the_bootstrap_interval_is_that_of_all_draws_listed():
    # All 27 samples of three values with one more each, in place of draws. The expanded tail:
    # Phi(-sqrt(3 / 2) * 0.8165) = Phi(-1) for t = 0.8165, the quantile of 2/3 two-sided at n = 3.
    values = [1.0, 2.0, 6.0]
    samples = np.array(list(itertools.product(values, repeat=3))).mean(axis=1)
    distances = np.subtract.outer(values, samples).ravel() * 1.5**0.5
    tail = 0.158655
    expected = 3 + np.quantile(distances, [tail, 1 - tail])
    confidence = 1 - 2 * 0.25  # Student's t(0.75) for 2 degrees of freedom is 0.8165
    assert bootstrap_interval(values, confidence) == pytest.approx(tuple(expected), abs=0.05)
    assert bootstrap_interval(values) == bootstrap_interval(values[::-1])


def test_the_bootstrap_interval_holds_most_of_what_comes_next():
    generator = np.random.default_rng(3)
    hits = 0
    for _ in range(60):
        *values, following = generator.normal(size=21)
        low, high = bootstrap_interval(values)
        hits += low <= following <= high
    assert hits >= 51  # 94 % expected; below 85 % once in a thousand


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        ([96.0, 97.0], None),
        ([95.0, 96.0, 97.0], (96 - 4.30265 * (4 / 3) ** 0.5, 100)),
        ([96.0] * 5, (96, 96)),
    ],
)
def test_one_more_run_needs_three(values, ends):
    assert one_more_run(values) == (ends and pytest.approx(ends, abs=1e-4))


def test_runs_that_lost_a_digit_are_counted_and_have_no_part_in_the_range():
    spec = zoo.get_spec("mlp100.quadratic")
    counts = (9659, 8701, 9650, 8688, 8735)
    rows = [
        replace(ROW, seed=seed, spec_hash=spec.hash, test_best=count)
        for seed, count in enumerate(counts)
    ]

    def line(rows):
        return next(
            line for line in table(rows).splitlines() if line.startswith(f"| `{spec.name}`")
        )

    assert "| 96.59 | 5, 3 lost a digit | not enough runs | not judged |" in line(rows)
    more = [replace(rows[0], seed=seed, test_best=9640 + seed) for seed in range(5, 10)]
    assert "| 10, 3 lost a digit | 96." in line([*rows, *more])
    assert "| inside |" in line([*rows, *more])


def test_the_table_has_a_line_for_every_network_and_says_what_is_missing():
    rows = [replace(ROW, seed=seed, validation=9640 + 10 * seed) for seed in range(3)]
    lines = table(rows).splitlines()
    assert len(lines) == 2 + len(zoo.list_models())
    mine = next(line for line in lines if line.startswith("| `mlp30` "))
    assert "| 96.48 | 96.50 ± 0.10 | 96.60 | 3 |" in mine
    assert "| inside |" in mine
    assert "missing" in next(line for line in lines if "`conv2_tanh`" in line)
    elastic = next(line for line in lines if "`simard2003_dense.elastic`" in line)
    assert "| 99.30 | not run: see `simard2003_dense.fast` | - | 0 |" in elastic
    assert "| 63.30 | not run | - | 0 |" in next(line for line in lines if "`ksh2012`" in line)


def test_runs_of_another_recipe_do_not_count():
    changed = zoo.get_spec("mlp30").with_settings(epochs=3)
    assert table([replace(ROW, spec_hash=changed.hash)]) == table([])


def test_the_tables_in_docs_and_readme_are_those_that_the_results_give():
    rows = read(ROOT / "benchmarks/results.csv")
    assert written_table(ROOT / "docs/reproducing.md") == table(rows), "run: make table"
    assert written_table(ROOT / "README.md", "headlines") == headlines(rows), "run: make table"


def test_the_manual_names_the_means_that_lie_far_below_the_book():
    rows = read(ROOT / "benchmarks/results.csv")
    far, picks = [], []
    for name in zoo.list_models():
        spec = zoo.get_spec(name)
        book = spec.claim.accuracy if spec.claim else None
        runs = [row for row in rows if row.spec_hash == spec.hash]
        if book is None or len(runs) < 5:
            continue
        values = [run.measured(spec.claim) for run in runs]
        if (book - statistics.mean(values)) / (statistics.stdev(values) / len(values) ** 0.5) > 3:
            far.append(name)
            if spec.claim.chapter == 6:
                picks.append(f"{pick(runs, spec.claim).measured(spec.claim):.2f}")
    text = (ROOT / "docs/reproducing.md").read_text(encoding="utf-8")
    sentence = re.search(r"\*\*(\w+) means are more than three standard errors.*?\. ", text, re.S)
    assert re.findall(r"`(.+?)`", sentence[0]) == far
    assert sentence[1] == ("Five", "Six", "Seven", "Eight")[len(far) - 5]
    ours = re.search(r"ours, of five runs or more, are (.*?)\.\n", text, re.S)
    assert re.findall(r"\d\d\.\d\d", ours[1]) == picks


def test_headlines_have_the_books_figure_and_the_spread_of_ours():
    rows = [replace(ROW, seed=seed, spec_hash=zoo.get_spec("conv1").hash) for seed in range(2)]
    lines = headlines(rows).splitlines()
    assert len(lines) == 2 + len(HEADLINES)
    (mine,) = [line for line in lines if "`conv1`" in line]
    assert mine == "| 6 | `conv1` | one convolutional layer | 98.78 | 96.38 ± 0.00 | 2 |"
    assert "| 99.67 | missing | 0 |" in lines[-1]


def test_a_file_without_a_place_for_the_table_is_left_alone(tmp_path):
    path = tmp_path / "notes.md"
    path.write_text("my notes")
    with pytest.raises(RunError, match="has no place for the table"):
        write_table(table([]), path)
    assert path.read_text() == "my notes"


def test_a_table_takes_its_place_and_leaves_the_rest(tmp_path):
    path = tmp_path / "notes.md"
    marks = "<!-- {0}: written by `make table` -->old<!-- end of {0} -->"
    path.write_text(f"above {marks.format('speed')} between {marks.format('results')} below")
    write_table("new", path, "speed")
    assert written_table(path, "speed") == "new"
    assert written_table(path) == "old"
    assert path.read_text().startswith("above <!-- speed")
    assert " between <!--" in path.read_text()
