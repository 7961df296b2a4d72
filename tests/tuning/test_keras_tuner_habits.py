"""What keras-tuner's documentation promises, kept by our oracle and by our tuner."""

from __future__ import annotations

import gc

import keras
import keras_tuner
import numpy as np
import pytest

import zoo
from tuning import Choice, Integer, LogUniform, SearchSpace
from tuning.kerastuner.entries import GrowingStrategy, range_of, space_of
from tuning.kerastuner.oracle import StrategyOracle
from tuning.kerastuner.tuner import Tuner
from tuning.store.journal import Journal
from tuning.strategies.grid import Grid
from tuning.strategies.halving import Halving
from tuning.strategies.random import Random
from tuning.trial import Suggestion, Trial, TrialResult
from zoo.errors import SpecError

SPEC = zoo.get_spec("linear").with_settings(epochs=2, cost="quadratic", partial_batch=False)
RATES = SearchSpace.of(learning_rate=Choice(0.1, 0.2))


@pytest.fixture(scope="module")
def few(bars):
    return bars.take(200)


def placed(folder, strategy="random", **options) -> StrategyOracle:
    oracle = StrategyOracle(strategy, **options)
    oracle._set_project_dir(folder, "search")
    oracle.verbose = 0
    return oracle


def declared() -> keras_tuner.HyperParameters:
    hp = keras_tuner.HyperParameters()
    hp.Float("rate", 0.001, 1.0, sampling="log")
    return hp


def end(oracle, trial, score=None, status="COMPLETED", message=None):
    if score is not None:
        oracle.update_trial(trial.trial_id, {oracle.objective.name: score})
    trial.status, trial.message = status, message
    oracle.end_trial(trial)
    return oracle.get_trial(trial.trial_id)


class ByValue(keras_tuner.engine.base_tuner.BaseTuner):
    """A tuner without networks: the score is what `score` makes of the point."""

    def __init__(self, oracle, folder, score):
        super().__init__(oracle, directory=folder, project_name="search")
        self.score = score

    def run_trial(self, trial, **options):
        return self.score(trial.hyperparameters)


# --- failures, retries, abort ---------------------------------------------------------------------


def test_a_failed_trial_reads_failed_with_its_reason(tmp_path):
    oracle = placed(tmp_path, hyperparameters=declared())
    good = end(oracle, oracle.create_trial("a"), 0.5)
    bad = end(oracle, oracle.create_trial("a"), status="FAILED", message="trace\nno such network")
    assert (good.status, bad.status) == ("COMPLETED", "FAILED")
    assert bad.score is None
    assert [trial.status for trial in oracle.get_best_trials(2)] == ["COMPLETED", "FAILED"]
    again = placed(tmp_path, hyperparameters=declared())
    again.reload()
    assert again.trials["0001"].status == "FAILED"
    assert again.trials["0001"].message == "no such network"
    assert again.end_order == again.start_order == ["0000", "0001"]


def test_a_trial_that_is_invalid_is_run_again_while_it_has_retries(tmp_path):
    oracle = placed(tmp_path, hyperparameters=declared(), max_retries_per_trial=1)
    first = oracle.create_trial("a")
    assert end(oracle, first, float("nan")).status == "INVALID"
    again = oracle.create_trial("a")
    assert again.trial_id == first.trial_id
    assert oracle.create_trial("b").trial_id != first.trial_id
    assert end(oracle, again, status="INVALID").status == "FAILED"


def test_as_many_failures_in_a_row_as_are_allowed_end_the_search(tmp_path):
    def fails(hp):
        raise ValueError("no luck")

    oracle = StrategyOracle("random", hyperparameters=declared(), max_consecutive_failed_trials=2)
    with pytest.raises(RuntimeError, match="limit of 2"):
        ByValue(oracle, tmp_path, fails).search(verbose=0)
    assert [trial.status for trial in oracle.trials.values()] == ["FAILED", "FAILED"]


# --- objectives -----------------------------------------------------------------------------------


def test_what_is_to_be_small_is_made_small(tmp_path):
    """And a failed trial counts as the worst of them, not as the best."""
    oracle = StrategyOracle("tpe", "val_loss", hyperparameters=declared(), max_trials=12)
    ByValue(oracle, tmp_path, lambda hp: {"val_loss": abs(np.log(hp.get("rate") / 0.1))}).search(
        verbose=0
    )
    scores = [trial.score for trial in oracle.get_best_trials(12)]
    assert scores == sorted(scores)
    assert min(scores) >= 0
    assert oracle.trials["0000"].metrics.get_direction("val_loss") == "min"
    other = placed(tmp_path / "other", objective="val_loss", hyperparameters=declared())
    end(other, other.create_trial("a"), 3.0)
    end(other, other.create_trial("a"), status="FAILED")
    assert [trial.score for trial in other.store.trials()] == [-3.0, -1000.0]


def test_several_objectives_are_their_sum(tmp_path):
    """keras-tuner's rule: what is to be small, less what is to be large."""
    objective = [keras_tuner.Objective("acc", "max"), keras_tuner.Objective("ms", "min")]
    oracle = StrategyOracle("random", objective, hyperparameters=declared(), max_trials=2)

    def score(hp):
        logs = {"acc": 0.5, "ms": 2 * hp.get("rate")}
        return {**logs, "multi_objective": oracle.objective.get_value(logs)}

    ByValue(oracle, tmp_path, score).search(verbose=0)
    for trial in oracle.trials.values():
        assert trial.score == pytest.approx(2 * trial.hyperparameters["rate"] - 0.5)


# --- the space ------------------------------------------------------------------------------------


def test_entries_that_are_found_late_are_searched_from_then_on(tmp_path):
    def score(hp):
        return float(hp.Choice("a", [1, 2]) + hp.Choice("b", [10, 20]))

    oracle = StrategyOracle("grid", keras_tuner.Objective("score", "max"))
    ByValue(oracle, tmp_path, lambda hp: {"score": score(hp)}).search(verbose=0)
    points = {(t.hyperparameters["a"], t.hyperparameters["b"]) for t in oracle.trials.values()}
    assert points == {(1, 10), (1, 20), (2, 10), (2, 20)}
    assert len(oracle.trials) == 4
    again = placed(tmp_path, "grid", objective=keras_tuner.Objective("score", "max"))
    assert again.create_trial("tuner0").status == "STOPPED", "nothing is forgotten or run twice"


def test_a_setting_whose_condition_does_not_hold_makes_no_point_of_its_own(tmp_path):
    def score(hp):
        deep = hp.Boolean("deep")
        with hp.conditional_scope("deep", [True]):
            if deep:
                hp.Choice("layers", [2, 3])
        return 0.5

    oracle = StrategyOracle("grid", None)
    ByValue(oracle, tmp_path, score).search(verbose=0)
    values = [trial.hyperparameters.values for trial in oracle.trials.values()]
    assert sorted(values, key=str) == sorted(
        [{"deep": False}, {"deep": True, "layers": 2}, {"deep": True, "layers": 3}], key=str
    )


def test_new_entries_are_refused_or_left_at_their_defaults_if_asked(tmp_path):
    def score(hp):
        return hp.Float("late", 0.0, 9.0, default=7.0)

    closed = StrategyOracle("random", None, hyperparameters=declared(), allow_new_entries=False)
    with pytest.raises(RuntimeError, match="`allow_new_entries` is `False`"):
        ByValue(closed, tmp_path / "a", score).search(verbose=0)
    fixed = StrategyOracle(
        "random", None, hyperparameters=declared(), tune_new_entries=False, max_trials=2
    )
    ByValue(fixed, tmp_path / "b", score).search(verbose=0)
    assert [trial.score for trial in fixed.trials.values()] == [7.0, 7.0]
    for option in ("allow_new_entries", "tune_new_entries"):
        with pytest.raises(ValueError, match=f"{option}=False"):
            StrategyOracle("random", **{option: False})


def test_entries_of_keras_tuner_as_ranges():
    hp = keras_tuner.HyperParameters()
    hp.Int("a", 1, 5)
    hp.Int("b", 2, 8, step=3)
    hp.Int("c", 1, 64, sampling="log")
    hp.Float("d", 0.0, 1.0, step=0.5)
    hp.Float("e", 0.1, 10.0, sampling="log")
    hp.Boolean("f")
    hp.Fixed("g", "adam")
    hp.Int("h", 3, 3)
    ranges = dict(space_of(hp).ranges)
    assert ranges["a"] == Integer(1, 5)
    assert ranges["b"] == Choice(2, 5, 8)
    assert {1, 64} < set(ranges["c"].values) < set(range(1, 65))
    assert ranges["d"] == Choice(0.0, 0.5, 1.0)
    assert ranges["e"] == LogUniform(0.1, 10.0)
    assert ranges["f"] == Choice(False, True)
    assert ranges["g"] == Choice("adam")
    assert range_of(hp.space[-1]) == Choice(3)


# --- oracles in one process, and of one's own -----------------------------------------------------


def test_a_second_oracle_of_the_process_gets_the_running_trial(tmp_path):
    """A cell of a notebook that was interrupted, and is run again while the first oracle lives."""
    first = placed(tmp_path, hyperparameters=declared())
    running = first.create_trial("tuner0")
    second = placed(tmp_path, hyperparameters=declared())
    assert second.create_trial("tuner0").trial_id == running.trial_id
    assert second.start_order == [running.trial_id]
    assert second.create_trial("tuner1").trial_id != running.trial_id
    del first, second
    gc.collect()


def test_an_oracle_of_ones_own_populates_the_space(tmp_path):
    class Mine(StrategyOracle):
        def populate_space(self, trial_id):
            if trial_id == "0002":
                return {"status": "STOPPED"}
            answer = super().populate_space(trial_id)
            return {**answer, "values": {**answer["values"], "rate": int(trial_id) + 1}}

    oracle = Mine("random", None, hyperparameters=declared())
    ByValue(oracle, tmp_path, lambda hp: float(hp.get("rate"))).search(verbose=0)
    assert [trial.score for trial in oracle.trials.values()] == [1.0, 2.0]


def test_the_trials_that_remain(tmp_path):
    oracle = placed(tmp_path, hyperparameters=declared(), max_trials=3)
    assert oracle.remaining_trials() == 3
    end(oracle, oracle.create_trial("a"), 0.5)
    assert oracle.remaining_trials() == 2


# --- our tuner ------------------------------------------------------------------------------------


def tuned(folder, strategy, space=RATES, **options) -> Tuner:
    oracle = StrategyOracle(strategy, **options.pop("oracle", {}))
    return Tuner(oracle, SPEC, space, directory=folder, project_name="search", **options)


class Counted(keras.callbacks.Callback):
    began: list[int] = []  # noqa: RUF012, its copies share it

    def on_train_begin(self, logs=None):
        self.began.append(id(self))


def test_search_takes_arrays_epochs_and_callbacks_as_keras_tuners_does(few, tmp_path, capsys):
    Counted.began.clear()
    tuner = tuned(tmp_path, "grid", executions_per_trial=2)
    tuner.search(
        x=few.train.images,
        y=few.train.labels[:, None],
        validation_data=(few.validation.images, few.validation.labels),
        epochs=1,
        callbacks=[Counted()],
    )
    assert len(tuner.oracle.trials) == 2
    assert len(Counted.began) == 4, "two trials of two executions"
    trials = tuner.problem.trials()
    assert [each.epochs for trial in trials for each in trial.executions] == [1] * 4
    alone = zoo.train(SPEC.with_settings(**trials[0].values, epochs=1), few, progress=False)
    assert trials[0].executions[0].accuracy == pytest.approx(alone.history[0]["val_accuracy"])
    tuner.results_summary()
    shown = capsys.readouterr().out
    assert "learning_rate: 0.2" in shown
    assert "zoo/" not in shown
    assert "{" not in shown
    best = tuner.get_best_hyperparameters()[0]
    assert set(best.values) == {"learning_rate"}
    assert tuner.hypermodel.build(best).count_params() == 7850
    tuned(tmp_path, "grid", executions_per_trial=2, overwrite=True)
    assert not Journal(tmp_path / "search" / "journal.jsonl").read()


def test_a_share_of_the_images_validates(few, tmp_path):
    tuner = tuned(tmp_path, Random(RATES), oracle={"max_trials": 1})
    images, labels = few.train.images, few.train.labels
    tuner.search(images, labels, validation_split=0.25, epochs=1, verbose=0)
    first, last = (zoo.data.Split(images[s], labels[s]) for s in (slice(150), slice(150, None)))
    data = zoo.data.Data("own", first, last, last)
    (trial,) = tuner.problem.trials()
    alone = zoo.train(SPEC.with_settings(**trial.values, epochs=1), data, progress=False)
    assert trial.score == pytest.approx(alone.history[0]["val_accuracy"])


def test_a_point_that_cannot_be_trained_is_failed(few, tmp_path):
    space = SearchSpace.of(batch_size=Choice(1000, 10))
    tuner = tuned(tmp_path, Grid(space), space)
    tuner.search(few, epochs=1, verbose=0)
    assert [trial.status for trial in tuner.oracle.trials.values()] == ["FAILED", "COMPLETED"]
    assert "do not fill one batch" in tuner.oracle.trials["0000"].message
    strict = tuned(tmp_path / "b", Grid(space), space, oracle={"max_consecutive_failed_trials": 1})
    with pytest.raises(RuntimeError, match="limit of 1"):
        strict.search(few, epochs=1, verbose=0)


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        ("arrays", {}, "give validation_data"),
        ("floats", {}, r"images as bytes of shape \(28, 28, 1\)"),
        ("data", {"class_weight": {}}, "class_weight is no option here"),
        ("data", {"batch_size": 5}, "batch_size is in the search space"),
        ("arrays", {"validation_split": 2}, "between 0 and 1, not 2"),
    ],
)
def test_what_a_search_does_not_take(few, tmp_path, given, options, said):
    images, labels = few.train.images, few.train.labels
    what = {"arrays": (images, labels), "floats": (images / 255, labels), "data": (few,)}[given]
    space = SearchSpace.of(batch_size=Choice(5, 10))
    with pytest.raises(SpecError, match=said):
        tuned(tmp_path, Grid(space), space).search(*what, **options)
    assert not (tmp_path / "search" / "journal.jsonl").exists()


@pytest.mark.integration
def test_a_hypermodel_of_ones_own_around_build(few, tmp_path):
    """Under keras-tuner's own tuner: what it fits, keeps and gives back is the zoo's network."""

    class Mine(keras_tuner.HyperModel):
        def build(self, hp):
            model = zoo.build("linear")
            model.optimizer.learning_rate = hp.Float("rate", 0.05, 0.5, sampling="log")
            return model

        def fit(self, hp, model, *args, **options):
            return model.fit(*args, batch_size=hp.Choice("batch", [10, 20]), **options)

    tuner = keras_tuner.Tuner(
        StrategyOracle("random", max_trials=2), Mine(), executions_per_trial=1,
        directory=tmp_path, project_name="search",
    )  # fmt: skip
    validation = (few.validation.images, few.validation.labels)
    tuner.search(few.train.images, few.train.labels, validation_data=validation, epochs=1,
                 verbose=0)  # fmt: skip
    best = tuner.oracle.get_best_trials()[0]
    assert set(tuner.oracle.get_space().values) == {"rate", "batch"}
    score = tuner.get_best_models()[0].evaluate(*validation, verbose=0, return_dict=True)
    assert score["accuracy"] == pytest.approx(best.score, abs=1e-6)


def either(hp):
    """Six models: kind a with n from 1 to 5, and kind b."""
    kind = hp.Choice("kind", ["a", "b"])
    with hp.conditional_scope("kind", ["a"]):
        return (kind, hp.Int("n", 1, 5)) if kind == "a" else (kind,)


@pytest.mark.parametrize("strategy", ["random", "tpe", "grid"])
def test_what_is_not_in_use_makes_no_other_model(tmp_path, strategy):
    hp, models = keras_tuner.HyperParameters(), []
    either(hp)
    oracle = placed(tmp_path, strategy, max_trials=30, hyperparameters=hp)
    while (trial := oracle.create_trial("a")).status != "STOPPED":
        models.append(either(trial.hyperparameters))
        end(oracle, trial, 0.5)
    assert sorted(models) == [*(("a", n) for n in range(1, 6)), ("b",)]


def test_a_point_that_goes_up_to_a_larger_problem_is_not_replaced():
    hp = keras_tuner.HyperParameters()
    hp.Choice("rate", [0.1, 0.2, 0.3])
    strategy = GrowingStrategy(space_of(hp), lambda space: Halving(space, 9, 3), hp)
    trials: list[Trial] = []
    while isinstance(plan := strategy.suggest(trials), Suggestion):
        score = TrialResult(plan.values["rate"])
        trials.append(Trial(len(trials), plan.values, score, plan.fidelity))
    assert sorted(trial.values["rate"] for trial in trials[:3]) == [0.1, 0.2, 0.3]
    assert [trial.values["rate"] for trial in trials[3:]] == [0.3, 0.3], "the best goes up"
