"""The race of search strategies: it runs, goes on where it was, and its table adds up."""

from __future__ import annotations

import math

import pytest

from benchmarks import search, search_table
from tests.paths import ROOT
from tuning.search import Search
from tuning.space import Choice, LogUniform, SearchSpace
from tuning.store.journal import Journal
from tuning.strategies.random import Random
from zoo.registry import get_spec
from zoo.reproduction.tables import written_table


@pytest.fixture
def small(tmp_path, monkeypatch):
    """The race on a network without hidden layers, in a folder of its own."""
    space = SearchSpace.of(learning_rate=LogUniform(0.05, 0.5), batch_size=Choice(10, 20))
    spec = get_spec("linear").with_settings(epochs=1, images=200)
    for name, value in {
        "FOLDER": tmp_path / "runs",
        "CSV": tmp_path / "search.csv",
        "SPACE": space,
        "TRIALS": 3,
        "BATCH_TRIALS": 1,
        "get_spec": lambda name: spec,
    }.items():
        monkeypatch.setattr(search, name, value)
    return tmp_path


@pytest.mark.integration
def test_others_are_given_what_random_search_cost_and_a_second_race_goes_on(bars, small):
    few = bars.take(200)
    search.race("linear", "bars", few, [0], ["halving"])
    rows = search.read()
    costs = {row["strategy"]: int(row["images"]) for row in rows}
    assert costs == {"random": 600, "halving": 600}
    assert [row["trial"] for row in rows if row["strategy"] == "random"] == ["0", "1", "2"]
    journals = sorted(small.rglob("journal.jsonl"))
    before = [journal.read_bytes() for journal in journals]
    search.race("linear", "bars", few, [0], ["halving"])
    assert [journal.read_bytes() for journal in journals] == before, "nothing is trained twice"
    assert search.read() == rows
    search_table.draw(rows, small / "search.png")
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
    assert [list(row.values()) for row in search.rows(found)] == [
        [0, 3_000, 2.5, 0, 0.0],
        [1, 103_000, 5.0, 1, 0.8],
        [2, 203_000, 7.5, 2, 0.8],
    ]


def raced(name, *bests, seeds=3):
    """The same best accuracies at costs of 100, 200... for a number of seeds."""
    return [
        {"network": "mlp30", "data": "mnist", "strategy": name, "seed": seed,
         "images": 100 * (place + 1), "best": best}
        for seed in range(seeds)
        for place, best in enumerate(bests)
    ]  # fmt: skip


def test_the_cost_of_randoms_end_is_a_share_of_its_budget():
    rows = [
        *raced("random", 0.9, 0.91, 0.93, 0.94, 0.94, 0.95, 0.95, 0.95, 0.95, 0.96),
        *raced("broad", 0.0, 0.95, 0.96, 0.97),
        *raced("grid", 0.5, 0.6),
        *raced("tpe", 0.97, seeds=2),
    ]
    lines = search_table.table(rows).splitlines()[2:]
    problem = "| `mlp30`, mnist |"
    assert lines == [
        f"{problem} random | 3 | 90.00 % | 93.00 % | 96.00 % (96.00 % to 96.00 %) | 1.00 | 0.047 |",
        f"{problem} broad | 3 | none | 96.00 % | 97.00 % (97.00 % to 97.00 %) | 0.30 | 1 |",
        f"{problem} grid | 3 | 50.00 % | 60.00 % | 60.00 % (60.00 % to 60.00 %) | never | 0.047 |",
        f"{problem} tpe | 2 | 97.00 % | 97.00 % | 97.00 % (97.00 % to 97.00 %) "
        "| not enough runs | not enough runs |",
    ]


def test_the_median_run_decides_and_the_interval_is_that_of_the_seeds():
    rows = []
    for seed, place in enumerate((1, 2, 9)):  # where each run comes to the goal
        bests = [0.5] * place + [0.9] * (10 - place)
        rows += [{**row, "seed": seed} for row in raced("broad", *bests, seeds=1)]
    runs = search_table.races(rows)["`mlp30`, mnist"]["broad"]
    assert search_table.cost_to(runs, 0.9) == 300
    assert search_table.cost_to(runs, 0.91) == math.inf
    assert search_table.bests(runs, 250) == [0.9, 0.5, 0.5]
    assert search_table.bests(runs, 50) == [0, 0, 0]
    yardstick = search_table.races(raced("random", *[0.5] * 9, 0.9))["`mlp30`, mnist"]["random"]
    assert search_table.cost_interval(runs, yardstick) == (0.3, 0.2, 1.0)


def test_the_table_in_docs_is_that_of_the_measurements():
    page = ROOT / "docs/tuning.md"
    assert written_table(page, "search") == search_table.table(search.read()), "run: make table"
