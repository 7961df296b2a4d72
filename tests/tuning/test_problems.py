"""Searches whose trials see less than the full problem: it is named, and scores are not mixed."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tests.tuning.test_comparison import SPACE, trial
from tests.tuning.test_pareto import recorded
from tuning.fidelity import Fidelity
from tuning.outcome import show
from tuning.progress import SearchProgress
from tuning.report import charts, rows
from tuning.report.command import _summary
from tuning.report.comparison import comparison, curve_of, presentations
from tuning.report.importance import comparable, importance
from tuning.report.sections import summary
from tuning.search import Search
from tuning.space import Choice, SearchSpace
from tuning.store.results import table
from tuning.strategies.halving import Halving
from tuning.trial import Trial

DIGITS = Fidelity(images=1000, digits=(0, 1))


def halved(count=40) -> list[Trial]:
    """Halving over `count` points of 9 epochs at most; the learning rate alone decides."""
    strategy, trials = Halving(SPACE, epochs=9, trials=count), []
    while suggestion := strategy.suggest(trials):
        values, fidelity = suggestion.values, suggestion.fidelity
        epochs = fidelity.epochs or 9
        score = 0.9 + 0.02 * np.log10(values["learning_rate"]) + epochs / 1000
        made = trial(len(trials), float(score), epochs, values)
        trials.append(Trial(made.number, values, made.result, fidelity))
    return trials


@pytest.fixture(scope="module")
def halving(tmp_path_factory):
    return recorded(tmp_path_factory.mktemp("halving") / "search", halved(), SPACE)


def test_a_score_on_less_of_the_problem_is_no_rank_on_the_full_one(tmp_path):
    easy = recorded(tmp_path / "easy", [trial(0, 1.0, fidelity=DIGITS)], SPACE)
    full = recorded(tmp_path / "full", [trial(0, 0.9), trial(1, 1.0, fidelity=DIGITS)], SPACE)
    assert curve_of(easy) == []
    assert [score for _, score in curve_of(full)] == [0.9, 0.9]
    page = comparison([easy, full])
    ranked = [re.findall("<td>(.*?)</td>", row) for row in re.findall("<tr><td>.*?</tr>", page)]
    assert [(row[0], row[1][-4:], row[-1]) for row in ranked] == [
        ("1", "full", "90.00"), ("2", "easy", "no score on the full problem yet"),
    ]  # fmt: skip
    assert "Random: no score on the full problem yet" in comparison([easy])
    assert "learned anything on the full problem yet" in comparison([easy])


def test_a_problem_that_is_not_the_full_one_is_named_where_it_is_the_only_one(tmp_path, capsys):
    record = recorded(tmp_path / "search", [trial(0, 1.0, fidelity=DIGITS)], SPACE)
    on = str(DIGITS)
    assert table(record.all).splitlines()[1] == f"on {on}:"
    assert f"the best is 0, 100.00 % on {on}" in _summary(record)
    assert f"<dd>100.00 % on {on}</dd>" in summary(record)
    assert f"best 100.00 % on {on}," in SearchProgress(None, None, quiet=True).text(record.all)
    show(Search(record.project, record.spec, record.space, record.strategy))
    printed = capsys.readouterr().out
    assert f"best: trial 0, 100.00% on the validation images, of {on}" in printed
    assert f'"problem": "{on}"' in (record.project / "best.json").read_text()


def test_the_full_problem_needs_no_name(tmp_path, capsys):
    record = recorded(tmp_path / "search", [trial(0, 0.9)], SPACE)
    assert " on " not in table(record.all)
    assert " on " not in _summary(record)
    assert "best 90.00 %," in SearchProgress(None, None, quiet=True).text(record.all)
    show(Search(record.project, record.spec, record.space, record.strategy))
    assert capsys.readouterr().out.splitlines()[-2].endswith("90.00% on the validation images")


def test_a_rung_is_a_problem_whatever_it_is_called(halving, monkeypatch):
    monkeypatch.setattr(Fidelity, "__str__", lambda self: "it")
    epochs = [problem.epochs for problem in halving.problems]
    assert epochs == [1, 3, None]
    counts = [sum(t.fidelity.epochs == each for t in halving.all) for each in epochs]
    assert counts[0] == 40, "each point enters the lowest rung once"
    assert sum(counts) > 50
    _, trials = comparable(halving)
    assert {t.fidelity.epochs for t in trials} == {3}, "12 of them, and too few in the top rung"
    assert len(trials) == len({str(t.values) for t in trials}) == counts[1]
    assert importance(halving).trials == counts[1]
    keys = re.findall(r'data-value="(\d{4})">it', rows.table(halving))
    assert [keys.count(f"{n:04}") for n in range(3)] == counts
    starts = re.findall(r'class="way[^"]*" data-trial="(\d+)" points="[\d.]+,([\d.]+)',
                        charts.parallel(halving))  # fmt: skip
    heights = {n: {y for t, y in starts if halving.all[int(t)].fidelity.epochs == each}
               for n, each in enumerate(epochs)}  # fmt: skip
    assert heights == {0: {"304.0"}, 1: {"169.0"}, 2: {"34.0"}}
    assert "it:" in table(halving.all)


def test_a_search_over_images_costs_the_images_of_each_trial(tmp_path):
    space = SearchSpace.of(images=Choice(1000, 50_000))
    record = recorded(
        tmp_path / "search",
        [trial(n, 0.9, 27, {"images": images}) for n, images in enumerate((1000, 50_000))],
        space,
    )
    assert [presentations(record.all, each, record.spec) for each in record.all] == [
        27_000,
        1_350_000,
    ]
