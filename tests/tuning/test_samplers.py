"""Optuna's sampler and CMA-ES, played on a landscape whose best point is known."""

from __future__ import annotations

import importlib.util
import math
import re
import sys

import numpy as np
import pytest

import zoo
from tuning import Choice, Integer, LogUniform, SearchSpace, Uniform
from tuning.cli import main
from tuning.report.record import read_record
from tuning.store.events import ended_event
from tuning.store.identity import SearchIdentity, settle_identity
from tuning.store.trials import TrialStore
from tuning.strategies.base import WAIT
from tuning.strategies.cmaes import CMAES
from tuning.strategies.random import Random
from tuning.strategies.registry import strategies
from tuning.strategies.tpe import TPE
from tuning.trial import Trial, TrialResult
from zoo.errors import RunError, SpecError

SPACE = SearchSpace.of(
    learning_rate=LogUniform(0.001, 10.0),
    l2=LogUniform(0.01, 100.0),
    momentum=Uniform(0.0, 0.9),
    units=Integer(10, 100),
    augment=Choice(None, {"shift": 1}),
)
WHOLE = SearchSpace.of(units=Integer(10, 100), learning_rate=LogUniform(0.01, 1.0))
SAMPLERS = (TPE, CMAES)
PACKAGES = [("tpe", "optuna"), ("pareto", "optuna"), ("cmaes", "cmaes")]


def score(values) -> float:
    """Best at eta 0.2, lambda 4, momentum 0.5, 60 units and shifted images: 0.97."""
    lost = 0.05 * math.log10(values["learning_rate"] / 0.2) ** 2
    lost += 0.02 * math.log10(values["l2"] / 4) ** 2 + 0.1 * (values["momentum"] - 0.5) ** 2
    lost += 0.02 * (values["units"] / 60 - 1) ** 2 + 0.02 * (values["augment"] is None)
    return max(0.0, 0.97 - lost)


def played(strategy, most=500) -> list[Trial]:
    trials: list[Trial] = []
    while (suggestion := strategy.suggest(trials)) is not None:
        trials.append(Trial(len(trials), suggestion.values, TrialResult(score(suggestion.values))))
        assert len(trials) < most
    return trials


@pytest.mark.parametrize("kind", SAMPLERS)
def test_it_comes_closer_than_random_search(kind):
    def lost(strategy):
        return sorted(
            0.97 - max(t.score for t in played(strategy(SPACE, 64, seed=s))) for s in range(5)
        )

    ours, random = lost(kind), lost(Random)
    assert ours[2] < random[2] / 2, "the median of five seeds"


@pytest.mark.parametrize("kind", SAMPLERS)
def test_a_decision_depends_on_the_trials_alone_and_stays_within_the_space(kind):
    trials = played(kind(SPACE, 30, seed=2))
    assert len(trials) == 30
    for number in (0, 9, 10, 17, 29):
        assert kind(SPACE, 30, seed=2).suggest(trials[:number]).values == trials[number].values
    for trial in trials:
        assert 0.001 <= trial.values["learning_rate"] <= 10
        assert 0 <= trial.values["momentum"] <= 0.9
        assert isinstance(trial.values["units"], int)
        assert 10 <= trial.values["units"] <= 100
        assert trial.values["augment"] in (None, {"shift": 1})
    assert played(kind(SPACE, 8, seed=3))[7].values != trials[7].values


def test_trials_that_run_are_taken_for_bad_ones():
    trials = played(TPE(SPACE, 20))
    next_one = TPE(SPACE, 30).suggest(trials)
    beside = TPE(SPACE, 30).suggest([*trials, Trial(20, next_one.values)])
    assert beside.values != next_one.values


def test_no_point_of_a_finite_space_comes_twice():
    space = SearchSpace.of(learning_rate=Choice(0.1, 0.2, 0.3, 0.4), l2=Choice(0, 1, 5))
    trials: list[Trial] = []
    while (suggestion := TPE(space).suggest(trials)) is not None:
        trials.append(Trial(len(trials), suggestion.values, TrialResult(0.5)))
    assert len({str(trial.values) for trial in trials}) == len(trials) == 12


def test_a_generation_waits_for_the_end_of_the_one_before():
    trials = played(CMAES(SPACE, 8))
    running = [*trials[:7], Trial(7, trials[7].values)]
    assert CMAES(SPACE, 16).suggest(running) is WAIT
    assert CMAES(SPACE, 16).suggest(running[:3]).values == trials[3].values


def test_settings_that_make_no_sense():
    with pytest.raises(SpecError, match="two settings or more"):
        CMAES(SearchSpace.of(l2=Choice(0, 5)))
    with pytest.raises(SpecError, match="three points or more, not 2"):
        CMAES(SPACE, population=2)
    with pytest.raises(SpecError, match="one trial or more"):
        TPE(SPACE, 0)


@pytest.fixture
def without_samplers(monkeypatch):
    """As on a machine without the extra."""
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *package: None if name in ("optuna", "cmaes") else find(name, *package),
    )
    for name in ("optuna", "cmaes"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize(("name", "package"), PACKAGES)
def test_a_missing_package_is_named_with_its_extra(
    name, package, without_samplers, tmp_path, capsys
):
    said = rf"{package} is not installed: pip install 'neural-zoo\[samplers\]'"
    with pytest.raises(RunError, match=said):
        strategies()[name].kind(SPACE).suggest([])
    (tmp_path / "space.json").write_text(WHOLE.to_json())
    assert main([name, "mlp30", "--space", str(tmp_path / "space.json")]) == 1
    assert re.search(said, capsys.readouterr().err)


@pytest.mark.parametrize(("name", "package"), PACKAGES)
def test_a_search_is_reported_where_its_sampler_is_missing(
    name, package, without_samplers, tmp_path, capsys
):
    kind = strategies()[name].kind
    plain = kind(WHOLE, 8).to_plain()
    spec = zoo.get_spec("mlp30")
    identity = SearchIdentity(spec.name, spec.to_plain(), WHOLE.to_plain(), 1, 0, plain, "")
    project = tmp_path / "search"
    settle_identity(project / "search.json", identity)
    point = {"units": 30, "learning_rate": 0.1}
    with TrialStore(project).journal.writing() as writer:
        writer.add({"event": "started", "trial": 0, "values": point})
        writer.add(ended_event(0, TrialResult(0.9)))
    assert main(["report", str(project)]) == 0
    assert "1 trial ended, the best is 0, 90.00 %" in capsys.readouterr().out
    record = read_record(project)
    assert isinstance(record.strategy, kind)
    assert record.total == 8


@pytest.mark.parametrize("name", ["random", "tpe", "pareto", "cmaes", "bayesian"])
def test_any_seed_will_do(name):
    kind = strategies()[name].kind
    space = SearchSpace(SPACE.ranges[:4])
    assert kind(space, 3, seed=5_000_000_000).suggest([]) is not None


def test_a_small_seed_of_cmaes_is_the_packages_own_and_large_ones_differ():
    import cmaes

    theirs = cmaes.CMA(
        mean=np.full(5, 0.5), sigma=0.25, bounds=np.tile([0.0, 1.0], (5, 1)), population_size=8,
        seed=7,
    ).ask()  # fmt: skip
    assert CMAES(SPACE, 8, seed=7).suggest([]).values["momentum"] == 0.9 * theirs[2]
    large = [CMAES(SPACE, 8, seed=seed).suggest([]).values for seed in (2**32, 2**32 + 1, 2**40)]
    assert len({str(values) for values in large}) == 3


def test_choices_that_are_one_point_are_refused():
    for values in ([0, 0.0], [1, True], [[0], [0.0]], [5, 5]):
        with pytest.raises(SpecError, match="one or more different values"):
            Choice(*values)


@pytest.mark.parametrize("name", ["grid", "random", "tpe", "pareto", "cmaes", "bayesian"])
def test_whole_ends_may_be_written_as_real_numbers(name):
    space = SearchSpace.from_plain(
        {"units": {"whole": [10, 12.0]}, "learning_rate": {"uniform": [0.1, 1]}}
    )
    space.check(zoo.get_spec("mlp30"))
    assert [type(end) for end in (space.ranges[0][1].low, space.ranges[0][1].high)] == [int, int]
    values = strategies()[name].kind(space).suggest([]).values
    assert type(values["units"]) is int
    assert 10 <= values["units"] <= 12
