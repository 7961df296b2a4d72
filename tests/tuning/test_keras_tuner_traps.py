"""What keras-tuner does that our code works around: a test that fails here marks a trap as gone.

Then the workaround may go, too.
"""

from __future__ import annotations

import math
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import keras
import keras_tuner
import pytest
from keras_tuner.engine.trial import Trial
from keras_tuner.oracles import BayesianOptimizationOracle, GridSearchOracle, RandomSearchOracle
from keras_tuner.src import utils
from keras_tuner.src.distribute import oracle_chief, oracle_client
from keras_tuner.src.engine import oracle as engine
from keras_tuner.src.engine import tuner_utils

SCORE = keras_tuner.Objective("score", "max")


def space(*values) -> keras_tuner.HyperParameters:
    hp = keras_tuner.HyperParameters()
    hp.Choice("l2", list(values))
    return hp


def placed(oracle, folder) -> keras_tuner.Oracle:
    oracle._set_project_dir(folder, "project")
    oracle.verbose = 0
    return oracle


def end(oracle, trial, score: float, status="COMPLETED") -> None:
    oracle.update_trial(trial.trial_id, {"score": score})
    trial.status = status
    oracle.end_trial(trial)


class Tiny(keras_tuner.HyperModel):
    def build(self, hp):
        hp.Choice("l2", [0, 1, 2, 3, 4])
        return keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])

    def fit(self, hp, model, **options):
        return 0.5


def test_without_tensorboard_every_trial_fails(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.plugins.hparams", None)
    oracle = RandomSearchOracle(SCORE, max_trials=5, seed=1)
    tuner = keras_tuner.Tuner(oracle, Tiny(), directory=tmp_path)
    with pytest.raises(RuntimeError, match="consecutive failures"):
        tuner.search(verbose=0)


def test_a_grid_search_does_not_go_on(tmp_path):
    first = placed(GridSearchOracle(SCORE, hyperparameters=space(1, 2, 3)), tmp_path)
    end(first, first.create_trial("tuner0"), 0.5)
    first.save()
    second = placed(GridSearchOracle(SCORE, hyperparameters=space(1, 2, 3)), tmp_path)
    second.reload()
    assert second.create_trial("tuner0").status == "STOPPED", "of three points, one was tried"


@pytest.mark.filterwarnings("ignore:All-NaN axis")
def test_three_diverging_trials_abort_the_search(tmp_path):
    oracle = placed(RandomSearchOracle(SCORE, hyperparameters=space(*range(9)), seed=1), tmp_path)
    for _ in range(2):
        end(oracle, oracle.create_trial("tuner0"), math.nan)
    with pytest.raises(RuntimeError, match="consecutive failures"):
        end(oracle, oracle.create_trial("tuner0"), math.nan)


def test_a_seed_of_0_is_none():
    assert RandomSearchOracle(SCORE, seed=0).seed != 0


def test_of_several_executions_the_mean_alone_is_kept():
    assert tuner_utils.convert_to_metrics_dict([0.25, 0.75], SCORE) == {"score": 0.5}


def test_a_project_of_another_space_is_taken_for_this_one(tmp_path):
    first = placed(RandomSearchOracle(SCORE, hyperparameters=space(1, 2), seed=1), tmp_path)
    end(first, first.create_trial("tuner0"), 0.5)
    first.save()
    second = placed(RandomSearchOracle(SCORE, hyperparameters=space(3, 4), seed=1), tmp_path)
    second.reload()
    assert second.get_space().get_config()["space"][0]["config"]["values"] == [1, 2]


def test_a_random_search_ends_before_a_small_space_is_exhausted(tmp_path):
    oracle = RandomSearchOracle(SCORE, 100, hyperparameters=space(*range(100)), seed=1)
    placed(oracle, tmp_path)
    count = 0
    while (trial := oracle.create_trial("tuner0")).status == "RUNNING":
        oracle.ongoing_trials.clear()
        count += 1
    assert trial.status == "STOPPED"
    assert count < 100


def test_an_error_leaves_the_lock_held(tmp_path):
    oracle = placed(RandomSearchOracle(SCORE, hyperparameters=space(1)), tmp_path)
    with pytest.raises(KeyError):
        oracle.update_trial("no such trial", {"score": 0.5})
    assert engine.LOCKS[oracle].locked()


def test_a_chief_waits_for_a_worker_that_died(tmp_path):
    oracle = placed(RandomSearchOracle(SCORE, hyperparameters=space(1, 2), seed=1), tmp_path)
    oracle.create_trial("a worker that dies now")
    end(oracle, oracle.create_trial("tuner0"), 0.5)
    assert not oracle_chief.exit_chief(oracle)


def test_a_worker_waits_an_hour_for_a_chief():
    assert oracle_client.TIMEOUT == 60 * 60


def test_a_tuner_that_is_to_wait_asks_without_a_pause(tmp_path, monkeypatch):
    class Idle(keras_tuner.Oracle):
        asked = 0

        def create_trial(self, tuner_id):
            self.asked += 1
            return Trial(self.get_space(), "", "STOPPED" if self.asked == 50 else "IDLE")

    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    keras_tuner.engine.base_tuner.BaseTuner(Idle(SCORE), directory=tmp_path).search()
    assert slept == []


def test_what_went_wrong_at_a_worker_is_not_sent():
    trial = Trial(keras_tuner.HyperParameters(), "0", "FAILED", message="why")
    assert Trial.from_proto(trial.to_proto()).message is None


def test_a_worker_cannot_ask_how_many_trials_remain(monkeypatch):
    for name, value in (("TUNER_ID", "a"), ("ORACLE_IP", "127.0.0.1"), ("ORACLE_PORT", "1")):
        monkeypatch.setenv(f"KERASTUNER_{name}", value)
    with pytest.raises(AttributeError):
        oracle_client.OracleClient(RandomSearchOracle(SCORE)).remaining_trials()


def test_two_servers_share_one_port():
    """gRPC's doing: keras-tuner's chief does not ask it otherwise."""
    first, second = (grpc.server(ThreadPoolExecutor(1)) for _ in range(2))
    port = first.add_insecure_port("127.0.0.1:0")
    assert second.add_insecure_port(f"127.0.0.1:{port}") == port
    for server in (first, second):
        server.stop(None)


def test_state_is_written_in_place(tmp_path):
    path = tmp_path / "oracle.json"
    utils.save_json(str(path), {"trials": 1})
    before = path.stat().st_ino
    utils.save_json(str(path), {"trials": 2})
    assert path.stat().st_ino == before, "a file that is renamed into place is another file"


def test_a_range_without_steps_has_ten_points_in_a_grid():
    hp = keras_tuner.HyperParameters()
    hp.Float("learning_rate", 0.0, 1.0)
    assert len(hp.space[0].values) == 10


def test_the_bayesian_oracle_forgets_its_generator():
    state = BayesianOptimizationOracle(SCORE, hyperparameters=space(1, 2), seed=1).get_state()
    assert not [name for name in state if "random" in name]
