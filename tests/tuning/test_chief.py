"""A search across machines: a chief and workers on 127.0.0.1, killed as machines are."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import zoo
from tests import children
from tuning import Choice, SearchSpace
from tuning.cli import main
from tuning.kerastuner import supervision
from tuning.kerastuner.chief import (
    VARIABLES,
    ChiefGone,
    Endpoint,
    TrialSuperseded,
    await_chief,
    endpoint,
    serve,
)
from tuning.kerastuner.oracle import StrategyOracle
from tuning.kerastuner.outcome import RESULT
from tuning.kerastuner.tuner import SEARCH, Tuner, search_across
from tuning.search import Search
from tuning.store.trials import ENDLESS, Budget, TrialStore
from tuning.strategies.grid import Grid
from zoo.errors import RunError, SpecError

SPEC = zoo.get_spec("linear").with_settings(epochs=4)
SPACE = SearchSpace.of(learning_rate=Choice(0.1, 1e30), batch_size=Choice(10, 50))

# `delay` makes every epoch last, so that a kill meets a trial under way.
PROCESS = """
import sys, time
from pathlib import Path
import keras
from tests.conftest import _bars
from tests.tuning.test_chief import searched
from tuning.kerastuner import tuner
from zoo.data import Data
from zoo.errors import ZooError

project, delay, silence = sys.argv[1:]
run = tuner.run

def slowly(*args, callbacks, **options):
    slow = keras.callbacks.LambdaCallback(on_epoch_end=lambda *epoch: time.sleep(float(delay)))
    return run(*args, callbacks=lambda seed: [slow, *callbacks(seed)], **options)

tuner.run = slowly
data = Data("bars", _bars(300, 0), _bars(300, 1), _bars(300, 2))
try:
    found = searched(Path(project))
    tuner.search_across(found, data, heartbeat_timeout=float(silence), say=print)
except ZooError as error:
    sys.exit(str(error))
"""


def searched(project: Path, seed: int = 0) -> Search:
    spec = SPEC.with_settings(cost="quadratic")
    return Search(project, spec, SPACE, Grid(SPACE), executions=2, seed=seed)


@contextlib.contextmanager
def processes() -> Iterator[Callable[..., children.Child]]:
    started: list[children.Child] = []

    def start(name: str, port: int, project: Path, delay=0.0, heartbeat_timeout=60):
        variables = dict(zip(VARIABLES, (name, "127.0.0.1", str(port)), strict=True))
        command = ["-c", PROCESS, project, delay, heartbeat_timeout]
        environment = {**os.environ, **variables}
        started.append(children.Child(command, env=environment, stderr=children.PIPE))
        return started[-1]

    try:
        yield start
    finally:
        for process in started:
            process.kill()
            process.communicate()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def events(project: Path, kind: str) -> list[dict]:
    return [event for event in TrialStore(project).journal.read() if event["event"] == kind]


@pytest.mark.parametrize(
    ("count", "chief_too"),
    [
        pytest.param(1, False, id="nobody", marks=pytest.mark.integration),
        pytest.param(3, False, id="worker", marks=pytest.mark.integration),
        pytest.param(3, True, id="chief", marks=pytest.mark.integration),
    ],
)
def test_a_chief_and_its_workers_of_which_some_are_killed(tmp_path, count, chief_too):
    """Of three workers one, and then the chief: in the middle of trials, of which half diverge."""
    project, port = tmp_path / "search", free_port()
    with processes() as start:
        chief = start("chief", port, project, heartbeat_timeout=10)
        workers = [start(f"tuner{number}", port, project, delay=0.3) for number in range(count)]
        until(lambda: any(project.glob("trials/*/seed0/history.csv")))
        if count > 1:
            workers.pop(0).send_signal(signal.SIGKILL)
        if chief_too:
            until(lambda: events(project, "ended"))
            chief.send_signal(signal.SIGKILL)
            chief.wait()
            chief = start("chief", port, project, heartbeat_timeout=10)
        errors = [process.communicate(timeout=600)[1] for process in (chief, *workers)]
        ends = [process.returncode for process in (chief, *workers)]
    assert set(ends) == {0}, errors
    assert sorted(event["trial"] for event in events(project, "ended")) == list(range(4))
    trials = searched(project).trials()
    assert [trial.values for trial in trials] == SPACE.grid(5)
    for trial in trials:
        executions = trial.executions
        assert [each.seed for each in executions] == [0, 1]
        diverges = trial.values["learning_rate"] > 1
        assert [each.diverged for each in executions] == [diverges] * 2
        assert [each.epochs for each in executions] == [1 if diverges else 4] * 2
        assert (trial.score == 0) is diverges


# --- a chief in a thread, a worker in the test ----------------------------------------------------


@contextlib.contextmanager
def chief_of(
    found: Search, data, timeout=60.0, budget=ENDLESS
) -> Iterator[tuple[StrategyOracle, int, Callable]]:
    """A chief, its port, and a way to make it go."""
    oracle = StrategyOracle(found.strategy, budget=budget)
    port, stop = free_port(), threading.Event()
    oracle._set_project_dir(found.project.parent, found.project.name)
    identity = dataclasses.replace(found.identity(), data=data.fingerprint)
    oracle.search_values = {SEARCH: json.dumps(identity.to_plain())}
    found.open(data)

    def watch():
        if stop.is_set():
            raise KeyboardInterrupt

    def work():
        with contextlib.suppress(KeyboardInterrupt):
            serve(oracle, Endpoint("chief", "127.0.0.1", port), timeout, watch)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield oracle, port, stop.set
    finally:
        stop.set()
        thread.join()


def set_place(monkeypatch, name: str, port: int) -> None:
    for variable, value in zip(VARIABLES, (name, "127.0.0.1", str(port)), strict=True):
        monkeypatch.setenv(variable, value)


def test_a_worker_of_another_search_is_refused(bars, tmp_path, monkeypatch):
    with chief_of(searched(tmp_path / "search"), bars) as (_, port, _):
        set_place(monkeypatch, "tuner0", port)
        other = searched(tmp_path / "elsewhere", seed=5)
        with pytest.raises(RunError, match=r"with another seed: seed is 0 there and 5 here\."):
            search_across(other, bars)
        with pytest.raises(RunError, match="with another data"):
            search_across(searched(tmp_path / "elsewhere"), bars.take(100))


def test_a_worker_that_starts_with_a_chief_whose_search_is_over_ends_well(
    bars, tmp_path, monkeypatch
):
    found = searched(tmp_path / "search")
    with chief_of(found, bars, budget=Budget(trials=0)) as (_, port, _):
        time.sleep(0.5)  # a chief that did not wait would be gone
        set_place(monkeypatch, "tuner0", port)
        search_across(found, bars, heartbeat_timeout=5)
    assert found.trials() == []


@pytest.mark.integration
def test_a_worker_whose_chief_is_gone_says_so_and_its_run_can_go_on(bars, tmp_path, monkeypatch):
    found, few = searched(tmp_path / "search"), bars.take(200)
    with chief_of(found, few) as (oracle, port, stop):
        set_place(monkeypatch, "tuner0", port)
        worker = Tuner(StrategyOracle(found.strategy), found.spec, SPACE, executions=2,
                       directory=tmp_path, project_name="search", heartbeat_timeout=8)  # fmt: skip
        trial = worker.oracle.create_trial("tuner0")
        assert oracle.ongoing_trials["tuner0"].trial_id == trial.trial_id
        with worker.oracle.alive(trial.trial_id) as check:
            check()
            stop()
            with pytest.raises(
                TrialSuperseded, match=f"no chief has answered at 127.0.0.1:{port} for 8 s"
            ):
                until(lambda: check() or False)
    with found.store.claim(found.strategy) as again:
        assert again.number == 0, "the trial is there for whoever asks next"


def oracle_in(folder: Path, budget: Budget = ENDLESS) -> StrategyOracle:
    oracle = StrategyOracle(Grid(SPACE), budget=budget)
    oracle._set_project_dir(folder, "search")
    oracle.verbose = 0
    return oracle


def test_a_worker_that_was_thought_dead_ends_its_trial_once(bars, tmp_path):
    """Its trial went to another, and has the result that came first."""
    oracle = oracle_in(tmp_path)
    first = oracle.create_trial("tuner0")
    assert oracle.expire_workers(60) == []
    assert oracle.expire_workers(0) == ["0000"]
    second = oracle.create_trial("tuner1")
    assert first.trial_id == second.trial_id
    for trial, score in ((first, 0.5), (second, 0.7)):
        trial.hyperparameters.values[RESULT] = json.dumps(
            {"score": score, "executions": [], "seconds": 1}
        )
        oracle.end_trial(trial)
    (event,) = events(tmp_path / "search", "ended")
    assert event["result"]["score"] == 0.5
    assert oracle.create_trial("tuner1").trial_id == "0001"


def killed_and_back(oracle: StrategyOracle, tmp_path: Path) -> StrategyOracle:
    """What a chief that is started anew knows after the one of this oracle was killed."""
    oracle.let_go()
    again = oracle_in(tmp_path, oracle.budget)
    again.resume_orphans()
    return again


def test_an_answer_that_a_killed_chief_owes_comes_from_the_next(tmp_path):
    """A worker repeats what was not answered; the dead chief may have written it down already."""
    oracle = oracle_in(tmp_path)
    trial = oracle.create_trial("tuner0")
    trial.hyperparameters.values[RESULT] = json.dumps(
        {"score": 0.5, "executions": [], "seconds": 1}
    )
    oracle.end_trial(trial)
    for _ in range(2):
        oracle = killed_and_back(oracle, tmp_path)
        oracle.update_trial(trial.trial_id, {"val_accuracy": 0.7})
        oracle.end_trial(trial)
        assert oracle.get_trial(trial.trial_id).status == "COMPLETED"
    (event,) = events(tmp_path / "search", "ended")
    assert event["result"]["score"] == 0.5
    with pytest.raises(RunError, match="there is no trial 0007 in this search"):
        oracle.update_trial("0007", {"val_accuracy": 0.7})
    with pytest.raises(RunError, match="there is no trial 0007 in this search"):
        oracle.get_trial("0007")


def test_a_worker_of_a_killed_chief_hears_the_end_from_the_next(tmp_path, monkeypatch):
    """The next chief does not know whose trial it is that ends, and must not go before it asks."""
    oracle = oracle_in(tmp_path, Budget(trials=1))
    trial = oracle.create_trial("tuner0")
    chief = killed_and_back(oracle, tmp_path)
    trial.hyperparameters.values[RESULT] = json.dumps(
        {"score": 0.5, "executions": [], "seconds": 1}
    )
    chief.end_trial(trial)
    assert not chief.is_over()
    assert chief.create_trial("tuner0").status == "STOPPED"
    monkeypatch.setattr(supervision, "LINGER", 0)
    assert chief.is_over()


def test_a_chief_ends_where_too_many_trials_in_a_row_failed(tmp_path):
    oracle = oracle_in(tmp_path)
    oracle.max_consecutive_failed_trials = 1
    trial = oracle.create_trial("tuner0")
    trial.status, trial.message = "INVALID", "no such device"
    with pytest.raises(RuntimeError, match="consecutive failures"):
        oracle.end_trial(trial)
    with pytest.raises(RuntimeError, match=r"limit of 1\.\nno such device"):
        serve(oracle, Endpoint("chief", "127.0.0.1", free_port()))


def test_two_workers_of_one_name(tmp_path):
    oracle = oracle_in(tmp_path)
    trial = oracle.create_trial("tuner0")
    assert oracle.create_trial("tuner0") is trial, "it was killed, and is back"
    oracle.get_trial(trial.trial_id)
    with pytest.raises(RunError, match="another worker calls itself 'tuner0'"):
        oracle.create_trial("tuner0")


@pytest.mark.parametrize("expected", ["{", "3", '{"score": NaN, "seconds": 1, "executions": []}'])
def test_a_result_that_is_none_is_not_kept(tmp_path, expected):
    oracle = oracle_in(tmp_path)
    trial = oracle.create_trial("tuner0")
    trial.hyperparameters.values[RESULT] = expected
    with pytest.raises(RunError, match="a worker's result is damaged"):
        oracle.end_trial(trial)
    assert events(tmp_path / "search", "ended") == []


# --- what is said at once -------------------------------------------------------------------------


def test_a_worker_without_a_chief_says_so_in_seconds(monkeypatch, capsys):
    port = free_port()
    with pytest.raises(ChiefGone, match=rf"no chief has answered at 127.0.0.1:{port} for 0.1 s"):
        await_chief(Endpoint("tuner0", "127.0.0.1", port), heartbeat_timeout=0.1)
    set_place(monkeypatch, "tuner0", port)
    assert main(["random", "linear", "--silence", "0.1s"]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("tuning: no chief has answered")
    assert printed.count("\n") == 1


def test_a_port_that_is_taken():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(RunError, match=rf"nobody can listen at 127.0.0.1:{port}: the port is"):
            serve(StrategyOracle(Grid(SPACE)), Endpoint("chief", "127.0.0.1", port))


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"KERASTUNER_TUNER_ID": "chief"}, "needs KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT"),
        (
            {"KERASTUNER_ORACLE_IP": "127.0.0.1"},
            "needs KERASTUNER_TUNER_ID and KERASTUNER_ORACLE_P",
        ),
        (dict(zip(VARIABLES, ("a", "b", "70000"), strict=True)), "1 to 65535, not '70000'"),
        (dict(zip(VARIABLES, ("a", "b", "http"), strict=True)), "not 'http'"),
    ],
)
def test_a_place_that_is_none(environment, said):
    with pytest.raises(SpecError, match=said):
        endpoint(environment)


def test_places():
    assert endpoint({}) is None
    assert endpoint(dict(zip(VARIABLES, ("chief", "10.0.0.7", "8000"), strict=True))).is_chief
    assert not endpoint(dict(zip(VARIABLES, ("tuner0", "10.0.0.7", "8000"), strict=True))).is_chief


def test_many_workers_at_once_are_for_one_machine(monkeypatch, capsys):
    set_place(monkeypatch, "chief", 8000)
    assert main(["random", "linear", "--workers", "2"]) == 2
    assert "--workers is for one machine" in capsys.readouterr().err
