"""A search that begins with the best points of another."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import fields

import pytest

import zoo
from tests.tuning.test_pareto import recorded
from tuning import Choice, Integer, LogUniform, SearchSpace
from tuning.cli import main
from tuning.fidelity import FULL
from tuning.search import Search
from tuning.strategies.broad import Broad
from tuning.strategies.grid import Grid
from tuning.strategies.halving import Halving
from tuning.strategies.hyperband import Hyperband
from tuning.strategies.random import Random
from tuning.strategies.registry import read_strategy, strategies
from tuning.strategies.tpe import TPE
from tuning.trial import Trial, TrialResult
from tuning.warm_start import warm_start, warm_strategy
from zoo.errors import RunError, SpecError

SPEC = zoo.get_spec("mlp30")
THERE = SearchSpace.of(units=Integer(5, 100), learning_rate=LogUniform(0.01, 1.0))


def other(folder, scores=(0.9, 0.95, 0.0, 0.93)):
    rates = (0.1, 0.2, 0.3, 0.9)
    recorded(folder, [
        Trial(number, {"units": 10 * (number + 1), "learning_rate": rates[number]},
              TrialResult(score)) for number, score in enumerate(scores)
    ], THERE)  # fmt: skip
    return folder


def test_the_best_points_come_first_mapped_into_the_space(tmp_path):
    space = SearchSpace.of(learning_rate=LogUniform(0.05, 0.5), l2=Choice(0, 5.0, 7))
    found = warm_start(other(tmp_path / "a"), space, SPEC)
    assert found.points == ({"learning_rate": 0.2, "l2": 5.0}, {"learning_rate": 0.1, "l2": 5.0})
    assert found.remarks == (
        "units is not searched here: left out",
        "l2 was not searched there: begins at 5.0",
        "trial 3 is left out: learning_rate = 0.9 is no value of this space",
    )
    strategy = Random(space, 4).begin_with(found.points)
    trials: list[Trial] = []
    while (suggestion := strategy.suggest(trials)) is not None:
        trials.append(Trial(len(trials), suggestion.values, TrialResult(0.5)))
    assert [trial.values for trial in trials[:2]] == list(found.points)
    assert [trial.values for trial in trials[2:]] == [
        Random(space, 4).suggest(trials[:n]).values for n in (2, 3)
    ]

    for kind in (Random, TPE) if importlib.util.find_spec("optuna") else (Random,):
        point = kind(space, 9).suggest(trials[:3]).values
        begun = kind(space, 9, start=(point,))
        seen = [Trial(0, point, TrialResult(0.5)), *trials[1:3]]
        assert begun.suggest(seen).values != point, "a point of the same seed does not come again"


def test_halving_and_hyperband_let_the_points_enter_first():
    points = tuple({"units": units, "learning_rate": 0.2} for units in (20, 30))
    for cold in (Halving(THERE, 9, 4), Hyperband(THERE, 9)):
        strategy, trials = cold.begin_with(points), []
        assert read_strategy(strategy.to_plain(), SPEC, THERE) == strategy
        assert "start" not in cold.to_plain(), "older folders stay the same search"
        for number in range(4):
            suggestion = strategy.suggest(trials)
            values, fidelity = suggestion.values, suggestion.fidelity
            trials.append(Trial(number, values, None, fidelity))
        assert tuple(trial.values for trial in trials[:2]) == points
        alone = [cold.suggest(trials[:number]).values for number in (2, 3)]
        assert [trial.values for trial in trials[2:]] == alone
        assert {trial.fidelity for trial in trials} == {cold.suggest([]).fidelity}


def test_broad_goes_on_from_the_best_point_on_the_full_problem():
    points = ({"units": 20, "learning_rate": 0.2}, {"units": 30, "learning_rate": 0.4})
    strategy = Broad(SPEC, THERE).begin_with(points)
    assert read_strategy(strategy.to_plain(), SPEC, THERE) == strategy
    assert "points" not in Broad(SPEC, THERE).to_plain(), "older folders stay the same search"
    trials: list[Trial] = []
    while (suggestion := strategy.suggest(trials)) is not None:
        values = suggestion.values
        score = 0.9 - abs(values["units"] - 60) / 1000 - abs(values["learning_rate"] - 0.2) / 10
        trials.append(Trial(len(trials), values, TrialResult(score), suggestion.fidelity))
        assert len(trials) < 30
    assert tuple(trial.values for trial in trials[:2]) == points
    assert {trial.fidelity.rank for trial in trials} == {FULL.rank}, "nothing on less of it"
    best = max(trials, key=lambda trial: trial.score)
    assert best.values == {"units": 40, "learning_rate": 0.2}, "doubled, and 80 is too many"
    first = strategy.explanation(trials)[0]
    assert (first.stage, first.trials) == ("points of an earlier search", (0, 1))
    assert "units = 20, learning_rate = 0.2 is the best: 86.00 %, against 85.00 %" in first.text


def test_trials_of_an_earlier_broad_are_told():
    strategy = Broad(SPEC, THERE)
    first = strategy.suggest([])
    other = Trial(0, {**first.values, "units": 6}, TrialResult(0.5), first.fidelity)
    with pytest.raises(RunError, match="trial 0 is none that broad would have tried"):
        strategy.suggest([other])
    assert strategy.explanation([other]) == []


def test_what_cannot_start_from_another_search(tmp_path):
    with pytest.raises(RunError, match="holds no search to start from"):
        warm_start(tmp_path, THERE, SPEC)
    there = other(tmp_path / "a")
    with pytest.raises(SpecError, match="has searched units, learning_rate, and nothing of this"):
        warm_start(there, SearchSpace.of(l2=Choice(0, 5)), SPEC)
    with pytest.raises(SpecError, match=r"no point of .* fits this space: .*trial 0 is left out"):
        warm_start(there, SearchSpace.of(learning_rate=LogUniform(2.0, 3.0)), SPEC)
    with pytest.raises(SpecError, match="grid decides itself where it begins"):
        warm_strategy(Grid(THERE), there, tmp_path / "b", SPEC, print)
    nothing = other(tmp_path / "c", (0.0, 0.0))
    with pytest.raises(SpecError, match="no trial in it has learned anything"):
        warm_start(nothing, THERE, SPEC)
    with pytest.raises(SpecError, match="fits this space: no trial in it has learned anything"):
        warm_start(nothing, SearchSpace.of(units=Integer(5, 9), l2=Choice(0, 5)), SPEC)


def test_a_search_keeps_the_points_that_it_began_with(tmp_path, bars):
    there, few = other(tmp_path / "a"), bars.take(100)
    spec = SPEC.with_settings(epochs=1)
    strategy = warm_strategy(Random(THERE, 2), there, tmp_path / "b", spec, print)
    Search(tmp_path / "b", spec, THERE, strategy).open(few)
    plain = json.loads((tmp_path / "b" / "search.json").read_text())["strategy"]
    assert plain["start"][0] == {"units": 20, "learning_rate": 0.2}
    assert read_strategy(plain, spec, THERE) == strategy
    recorded(tmp_path / "other", [], THERE)
    again = warm_strategy(Random(THERE, 3), tmp_path / "other", tmp_path / "b", spec, print)
    assert again.start == strategy.start, "whatever the other search has found since"
    Search(tmp_path / "b", spec, THERE, again).open(few)
    assert "start" not in Random(THERE).to_plain(), "older folders stay the same search"


def test_a_recipes_tuple_begins_a_search_that_opens_again(tmp_path, bars):
    few, spec = bars.take(100), zoo.get_spec("conv2_relu_dropout.fast")
    own = spec.recipe.augment
    space = SearchSpace.of(augment=Choice((), own), learning_rate=LogUniform(0.01, 1.0))
    found = warm_start(other(tmp_path / "a"), space, spec)
    assert found.points[0]["augment"] == [*own]
    warm = Random(space, 3).begin_with(found.points)
    for _ in range(2):
        Search(tmp_path / "b", spec, space, warm).open(few)
    assert not [name for name, value in Broad(spec, space).suggest(()).values.items()
                if isinstance(value, tuple)]  # fmt: skip


def test_the_start_of_another_strategy_is_none_of_this_one(tmp_path, bars):
    few = bars.take(100)
    Search(tmp_path / "b", SPEC, THERE, Broad(SPEC, THERE, {"learning_rate": 9.0})).open(few)
    found = warm_strategy(Random(THERE, 3), other(tmp_path / "a"), tmp_path / "b", SPEC, print)
    assert found.start[0] == {"units": 20, "learning_rate": 0.2}
    with pytest.raises(RunError, match="strategy"):
        Search(tmp_path / "b", SPEC, THERE, found).open(few)


@pytest.mark.parametrize("name", strategies())
def test_every_strategy_begins_with_given_points_or_refuses_and_names_those_that_do(name):
    entry, points = strategies()[name], ({"units": 20, "learning_rate": 0.2},)
    if not all(importlib.util.find_spec(each) for each in ("optuna", "cmaes")):
        pytest.skip("Optuna or cmaes is missing")
    needed = {"epochs": 9} if "epochs" in {field.name for field in fields(entry.kind)} else {}
    strategy = entry.kind.from_plain(needed, SPEC, THERE)
    try:
        begun = strategy.begin_with(points)
    except SpecError as error:
        takers = str(error).partition("--start-from is for ")[2].replace(" and ", ", ").split(", ")
        assert name not in takers
        assert set(takers) < set(strategies())
    else:
        assert begun.suggest(()).values == points[0]


@pytest.mark.skipif(not importlib.util.find_spec("optuna"), reason="Optuna is missing")
def test_the_command_refuses_before_anything_is_imported(tmp_path, capsys):
    assert main(["tpe", "mlp30", "--start-from", str(tmp_path / "none")]) == 1
    assert "holds no search to start from" in capsys.readouterr().err
    assert main(["grid", "mlp30", "--start-from", str(other(tmp_path / "a"))]) == 2
