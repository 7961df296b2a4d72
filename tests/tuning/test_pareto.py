"""Accuracy against size, played on a landscape whose front is known."""

from __future__ import annotations

import importlib.util
import statistics

import pytest

import zoo
from tuning import Choice, Integer, LogUniform, SearchSpace, latency
from tuning.fidelity import Fidelity
from tuning.kerastuner.oracle import StrategyOracle
from tuning.kerastuner.tuner import Tuner
from tuning.outcome import show
from tuning.report.pareto import against_latency, against_parameters
from tuning.report.record import read_record
from tuning.search import Search
from tuning.store.identity import SearchIdentity, settle_identity
from tuning.store.trials import TrialStore
from tuning.strategies.base import WAIT
from tuning.strategies.pareto import Pareto, parameters_of, pareto_front
from tuning.strategies.random import Random
from tuning.trial import Trial, TrialResult
from zoo.errors import RunError, SpecError

SPEC = zoo.get_spec("mlp30")
SPACE = SearchSpace.of(units=Integer(5, 100), learning_rate=LogUniform(0.01, 1.0))
optuna = pytest.mark.skipif(not importlib.util.find_spec("optuna"), reason="Optuna is missing")


def score(values) -> float:
    """More units help, less and less; eta 0.1 is the best for all of them."""
    return 1 - 0.5 / values["units"] - abs(values["learning_rate"] - 0.1) / 10


def ended(number, units, value, **options) -> Trial:
    return Trial(number, {"units": units, "learning_rate": 0.1}, TrialResult(value), **options)


def size(trial) -> int:
    return parameters_of(SPEC, trial)


def test_the_front_holds_what_no_other_trial_beats_at_once_in_size_and_accuracy():
    trials = [
        ended(0, 30, 0.95), ended(1, 30, 0.96), ended(2, 10, 0.9), ended(3, 50, 0.96),
        ended(4, 100, 0.97), ended(5, 5, 0.0), ended(6, 10, 0.9), Trial(7, {"units": 3}),
    ]  # fmt: skip
    front = pareto_front(trials, size)
    assert [trial.number for _, trial in front] == [2, 1, 4]
    assert [cost for cost, _ in front] == [parameters_of(SPEC, trials[n]) for n in (2, 1, 4)]
    assert parameters_of(SPEC, trials[2]) == 784 * 10 + 10 + 10 * 10 + 10


def _played(strategy) -> list[Trial]:
    trials: list[Trial] = []
    while (suggestion := strategy.suggest(trials)) is not None and suggestion is not WAIT:
        trials.append(Trial(len(trials), suggestion.values, TrialResult(score(suggestion.values))))
    return trials


@optuna
def test_its_front_dominates_more_than_that_of_random_points():
    def dominated(trials) -> float:
        """The area beyond the front, of units and lost accuracy: less is better."""
        front = pareto_front(trials, size)
        best = [min((1 - t.score for _, t in front if t.values["units"] <= units), default=0.2)
                for units in range(5, 101)]  # fmt: skip
        return sum(best)

    ours = sorted(dominated(_played(Pareto(SPACE, 40, seed, spec=SPEC))) for seed in range(3))
    random = sorted(dominated(_played(Random(SPACE, 40, seed))) for seed in range(3))
    assert ours[1] < random[1]


def timed(number, units, value, seconds) -> Trial:
    values = {"units": units, "learning_rate": 0.1}
    return Trial(number, values, TrialResult(value, latency=seconds))


@optuna
def test_latency_is_weighed_as_it_was_measured():
    strategy = Pareto(SPACE, 20, spec=SPEC, against="latency")
    trials = [timed(0, 10, 0.9, 2e-5), timed(1, 30, 0.95, 1e-5), timed(2, 50, 0.97, None)]
    assert strategy.objectives(trials[0]) == [0.9, 2e-5]
    assert strategy.objectives(trials[2]) == [0.97, 3600.0], "one that could not be timed"
    assert pareto_front(trials, strategy.cost) == [(1e-5, trials[1])], "the smaller one is slower"
    plain = strategy.to_plain()
    assert plain.pop("kind") == "Pareto"
    assert Pareto.from_plain(plain, SPEC, SPACE) == strategy
    assert "against" not in Pareto(SPACE, 20, spec=SPEC).to_plain(), "as earlier versions wrote it"
    with pytest.raises(SpecError, match="parameters or latency, not 'watts'"):
        Pareto(SPACE, 20, spec=SPEC, against="watts")


@optuna
def test_latency_steers_the_search():
    """Where a network of more units is quicker, the search leans to more units than by size."""

    def played(against):
        strategy, trials = Pareto(SPACE, 40, 0, spec=SPEC, against=against), []
        while (suggestion := strategy.suggest(trials)) is not None:
            units = suggestion.values["units"]
            result = TrialResult(0.9, latency=1e-4 / units)
            trials.append(Trial(len(trials), suggestion.values, result))
        return statistics.mean(trial.values["units"] for trial in trials[10:])

    assert played("latency") > played("parameters") + 10


@pytest.mark.integration
@optuna
def test_a_search_measures_the_latency_of_each_shape_once(bars, tmp_path, monkeypatch, capsys):
    space = SearchSpace.of(units=Choice(5, 400), learning_rate=LogUniform(0.1, 0.5))
    spec = SPEC.with_settings(epochs=1, images=100)
    strategy = Pareto(space, 4, 1, spec=spec, against="latency")
    found = Search(tmp_path / "search", spec, space, strategy)
    measured = []
    real = latency.onnx_latency
    monkeypatch.setattr(latency, "_KNOWN", {})
    monkeypatch.setattr(
        latency, "onnx_latency", lambda model: measured.append(model) or real(model)
    )
    found.work(bars.take(100))
    units = [trial.values["units"] for trial in found.trials()]
    assert len(measured) == len(set(units)) == 2
    by_units = {trial.values["units"]: trial.latency for trial in found.trials()}
    assert len(set(by_units.values())) == 2
    assert all(0 < seconds < 1 for seconds in by_units.values())
    show(found)
    said = capsys.readouterr().out
    assert "no quicker network is as good:" in said
    assert "µs an image" in said
    assert "microseconds an image" in against_latency(read_record(found.project))


@pytest.mark.integration
@optuna
def test_latency_is_measured_under_keras_tuner_too_and_what_fails_is_raised(
    bars, tmp_path, monkeypatch
):
    few, space = bars.take(100), SearchSpace.of(units=Choice(5, 400), l2=Choice(0, 1))
    spec = SPEC.with_settings(epochs=1, images=100)
    options = {"directory": tmp_path, "project_name": "search"}
    strategy = Pareto(space, 2, 1, spec=spec, against="latency")
    tuner = Tuner(StrategyOracle(strategy), spec, space, **options)
    tuner.search(few, verbose=0)
    assert all(0 < trial.latency < 1 for trial in tuner.problem.trials())

    def fails(spec, data):
        raise RunError("the model does not become ONNX")

    monkeypatch.setattr(latency, "latency_of", fails)
    found = Search(tmp_path / "other", spec, space, strategy)
    with pytest.raises(RunError, match="does not become ONNX"):
        found.work(few)
    assert [trial.result for trial in found.trials()] == [None]


@pytest.mark.parametrize("schedules", [("halve", "constant"), ("constant", "halve")])
@pytest.mark.parametrize("patiences", [(None, 5), (5, None)])
def test_settings_that_need_one_another_are_a_space_in_any_order(schedules, patiences):
    space = SearchSpace.of(
        units=Integer(5, 100), schedule=Choice(*schedules), patience=Choice(*patiences)
    )
    assert Pareto(space, 30, spec=SPEC).space == space


@optuna
def test_a_point_that_makes_no_network_stops_nothing():
    space = SearchSpace.of(
        units=Integer(5, 100),
        schedule=Choice("halve", "constant", "tenth"),
        patience=Choice(None, 5, 10),
    )
    point = {"schedule": "halve", "patience": None}  # after how many epochs?
    failed = Trial(0, {"units": 5, **point}, TrialResult(0.0, error="halve needs patience"))
    trials = [failed]
    for n in range(1, 15):
        values = {"units": 5 * n, "schedule": "constant", "patience": 5}
        trials.append(Trial(n, values, TrialResult(0.9 + n / 1000)))
    strategy = Pareto(space, 30, spec=SPEC)
    assert strategy.objectives(failed)[1] > max(strategy.objectives(t)[1] for t in trials[1:])
    assert set(strategy.suggest(trials).values) == {"units", "schedule", "patience"}


@optuna
def test_a_space_of_one_size_has_no_front():
    with pytest.raises(SpecError, match="as many parameters: search `units`"):
        Pareto(SearchSpace.of(l2=Choice(0, 5)), spec=SPEC)


def recorded(folder, trials, space=SPACE):
    mine = SearchIdentity("mlp30", SPEC.to_plain(), space.to_plain(), 1, 0, {"kind": "Random"})
    folder.mkdir(parents=True, exist_ok=True)
    settle_identity(folder / "search.json", mine)
    store = TrialStore(folder)
    from tuning.store.events import started_event

    for trial in trials:
        with store.journal.writing() as writer:
            writer.add(started_event(trial))
        store.end(trial.number, trial.result)
    return read_record(folder)


def test_the_report_draws_the_front_where_sizes_differ(tmp_path):
    trials = [ended(0, 30, 0.95), ended(1, 10, 0.9), ended(2, 50, 0.94)]
    chart = against_parameters(recorded(tmp_path / "a", trials))
    assert chart.count("<circle") == 3
    line = chart.split('class="front" points="')[1].split('"')[0].split()
    assert len(line) == 3, "two trials and the step between them"
    assert against_latency(recorded(tmp_path / "a", [])) == "", "nothing was timed"
    quick = [timed(0, 30, 0.95, 3e-5), timed(1, 10, 0.9, 2e-5), timed(2, 50, 0.94, None)]
    chart = against_latency(recorded(tmp_path / "d", quick))
    assert chart.count("<circle") == 2
    assert "latency, microseconds an image" in chart
    same = [ended(0, 30, 0.95), ended(1, 30, 0.9)]
    assert against_parameters(recorded(tmp_path / "b", same)) == ""
    less = [ended(0, 30, 0.95), ended(1, 10, 0.99, fidelity=Fidelity(images=100))]
    chart = against_parameters(recorded(tmp_path / "c", less))
    assert len(chart.split('class="front" points="')[1].split('"')[0].split()) == 2, "a dash"
