"""keras-tuner's machinery under our strategies, and its oracles as strategies of ours."""

from __future__ import annotations

import importlib.util
import json
import math
import shutil
from collections import Counter

import keras_tuner
import pytest

import zoo
from tuning import Choice, Integer, LogUniform, SearchSpace
from tuning.fidelity import Fidelity
from tuning.kerastuner import entries
from tuning.kerastuner.foreign import oracle_settings
from tuning.kerastuner.hypermodel import hypermodel
from tuning.kerastuner.objective import WORST_COST
from tuning.kerastuner.oracle import StrategyOracle
from tuning.kerastuner.tuner import Tuner
from tuning.report.record import read_record
from tuning.search import Search
from tuning.store.events import started_event
from tuning.store.journal import Journal
from tuning.store.trials import Budget
from tuning.strategies.base import WAIT
from tuning.strategies.bayesian import Bayesian
from tuning.strategies.grid import Grid
from tuning.strategies.hyperband import Hyperband
from tuning.strategies.random import Random, random_point
from tuning.trial import Trial, TrialResult
from tuning.vectorized.programs import PROGRAMS
from zoo.errors import RunError, SpecError

SPEC = zoo.get_spec("linear").with_settings(epochs=2, cost="quadratic")
GRID = SearchSpace.of(learning_rate=Choice(1e30, 0.1))
SPACE = SearchSpace.of(
    learning_rate=LogUniform(0.001, 10), l2=LogUniform(0.01, 100), batch_size=Choice(5, 10, 20)
)


@pytest.fixture
def few(bars):
    return bars.take(300)


def landscape(plan) -> float:
    """A made-up score, best at eta 0.2 and lambda 4, better after more epochs."""
    rate, decay = plan.values["learning_rate"], plan.values["l2"]
    lost = 0.05 * math.log10(rate / 0.2) ** 2 + 0.02 * math.log10(decay / 4) ** 2
    return max(0.0, 0.97 - lost - 0.1 / (plan.fidelity.until or 9))


def ended(number: int, plan) -> Trial:
    return Trial(number, plan.values, TrialResult(landscape(plan)), plan.fidelity, plan.after)


def played(strategy, trials=()) -> list[Trial]:
    trials = list(trials)
    while (plan := strategy.suggest(trials)) is not None:
        trials.append(ended(len(trials), plan))
    return trials


# --- Hyperband ------------------------------------------------------------------------------------


def test_hyperband_decides_as_keras_tuners_own_oracle_does():
    """One that remembers, fed the same scores one by one, runs the same rungs and promotions."""
    search = Hyperband(SPACE, epochs=9)
    trials = played(search)
    theirs = keras_tuner.oracles.HyperbandOracle(
        keras_tuner.Objective("val_accuracy", "max"), max_epochs=9, factor=3, seed=1
    )
    theirs.verbose, drawn = 0, iter(range(100))
    theirs._random_values = lambda: random_point(SPACE, 0, next(drawn))
    theirs.save = theirs._save_trial = lambda *expected: None
    for number, mine in enumerate(trials):
        trial = theirs.create_trial("tuner0")
        expected = trial.hyperparameters.values
        assert {name: expected[name] for name in mine.values} == mine.values
        assert expected["tuner/epochs"] == (mine.fidelity.until or 9)
        past = expected.get("tuner/trial_id")
        assert (None if past is None else int(past)) == mine.after, number
        theirs.update_trial(trial.trial_id, {"val_accuracy": mine.score})
        trial.status = "COMPLETED"
        theirs.end_trial(trial)
    assert theirs.create_trial("tuner0").status == "STOPPED"
    assert len(trials) == search.total
    assert Counter(trial.fidelity.until for trial in trials) == {1: 9, 3: 3 + 5, None: 1 + 2 + 3}


def test_hyperband_promotes_the_best_and_needs_nothing_but_the_trials():
    search = Hyperband(SPACE, epochs=9, seed=3)
    trials = played(search)
    first = sorted(trials[:9], key=lambda trial: -trial.score)
    promoted = [trial.after for trial in trials if trial.after is not None and trial.after < 9]
    assert sorted(promoted) == sorted(trial.number for trial in first[:3])
    for number in range(len(trials)):
        again = Hyperband(SPACE, epochs=9, seed=3).suggest(trials[:number])
        assert (again.values, again.after) == (trials[number].values, trials[number].after)
    assert played(search, trials[:12]) == trials


def test_hyperband_goes_on_while_trials_run_and_waits_when_it_must():
    search = Hyperband(SPACE, epochs=3)
    trials = played(search)
    running = [Trial(trial.number, trial.values, None, trial.fidelity) for trial in trials[:3]]
    plan = search.suggest(running)
    assert plan.after is None, "the next bracket begins"
    everyone = [*running, *(Trial(n, plan.values) for n in range(3, 5))]
    assert search.suggest(everyone) is WAIT


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"factor": 1}, {"iterations": 0}])
def test_hyperband_of_nothing(wrong):
    with pytest.raises(SpecError, match="or more, not"):
        Hyperband(SPACE, **{"epochs": 9, **wrong})


@pytest.mark.integration
@pytest.mark.parametrize("at_once", [1, 3])
def test_a_promoted_run_goes_on_where_it_paused_as_if_it_had_not(few, tmp_path, at_once):
    space = SearchSpace.of(learning_rate=Choice(0.001, 0.01, 0.1))
    spec = SPEC.with_settings(epochs=3, momentum=0.5)
    strategy = Hyperband(space, 3)
    found = Search(tmp_path / "search", spec, space, strategy, seed=1, batch_trials=at_once)
    PROGRAMS.clear()
    found.work(few, most=4)
    assert PROGRAMS.compiled == (0 if at_once == 1 else 1), "compiled once for all"
    trials = found.trials()
    (promoted,) = [trial for trial in trials if trial.after is not None]
    past = trials[promoted.after]
    assert past.score == max(trial.score for trial in trials[:3])
    (before,), (after,) = past.executions, promoted.executions
    assert (before.epochs, after.epochs) == (1, 3)
    assert after.curve[:1] == before.curve
    alone = zoo.train(spec.with_settings(**promoted.values), few, seed=1, progress=False)
    curve = [row["val_accuracy"] for row in alone.history]
    assert after.curve == pytest.approx(curve, abs=1e-6 if at_once == 1 else 2 / 500)
    spent = promoted.result.seconds
    assert spent == pytest.approx(after.seconds - before.seconds, abs=0.01)
    assert found.best().number == promoted.number


# --- Bayesian -------------------------------------------------------------------------------------


TWO = SearchSpace.of(learning_rate=LogUniform(0.001, 10), l2=LogUniform(0.01, 100))


def test_the_model_finds_what_random_points_do_not():
    trials, random = played(Bayesian(TWO, 10)), played(Random(TWO, 10))
    assert [trial.values for trial in trials[:6]] == [trial.values for trial in random[:6]]
    best = max(trials, key=lambda trial: trial.score)
    assert best.number >= 6
    assert best.score > max(trial.score for trial in random)
    assert Bayesian(TWO, 10).suggest(trials[:8]).values == trials[8].values
    assert len(trials) == 10
    json.dumps([trial.values for trial in trials])


def test_the_model_keeps_away_from_trials_that_run():
    trials = played(Random(TWO, 6))
    plan = Bayesian(TWO).suggest(trials)
    beside = Bayesian(TWO).suggest([*trials, Trial(6, plan.values)])
    assert beside.values != plan.values


def test_no_point_of_a_finite_space_comes_twice_and_all_come():
    space = SearchSpace.of(l2=Choice(0, 0.5, 4), units=Integer(5, 6), nesterov=Choice(False, True))
    search, trials = Bayesian(space), []
    while (plan := search.suggest(trials)) is not None:
        trials.append(Trial(len(trials), plan.values, TrialResult(1 / (1 + plan.values["l2"]))))
    assert len({tuple(trial.values.values()) for trial in trials}) == 12 == search.total


# --- strategies as oracles ------------------------------------------------------------------------


def tuned(folder, strategy, space=GRID, **options) -> Tuner:
    budget = options.pop("budget", Budget())
    return Tuner(StrategyOracle(strategy, budget=budget), SPEC, space, directory=folder,
                 project_name="search", **options)  # fmt: skip


def test_our_tuner_keeps_every_run_and_a_diverging_trial_is_a_finding(few, tmp_path):
    tuner = tuned(tmp_path, Grid(GRID), executions=2)
    tuner.search(few)
    scores = [trial.score for trial in tuner.oracle.trials.values()]
    assert scores[0] == 0 < scores[1]
    assert {trial.status for trial in tuner.oracle.trials.values()} == {"COMPLETED"}
    last = tuner.problem.trials()[-1]
    alone = zoo.train(SPEC.with_settings(**last.values), few, seed=1, progress=False)
    curve = [row["val_accuracy"] for row in alone.history]
    assert [execution.seed for execution in last.executions] == [0, 1]
    assert last.executions[1].curve == pytest.approx(curve, abs=1e-6)
    best = tuner.get_best_models()[0]
    assert zoo.evaluate(best, few.validation).accuracy > 0.2


@pytest.mark.integration
def test_a_grid_goes_on_under_keras_tuners_own_tuner(few, tmp_path):
    """Which its own GridSearch cannot. A trial that was cut off comes first."""
    space = SearchSpace.of(learning_rate=Choice(0.01, 0.1, 0.2))
    options = {"hypermodel": hypermodel(SPEC, space, seed=1), "directory": tmp_path}

    class Killed(keras_tuner.Tuner):
        def run_trial(self, trial, *data, **expected):
            if trial.trial_id == "0001":
                raise KeyboardInterrupt
            return super().run_trial(trial, *data, **expected)

    first = Killed(StrategyOracle(Grid(space)), project_name="search", **options)
    with pytest.raises(KeyboardInterrupt):
        first.search(few, epochs=1, verbose=0)
    first.oracle.let_go()  # as the system does when the process dies
    second = keras_tuner.Tuner(StrategyOracle(Grid(space)), project_name="search", **options)
    second.search(few, epochs=1, verbose=0)
    events = Journal(tmp_path / "search" / "journal.jsonl").read()
    assert [event["trial"] for event in events if event["event"] == "started"] == [0, 1, 2]
    assert [event["trial"] for event in events if event["event"] == "ended"] == [0, 1, 2]
    trials = [trial.hyperparameters.values for trial in second.oracle.trials.values()]
    assert [{name: expected[name] for name in point} for expected, point in
            zip(trials, space.grid(5), strict=True)] == space.grid(5)  # fmt: skip
    assert second.get_best_hyperparameters()[0].values["learning_rate"] in (0.01, 0.1, 0.2)


def test_trials_that_fail_under_keras_tuners_own_tuner_end_nothing(tmp_path):
    class Failing(keras_tuner.Tuner):
        def run_trial(self, trial, **options):
            if trial.trial_id == "0004":
                return 0.5
            if trial.trial_id == "0003":
                return math.nan
            raise ValueError("no such network")

    oracle = StrategyOracle(Random(SPACE, 5))
    Failing(oracle, directory=tmp_path, project_name="search").search(verbose=0)
    ended = [e for e in Journal(tmp_path / "search" / "journal.jsonl").read()
             if e["event"] == "ended"]  # fmt: skip
    assert [event["result"]["score"] for event in ended] == [0, 0, 0, 0, 0.5]
    assert ended[0]["result"]["error"] == "ValueError: no such network"
    assert ended[3]["result"]["error"] == "its score was not a number"


@pytest.mark.integration
def test_the_tuner_takes_keras_tuners_own_oracles(few, tmp_path):
    oracle = keras_tuner.oracles.HyperbandOracle("val_accuracy", max_epochs=2, factor=2, seed=1)
    space = SearchSpace.of(learning_rate=Choice(1e30, 0.1, 0.2, 0.3))
    tuner = Tuner(oracle, SPEC, space, directory=tmp_path, project_name="theirs")
    tuner.search(few)
    assert oracle.get_best_trials()[0].score > 0.1
    assert {trial.status for trial in oracle.trials.values()} == {"COMPLETED"}
    epochs = [trial.hyperparameters.values["tuner/epochs"] for trial in oracle.trials.values()]
    assert set(epochs) == {1, 2}
    for number, most in enumerate(epochs):
        rows = (tmp_path / f"theirs/trials/{number:04}/seed0/history.csv").read_text().splitlines()
        assert len(rows) - 1 in (1, most)


def test_a_budget_of_trials_is_kept_and_can_grow(few, tmp_path):
    tuned(tmp_path, Random(SPACE), SPACE, budget=Budget(trials=1)).search(few)
    found = Search(tmp_path / "search", SPEC, SPACE, Random(SPACE))
    assert len(found.trials()) == 1
    found.work(few, most=2)
    assert len(found.trials()) == 2


def test_an_error_that_is_not_the_points_own_is_raised(few, tmp_path, monkeypatch):
    def no_disk(*expected, **options):
        raise OSError("no space left on the disk")

    monkeypatch.setattr("tuning.kerastuner.tuner.run", no_disk)
    tuner = tuned(tmp_path, Grid(GRID))
    with pytest.raises(OSError, match="no space left"):
        tuner.search(few)
    assert all(trial.result is None for trial in tuner.problem.trials())


def test_the_best_trial_is_one_on_the_most_of_the_problem(few, tmp_path):
    tuner = tuned(tmp_path, Grid(GRID))
    tuner.problem.open(few)
    trials = [
        Trial(0, {"learning_rate": 0.1}, fidelity=Fidelity(images=100)),
        Trial(1, {"learning_rate": 0.1}),
        Trial(2, {"learning_rate": 0.1}),
    ]
    for trial, score in zip(trials, (1.0, 0.8, 0.9), strict=True):
        with tuner.problem.store.journal.writing() as writer:
            writer.add(started_event(trial))
        tuner.problem.store.end(trial.number, TrialResult(score))
    best = [trial.trial_id for trial in tuner.oracle.get_best_trials(2)]
    assert best == ["0002", "0001"]
    assert [trial.trial_id for trial in tuner.oracle.get_best_trials(9)] == [*best, "0000"]


def test_a_project_of_another_search_is_refused_with_the_difference(few, tmp_path):
    tuned(tmp_path, Grid(GRID)).problem.open(few)
    space = SearchSpace.of(learning_rate=Choice(1e30, 0.2))
    shown = r"another space: choice is \[1e\+30, 0.1\] there and \[1e\+30, 0.2\] here"
    with pytest.raises(RunError, match=shown):
        tuned(tmp_path, Grid(space), space).search(few)


@pytest.mark.skipif(not importlib.util.find_spec("optuna"), reason="Optuna is missing")
def test_a_default_that_is_no_value_of_its_range_counts_as_the_nearest_one():
    asked = keras_tuner.HyperParameters()
    asked.Float("rate", 0.01, 1.0, sampling="log")
    asked.Float("dropout", 0.0, 0.5, step=0.1, default=0.3)  # the step is 0.30000000000000004
    asked.Int("units", 16, 512, sampling="log", default=64)  # between 62 and 65
    asked.Float("share", 0.1, 1.0, default=5.0)  # outside
    space = entries.space_of(asked)
    growing = entries.GrowingStrategy(space, entries.strategy_maker("tpe", 0), asked)
    early = [Trial(n, {"rate": 0.01 * (n + 1)}, TrialResult(0.5 + n / 100)) for n in range(14)]
    found = growing.suggest(early).values  # what was asked late was at its default in all of these
    assert set(found) == {"rate", "dropout", "units", "share"}


def test_what_an_oracle_cannot_be():
    with pytest.raises(SpecError, match=r"'gird'\. Did you mean 'grid'"):
        StrategyOracle("gird")
    with pytest.raises(SpecError, match="cmaes plays its own points again"):
        StrategyOracle("cmaes")
    with pytest.raises(SpecError, match="broad needs more than a space: give it made"):
        StrategyOracle("broad")
    for name, said in [
        ("halving", r"StrategyOracle\(Halving\(space=\.\.\., epochs=\.\.\.\)\)"),
        ("hyperband", r"StrategyOracle\(Hyperband\(space=\.\.\., epochs=\.\.\.\)\)"),
        ("pareto", r"StrategyOracle\(Pareto\(space=\.\.\., spec=\.\.\.\)\)"),
    ]:
        with pytest.raises(SpecError, match=said):
            StrategyOracle(name)
    with pytest.raises(SpecError, match="keras-tuner chooses among numbers and words"):
        StrategyOracle(Grid(SearchSpace.of(augment=Choice(["shift"], ["rotate"]))))


@pytest.mark.parametrize(
    ("objective", "named"),
    [("val_f1", "choose from val_accuracy, val_loss"), (["val_loss", "loss"], "choose from")],
)
def test_an_objective_that_is_not_measured_is_refused(objective, named, tmp_path):
    if isinstance(objective, str):
        objective = keras_tuner.Objective(objective, "max")
    oracle = keras_tuner.oracles.RandomSearchOracle(objective, 2)
    with pytest.raises(SpecError, match=named):
        Tuner(oracle, SPEC, GRID, directory=tmp_path)


def test_a_loss_is_made_small(few, tmp_path):
    """The objective is the history's own, and the point with the least is the best one."""
    space = SearchSpace.of(learning_rate=Choice(1e30, 0.0001, 0.5))
    oracle = keras_tuner.oracles.GridSearchOracle("val_loss", max_trials=3)
    tuner = Tuner(oracle, SPEC, space, directory=tmp_path, project_name="search")
    tuner.search(few)
    scores = {
        trial.hyperparameters.values["learning_rate"]: trial.score
        for trial in oracle.trials.values()
    }
    assert scores[1e30] == WORST_COST
    for rate in (0.0001, 0.5):
        alone = zoo.train(SPEC.with_settings(learning_rate=rate), few, progress=False)
        least = min(row["val_loss"] for row in alone.history)
        assert scores[rate] == pytest.approx(least, rel=1e-5)
    assert oracle.get_best_trials()[0].score == min(scores.values()) == scores[0.5]


def theirs(folder, network=SPEC, space=GRID, trials=1, objective="val_accuracy") -> Tuner:
    """A tuner by keras-tuner's own random search, without a seed, as its users write it."""
    oracle = keras_tuner.oracles.RandomSearchOracle(keras_tuner.Objective(objective, "max"), trials)
    return Tuner(oracle, network, space, directory=folder, project_name="search")


@pytest.fixture(scope="module")
def begun(bars, tmp_path_factory):
    folder = tmp_path_factory.mktemp("theirs")
    theirs(folder, space=SearchSpace.of(learning_rate=Choice(0.1, 0.2))).search(bars.take(300))
    return folder


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"network": zoo.get_spec("mlp30").with_settings(epochs=2)}, "another network: network is"),
        ({"space": SearchSpace.of(learning_rate=Choice(0.1, 0.2, 0.3))}, "another space"),
        ({"objective": "accuracy"}, "another strategy: name is \"val_accuracy\" there"),
        ({"few": 200}, "another data"),
    ],
)  # fmt: skip
def test_a_folder_of_another_search_by_keras_tuners_oracles_is_refused(
    begun, bars, tmp_path, change, said
):
    shutil.copytree(begun / "search", tmp_path / "search")
    change = {"space": SearchSpace.of(learning_rate=Choice(0.1, 0.2)), **change}
    data = bars.take(change.pop("few", 300))
    with pytest.raises(RunError, match=said):
        theirs(tmp_path, **change).search(data)


def test_a_search_by_keras_tuners_oracles_goes_on_and_another_oracle_is_refused(begun, bars):
    space = SearchSpace.of(learning_rate=Choice(0.1, 0.2))
    tuner = theirs(begun, space=space, trials=2)
    tuner.search(bars.take(300))
    assert len(tuner.oracle.trials) == 2
    grid = StrategyOracle(Grid(space))
    with pytest.raises(RunError, match='kind is "RandomSearchOracle" there and "Grid" here'):
        Tuner(grid, SPEC, space, directory=begun, project_name="search").search(bars.take(300))
    with pytest.raises(RunError, match=r"search by keras-tuner's RandomSearchOracle.*oracle\.json"):
        read_record(begun / "search")


def test_an_oracles_settings_are_those_that_it_was_made_with():
    def settings(kind, **given):
        return oracle_settings(kind("val_accuracy", **given))

    kinds = keras_tuner.oracles
    assert settings(kinds.RandomSearchOracle, seed=1) == settings(kinds.RandomSearchOracle, seed=2)
    one, other = (settings(kinds.BayesianOptimizationOracle, beta=beta) for beta in (1.0, 2.6))
    assert (one["oracle"]["beta"], other["oracle"]["beta"]) == (1.0, 2.6)
    bands = [settings(kinds.HyperbandOracle, max_epochs=epochs) for epochs in (2, 9)]
    assert [band["oracle"]["max_epochs"] for band in bands] == [2, 9]
    assert one["oracle"]["objective"] == {"name": "val_accuracy", "direction": "max"}
