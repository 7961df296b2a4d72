"""Several searches on one page, and one search setting by setting."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import replace

import numpy as np
import pytest

import zoo
from tests.tuning.test_pareto import recorded
from tuning import Choice, LogUniform, SearchSpace
from tuning.cli import main
from tuning.fidelity import Fidelity
from tuning.report import fanova
from tuning.report.comparison import best_at, comparison, curve_of, presentations
from tuning.report.importance import importance
from tuning.report.slices import SQUARES, contours, slices
from tuning.trial import Execution, Trial, TrialResult

SPACE = SearchSpace.of(learning_rate=LogUniform(0.01, 1.0), l2=Choice(0, 5))
optuna = pytest.mark.skipif(not importlib.util.find_spec("optuna"), reason="Optuna is missing")


def trial(number, score, epochs=2, values=None, **options) -> Trial:
    execution = Execution(0, score, epochs, epochs, False, 1.0, (score,) * epochs,
                          (0.5,) * epochs, 1.0)  # fmt: skip
    values = values or {"learning_rate": 0.1, "l2": 0}
    return Trial(number, values, TrialResult(score, (execution,), 1.0), **options)


def test_a_search_costs_the_images_that_its_trials_saw(tmp_path):
    few, longer = Fidelity(images=1000), Fidelity(images=1000, until=1)
    record = recorded(tmp_path, [
        trial(0, 0.8, 1, fidelity=longer), trial(1, 0.9, 3, fidelity=few, after=0), trial(2, 0.7),
        trial(3, 0.6), trial(4, 0.75),
    ], SPACE)  # fmt: skip
    assert [presentations(record.all, each, record.spec) for each in record.all] == [
        1000,
        2000,
        *[100_000] * 3,
    ]
    (execution,) = trial(0, 0.9).executions
    two_digits = Trial(0, {}, TrialResult(0.9, (replace(execution, images=384),)), fidelity=few)
    assert presentations([two_digits], two_digits, record.spec) == 2 * 384
    curve = curve_of(record)
    assert [cost for cost, _ in curve] == pytest.approx([0.103, 0.303, 0.303])
    assert [score for _, score in curve] == [0.7, 0.75, 0.75]
    assert [best_at(curve, cost) for cost in (0.1, 0.2, 0.31)] == [0, 0.7, 0.75]


def test_the_page_has_a_curve_a_strategy_a_band_for_several_and_ranks(tmp_path, capsys):
    folders = [tmp_path / name for name in "abc"]
    for folder, best in zip(folders, (0.8, 0.9, 0.9), strict=True):
        recorded(folder, [trial(0, 0.5), trial(1, best)], SPACE)
    out = tmp_path / "all.html"
    assert main(["report", *map(str, folders), "--out", str(out)]) == 0
    page = out.read_text()
    assert page.count("<polygon") == 1
    assert "Random: 3 searches, median 90.00 %" in page
    rows = re.findall(r"<tr><td>(\d)</td><td>([^<]*)</td>", page)
    assert [(rank, name[-1]) for rank, name in rows] == [("1", "b"), ("1", "c"), ("3", "a")]
    nothing = [tmp_path / name for name in "de"]
    for folder in nothing:
        recorded(folder, [trial(0, 0.0)], SPACE)
    for chosen, words in (
        ([*folders, nothing[0]], "Random: 4 searches, median 80.00 %"),
        ([folders[0], *nothing], "Random: 3 searches, median no score on the full problem yet"),
    ):
        assert main(["report", *map(str, chosen), "--out", str(out)]) == 0
        assert words in out.read_text(), "a search that has learned nothing is not left out"
        assert out.read_text().count("<polygon") == 1
    (tmp_path / "mine.html").write_text("mine")
    assert main(["report", *map(str, folders), "--out", str(tmp_path / "mine.html")]) == 1
    assert main(["report", *map(str, folders)]) == 2
    assert "give --out FILE" in capsys.readouterr().err


def test_searches_of_different_data_are_not_compared(tmp_path, capsys):
    for name in "ab":
        recorded(tmp_path / name, [trial(0, 0.5)], SPACE)
    path = tmp_path / "b" / "search.json"
    path.write_text(path.read_text().replace('"data": ""', '"data": "other"'))
    command = ["report", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(tmp_path / "c")]
    assert main(command) == 1
    assert "saw different data" in capsys.readouterr().err


def test_searches_without_a_score_have_a_page(tmp_path):
    records = [recorded(tmp_path / name, [], SPACE) for name in "ab"]
    assert "No trial has learned anything on the full problem yet" in comparison(records)


def many(count=24) -> list[Trial]:
    """The learning rate decides; l2 does nothing."""
    rates = np.geomspace(0.01, 1.0, count)
    return [
        trial(n, 0.5 + 0.4 * n / count, values={"learning_rate": float(rate), "l2": 5 * (n % 2)})
        for n, rate in enumerate(rates)
    ]


def test_a_chart_a_setting_and_what_is_expected_over_two(tmp_path):
    record = recorded(tmp_path, many(), SPACE)
    drawn = slices(record)
    assert len(drawn) == 2
    assert all(chart.count("<circle") == 24 for chart in drawn)
    (chart,) = contours(record, importance(record))
    values = [float(each) for each in re.findall(r"<title>([\d.]+) % expected", chart)]
    grid = np.array(values).reshape(SQUARES, SQUARES)
    assert chart.count("<circle") == 24
    lowest, highest = grid[0].mean(), grid[-1].mean()  # of the learning rate, drawn across
    assert lowest < 60 < 80 < highest
    assert np.ptp(grid, axis=1).max() < 5, "l2 changes little"


@optuna
def test_shares_tell_what_decides_with_intervals_that_hold_them():
    generator = np.random.default_rng(0)
    places = {"much": generator.random(40), "little": generator.random(40)}
    found = fanova.shares(places, places["much"] + 0.1 * places["little"])
    assert found["much"].share > 0.9 > 0.1 > found["little"].share
    for each in found.values():
        assert 0 <= each.low <= each.high <= 1
    assert sum(each.share for each in found.values()) == pytest.approx(1, abs=0.05)


@optuna
def test_what_settings_do_together_is_the_share_of_none_alone():
    """The score is 1 where just one of two settings is high: alone, neither says anything."""
    generator = np.random.default_rng(0)
    places = {"a": generator.random(200), "b": generator.random(200)}
    scores = ((places["a"] > 0.5) != (places["b"] > 0.5)).astype(float)
    found = fanova.shares(places, scores)
    assert sum(each.share for each in found.values()) < 0.3


@optuna
def test_shares_are_left_out_where_nothing_was_learned(tmp_path):
    generator = np.random.default_rng(0)
    rates, scores = generator.uniform(0.01, 1, 30), generator.random(30)
    noise = [
        trial(n, float(score), values={"learning_rate": float(rate), "l2": 0})
        for n, (rate, score) in enumerate(zip(rates, scores, strict=True))
    ]
    found = importance(recorded(tmp_path, noise, SPACE))
    assert found.explained <= 0
    assert not found.shares


def test_a_page_that_is_watched_is_read_again_by_the_browser(tmp_path, monkeypatch, capsys):
    running = [*many(2), Trial(2, {"learning_rate": 0.1, "l2": 0})]
    folder = tmp_path / "search"
    record = recorded(folder, running[:2], SPACE)
    from tuning.store.events import started_event
    from tuning.store.trials import TrialStore

    with TrialStore(folder).journal.writing() as writer:
        writer.add(started_event(running[2]))

    def stop(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", stop)
    assert main(["report", str(folder), "--watch", "7", "--out", str(tmp_path / "a.html")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(record.ended) == 2
    assert lines[0].startswith(f"{tmp_path / 'a.html'}: 2 trials ended")
    assert "refresh" not in (tmp_path / "a.html").read_text(), "the page of the end stays"
    from tuning.report.page import page

    assert '<meta http-equiv="refresh" content="7">' in page(record, 7)
    assert zoo.get_spec("mlp30") == record.spec
