"""The race of search strategies: it runs, goes on where it was, and its table adds up."""

from __future__ import annotations

import math
import shutil

import numpy as np
import pytest

from benchmarks import search, search_table
from benchmarks.search_problems import Problem
from tests.paths import ROOT
from tuning.fidelity import FULL, Fidelity
from tuning.search import Search
from tuning.space import Choice, LogUniform, SearchSpace
from tuning.store.journal import Journal
from tuning.strategies.random import Random
from tuning.trial import Trial, TrialResult
from zoo.errors import RunError
from zoo.registry import get_spec
from zoo.reproduction.tables import written_table

SPACE = SearchSpace.of(learning_rate=LogUniform(0.05, 0.5), batch_size=Choice(10, 20))
PROBLEM = Problem(SPACE, 3, {"epochs": 1, "images": 200}, 40)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """The race on a network without hidden layers, in a folder of its own."""
    monkeypatch.setattr(search, "FOLDER", tmp_path / "runs")
    monkeypatch.setattr(search, "CSV", tmp_path / "search.csv")
    monkeypatch.setattr(search, "problem_of", lambda network: PROBLEM)
    return tmp_path


@pytest.mark.integration
def test_others_are_given_what_random_search_cost_and_a_second_race_goes_on(bars, small):
    few = bars.take(200)
    names = ["halving", "hyperband"]
    assert search.race("linear", "some/bars", few, 0, names) == 0
    rows = search.read()
    assert {row["data"] for row in rows} == {"bars"}
    costs = {row["strategy"]: int(row["images"]) for row in rows}
    assert costs["random"] == 600
    for name in names:
        assert 600 <= costs[name] < 600 + 8 * 200, "a batch that has begun ends"
    assert [row["trial"] for row in rows if row["strategy"] == "random"] == ["0", "1", "2"]
    journals = sorted(small.rglob("journal.jsonl"))
    before = [journal.read_bytes() for journal in journals]
    search.CSV.unlink()  # as if killed before the rows were written
    search.race("linear", "bars", few, 0, names)
    assert [journal.read_bytes() for journal in journals] == before, "nothing is trained twice"
    assert search.read() == rows
    shutil.rmtree(search.FOLDER)
    search.race("linear", "bars", few, 0, names)
    assert not search.FOLDER.exists(), "a search whose rows are there is not run again"
    search_table.draw(rows, small / "search.png")
    assert (small / "search.png").read_bytes().startswith(b"\x89PNG")


def test_a_strategy_that_fails_is_told_and_the_others_race_on(small, bars, monkeypatch, capsys):
    raced = []

    def spend(found, data, budget):
        raced.append((type(found.strategy).__name__, budget))
        if budget == 7.0:
            raise RunError("no disk is left")
        for number in range(3):
            with found.journal.writing() as writer:
                values = {"learning_rate": 0.5, "batch_size": 10}
                writer.add(STARTED | {"trial": number, "values": values})
                writer.add(ended(number, 0.5, 1))

    monkeypatch.setattr(search, "spend", spend)
    monkeypatch.setattr(search, "_budget", lambda which: 7.0)
    assert search.race("linear", "bars", bars, 0, ["halving", "tpe"]) == 2
    assert raced == [("Random", None), ("Halving", 7.0), ("TPE", 7.0)]
    assert "search: linear bars halving 0: no disk is left" in capsys.readouterr().err
    assert {row["strategy"] for row in search.read()} == {"random"}


def test_a_run_that_goes_on_costs_its_further_epochs():
    spec = get_spec("linear").with_settings(epochs=9, images=100)
    done = [search_trial(0, Fidelity(until=3), 3), search_trial(1, FULL, 9, after=0)]
    assert search._costs(done, spec) == [300, 600]


def test_a_problem_knows_how_much_there_is(bars):
    few = bars.take(150)
    assert PROBLEM.spec("linear", "bars", few).recipe.images == 150
    assert Problem(SPACE).spec("linear", "letters", bars).recipe.images == len(bars.train)
    seen = PROBLEM.data(few)
    assert (len(seen.train), len(seen.validation)) == (150, 40)
    assert Problem(SPACE).data(few) is few


STARTED = {"event": "started", "values": {"learning_rate": 0.5}, "fidelity": {}}


def ended(number, score, epochs):
    """A journal's event of a trial of one execution."""
    ran = {"seed": 0, "accuracy": score, "best_epoch": epochs, "epochs": epochs}
    ran |= {"diverged": False, "seconds": 2.5, "seconds_an_epoch": 1.0}
    ran |= {"curve": [score] * epochs, "costs": [0.5] * epochs}
    result = {"score": score, "seconds": 2.5, "executions": [ran]}
    return {"event": "ended", "trial": number, "result": result}


def search_trial(number, fidelity, epochs, after=None):
    result = TrialResult.from_plain(ended(number, 0.5, epochs)["result"])
    return Trial(number, {}, result, fidelity, after)


def test_only_the_full_problem_counts(tmp_path):
    spec = get_spec("linear").with_settings(epochs=2)
    space = SearchSpace.of(learning_rate=LogUniform(0.1, 1.0))
    journal = Journal(tmp_path / "journal.jsonl")
    reduced, full = {"images": 1000, "epochs": 3}, {}
    trials = [(reduced, 0.99, 3), (full, 0.8, 2), (full, 0.7, 2), (full, None, 0)]
    with journal.writing() as writer:
        for number, (fidelity, score, epochs) in enumerate(trials):
            writer.add(STARTED | {"trial": number, "fidelity": fidelity})
            if score:
                writer.add(ended(number, score, epochs))
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
        *raced("halving", 0.5, 0.6),
        *raced("tpe", 0.97, seeds=2),
    ]
    lines = search_table.table(rows).splitlines()[2:]
    problem = "| `mlp30`, mnist |"
    assert lines == [
        f"{problem} random | 3 | 96.00 % (96.00 % to 96.00 %) | 7.00 | 4.00 | 1.00 | 1.00 "
        "| 0.047 |",
        f"{problem} broad | 3 | 97.00 % (97.00 % to 97.00 %) | none yet | 1.00 | 0.00 | 0.30 | 1 |",
        f"{problem} halving | 3 | 60.00 % (60.00 % to 60.00 %) | 47.00 | 37.00 | 37.00 | never "
        "| 0.047 |",
        f"{problem} tpe | 2 | 97.00 % (97.00 % to 97.00 %) | 0.00 | 0.00 | 0.00 "
        "| not enough runs | not enough runs |",
    ]


def test_the_median_run_decides_and_the_interval_is_that_of_the_seeds():
    rows = []
    for seed, place in enumerate((1, 2, 9)):  # where each run comes to the goal
        bests = [0.5] * place + [0.9] * (10 - place)
        rows += [{**row, "seed": seed} for row in raced("broad", *bests, seeds=1)]
    runs = search_table.races(rows)["`mlp30`, mnist"]["broad"]
    everyone, worst = [0, 1, 2], [2, 2, 0]
    costs = search_table.costs_to(
        runs, np.array([everyone, everyone, worst]), np.array([0.9, 0.91, 0.9])
    )
    assert costs.tolist() == [300, math.inf, 1_000]
    assert search_table.bests(runs, 250) == [0.9, 0.5, 0.5]
    assert search_table.bests(runs, 50) == [0, 0, 0]
    yardstick = search_table.races(raced("random", *[0.5] * 9, 0.9))["`mlp30`, mnist"]["random"]
    assert search_table.cost_interval(runs, yardstick) == (0.3, 0.2, 1.0)


def test_the_table_in_docs_is_that_of_the_measurements():
    page = ROOT / "docs/tuning.md"
    assert written_table(page, "search") == search_table.table(search.read()), "run: make table"


def test_what_is_drawn_holds_the_race_whatever_its_accuracies():
    races = search_table.races(search.read())
    for problem, strategies in races.items():
        top = max(best.max() for runs in strategies.values() for _, best in runs)
        low, high = search_table.limits(strategies["random"], float(top))
        ends = [100 * search_table.end_of(runs)[1] for runs in strategies.values()]
        assert low < min(ends) <= 100 * top < high <= low + 40, problem


def test_the_range_begins_at_the_worse_of_random_search_at_a_tenth_of_the_budget():
    costs = np.array([1.0, 5.0, 10.0])
    runs = [(costs, np.array([share, 0.8, 0.9])) for share in (0.3, 0.4, 0.5, 0.6, 0.7)]
    # A quarter of five runs have 0.4 or less at a cost of 1, and 1 % is the twentieth that is left.
    assert search_table.limits(runs, 0.6) == pytest.approx((39.0, 61.0))
    late = [(costs + 1, best) for _, best in runs]
    assert search_table.limits(late, 0.7) == pytest.approx((43.75, 71.25))
    assert search_table.limits(late, 0.95) == pytest.approx((63.5, 96.5)), "30 points at most"
