"""The command line of a search: what it asks for, and what it says to what makes no sense."""

from __future__ import annotations

import json

import pytest

import zoo
from tuning import Choice, SearchSpace
from tuning.cli import TRIALS, _parser, _strategy, main
from tuning.search import Search
from tuning.store.trials import ENDLESS, Budget
from tuning.strategies.bayesian import Bayesian
from tuning.strategies.grid import Grid
from tuning.strategies.hyperband import Hyperband
from tuning.strategies.random import Random
from zoo.errors import RunError

MLP30 = zoo.get_spec("mlp30")
SPACE = SearchSpace.of(l2=Choice(0, 5))


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("90s", Budget(seconds=90)),
        ("20m", Budget(seconds=1200)),
        ("1.5h", Budget(seconds=5400)),
        ("30", Budget(trials=30)),
    ],
)
def test_a_budget_is_a_time_or_a_number_of_trials(text, budget):
    assert _parser().parse_args(["random", "mlp30", "--budget", text]).budget == budget


@pytest.mark.parametrize("text", ["0", "0m", "-5", "1.5", "20 minutes", ""])
def test_a_budget_that_is_none(text, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["random", "mlp30", f"--budget={text}"])
    assert ended.value.code == 2
    assert "argument --budget: must be a" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "strategy"),
    [
        ("random mlp30", Random(SPACE, TRIALS)),
        ("random mlp30 --budget 50", Random(SPACE)),
        ("random mlp30 --budget 50 --trials 30 --seed 2", Random(SPACE, 30, 2)),
        ("bayesian mlp30 --trials 30", Bayesian(SPACE, 30)),
        ("hyperband mlp30 --factor 4", Hyperband(SPACE, MLP30.recipe.epochs, 4)),
        ("grid mlp30 --steps 3", Grid(SPACE, 3)),
    ],
)
def test_commands_are_strategies(command, strategy):
    options = _parser().parse_args(command.split())
    assert _strategy(options, MLP30, SPACE) == strategy


def test_what_a_budget_allows():
    from tuning.trial import Trial

    trials = [Trial(0, {}, {"seconds": 60.0}), Trial(1, {}, {"seconds": 30.0}), Trial(2, {})]
    assert not ENDLESS.spent_by(trials)
    assert Budget(seconds=90).spent_by(trials)
    assert not Budget(seconds=91).spent_by(trials)
    assert Budget(trials=3).spent_by(trials)
    assert not Budget(trials=4).spent_by(trials)


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({"learning_rat": {"choice": [1]}}, "no 'learning_rat'. Did you mean 'learning_rate'?"),
        ({"l2": {"uniform": [5, 1]}}, "not from 5 to 1"),
        ({"l2": {"choice": []}}, "one or more different values"),
        ({"learning_rate": {"log_uniform": [0, 1]}}, "starts above 0"),
        ({}, "needs a setting to search"),
    ],
)
def test_a_space_that_is_none_is_one_line(tmp_path, capsys, space, said):
    path = tmp_path / "space.json"
    path.write_text(json.dumps(space))
    assert main(["random", "mlp30", "--space", str(path)]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.startswith("tuning: ")
    assert told.count("\n") == 1


def test_a_folder_that_cannot_be_one(bars, tmp_path):
    (tmp_path / "file").write_text("")
    found = Search(tmp_path / "file" / "search", MLP30, SPACE, Grid(SPACE))
    with pytest.raises(RunError, match=r"cannot be a search's folder \(.+\): choose another"):
        found.open(bars)
    (tmp_path / "search").mkdir()
    (tmp_path / "search" / "search.json").write_text("{")
    with pytest.raises(RunError, match=r"search.json is damaged"):
        Search(tmp_path / "search", MLP30, SPACE, Grid(SPACE)).open(bars)
