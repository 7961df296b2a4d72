"""The benchmark of search strategies: it runs, takes up where it was, and its table adds up."""

from __future__ import annotations

import pytest

from benchmarks import search
from tests.paths import ROOT
from tuning.fidelity import Fidelity
from tuning.search import Search
from tuning.space import Choice, LogUniform, SearchSpace
from tuning.store.journal import Journal
from tuning.strategies.random import Random
from tuning.trial import Trial
from zoo.registry import get_spec
from zoo.reproduction.tables import written_table


@pytest.fixture
def small(tmp_path, monkeypatch):
    """The benchmark on a network without hidden layers, in a folder of its own."""
    space = SearchSpace.of(learning_rate=LogUniform(0.05, 0.5), batch_size=Choice(10, 20))
    spec = get_spec("linear").with_settings(epochs=1, images=200)
    monkeypatch.setattr(search, "FOLDER", tmp_path / "runs")
    monkeypatch.setattr(search, "CSV", tmp_path / "search.csv")
    monkeypatch.setattr(search, "SPACE", space)
    monkeypatch.setattr(search, "get_spec", lambda name: spec)
    return tmp_path


def test_strategies_take_turns_and_a_second_run_goes_on(bars, small):
    few = bars.take(200)
    search.run(few, 1e-9, [0], ["random", "grid"])
    rows = search.read()
    assert [(row["strategy"], row["trial"], row["full"]) for row in rows] == [
        ("random", "0", "1"),
        ("grid", "0", "1"),
    ]
    assert all(int(row["images"]) == 200 for row in rows)
    search.run(few, 1e-9, [0], ["random", "grid"])
    assert search.read() == rows, "the budget is spent"
    search.draw(rows, small / "search.png")
    assert (small / "search.png").read_bytes().startswith(b"\x89PNG")


def test_only_the_full_problem_counts(tmp_path):
    spec = get_spec("linear").with_settings(epochs=2)
    space = SearchSpace.of(learning_rate=LogUniform(0.1, 1.0))
    journal = Journal(tmp_path / "journal.jsonl")
    reduced, full = {"images": 1000, "epochs": 3}, {}
    trials = [(reduced, 0.99, 3), (full, 0.8, 2), (full, 0.7, 2), (full, None, 0)]
    with journal.writing() as writer:
        for number, (fidelity, score, epochs) in enumerate(trials):
            record = {"trial": number, "values": {"learning_rate": 0.5}, "fidelity": fidelity}
            writer.add({"event": "started", **record})
            if score:
                ran = {"seed": 0, "accuracy": score, "best_epoch": epochs, "epochs": epochs}
                ran |= {"diverged": False, "seconds": 2.5, "seconds_an_epoch": 1.0}
                ran |= {"curve": [score] * epochs, "costs": [0.5] * epochs}
                result = {"score": score, "seconds": 2.5, "executions": [ran]}
                writer.add({"event": "ended", "trial": number, "result": result})
    found = Search(tmp_path, spec, space, Random(space, 9))
    assert [list(row.values()) for row in search.rows("random", 7, found)] == [
        ["random", 7, 0, 2.5, 3_000, 0, 0.0],
        ["random", 7, 1, 5.0, 103_000, 1, 0.8],
        ["random", 7, 2, 7.5, 203_000, 2, 0.8],
    ]


def test_the_table_says_what_was_reached_and_when():
    def run(name, *bests):
        return [
            {"strategy": name, "seed": 0, "trial": n, "seconds": 30 * (n + 1), "full": n, "best": b}
            for n, b in enumerate(bests)
        ]

    rows = [
        *run("broad", 0.0, 0.95, 0.97),
        *run("random", 0.9, 0.92, 0.94, 0.99),  # the last beyond what all others have spent
        *run("grid", 0.0, 0.0, 0.0),
    ]
    assert search.table(rows).splitlines()[2:] == [
        "| broad | 97.00 % | 3 | 2 | 1 min 30 s | 1 min 0 s |",
        "| random | 94.00 % | 3 | 2 | 1 min 30 s | 1 min 30 s |",
        "| grid | none | 3 | 2 | never | never |",
    ]


def test_the_table_in_docs_is_that_of_the_measurements():
    page = ROOT / "docs/tuning.md"
    assert written_table(page, "search") == search.table(search.read()), "run: make table"


def test_optuna_hopes_for_more_where_trials_were_better():
    pytest.importorskip("optuna")
    space = SearchSpace.of(learning_rate=LogUniform(0.01, 10.0), cost=Choice("a", "b"))
    trials: list[Trial] = []
    while len(trials) < 40:
        values = search.Tpe(space).next(trials).values
        score = 1 - abs(values["learning_rate"] - 0.1) / 10 - 0.2 * (values["cost"] == "a")
        trials.append(Trial(len(trials), values, {"score": score}, Fidelity()))
    first, last = trials[:10], trials[-10:]
    assert sum(trial.score for trial in last) > sum(trial.score for trial in first)
