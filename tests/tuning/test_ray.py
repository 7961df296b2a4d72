"""A search on a Ray cluster: two nodes with homes of their own, one killed; and what is refused."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import zoo
from tests.paths import ROOT
from tuning import Choice, SearchSpace, ray_cluster
from tuning.cli import main
from tuning.search import Search
from tuning.strategies.base import WAIT
from tuning.strategies.grid import Grid
from tuning.trial import Trial
from zoo.errors import RunError

SPACE = SearchSpace.of(learning_rate=Choice(0.1, 0.2, 0.3), batch_size=Choice(10, 20))
SPEC = zoo.get_spec("linear").with_settings(epochs=30)
ray = pytest.mark.skipif(
    not importlib.util.find_spec("ray"),
    reason="Ray is missing: pip install 'neural-zoo[ray]'",
)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextlib.contextmanager
def node(home: Path, host: str, *options: str) -> Iterator[subprocess.Popen]:
    """A node of a cluster with one core and a home of its own; all of it ends with it."""
    home.mkdir(parents=True)
    command = "from ray.scripts.scripts import main; main()"
    started = subprocess.Popen(
        [sys.executable, "-c", command, "start", "--block", "--num-cpus=1", "--disable-usage-stats",
         f"--node-ip-address={host}", "--object-store-memory=100000000", *options],
        # Ray's workers are nice by default, and would wait for whatever else the machine does.
        env={**os.environ, "HOME": str(home), "PYTHONPATH": str(ROOT), "RAY_worker_niceness": "0"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            started.wait(timeout=30)
        started.kill()
        started.wait()


def until(met: Callable[[], bool], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.2)


@ray
@pytest.mark.slow
def test_two_nodes_and_one_of_them_killed(bars, tmp_path):
    """Every trial ends once, whoever was killed, and scores what it scores here."""
    few = bars.take(200)
    found = Search(tmp_path / "search", SPEC, SPACE, Grid(SPACE))
    errors: list[BaseException] = []

    def search() -> None:
        try:
            ray_cluster.run(found, few, address)
        except BaseException as error:  # told by the test, not by the thread
            errors.append(error)

    address = f"127.0.0.2:{free_port()}"
    with (
        # A socket's path may have no more than some hundred characters.
        tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as short,
        node(
            tmp_path / "one", "127.0.0.2", "--head", f"--port={address.partition(':')[2]}",
            f"--ray-client-server-port={free_port()}", f"--temp-dir={short}",
            "--include-dashboard=false",
        ),
        node(tmp_path / "two", "127.0.0.3", f"--address={address}") as second,
    ):  # fmt: skip
        until(lambda: _alive(address) == 2)
        thread = threading.Thread(target=search)
        thread.start()
        until(lambda: errors or any(trial.result for trial in found.trials()))
        second.kill()
        thread.join(timeout=240)
    assert not thread.is_alive()
    assert errors == []
    trials = found.trials()
    assert [trial.values for trial in trials] == SPACE.grid(5)
    events = found.journal.read()
    for kind in ("started", "ended"):
        assert sorted(e["trial"] for e in events if e["event"] == kind) == list(range(6))
    (execution,) = trials[0].executions
    alone = zoo.train(SPEC.with_settings(**trials[0].values), few, progress=False)
    assert execution.curve[-1] == pytest.approx(alone.history[-1]["val_accuracy"], abs=0.02)
    ray_cluster.run(found, few, "no cluster is asked")


def _alive(address: str) -> int:
    """How many nodes a cluster has; 0 while it does not answer."""
    program = (
        f"import ray; ray.init(address={address!r}, log_to_driver=False, logging_level='error');"
        "print(sum(node['Alive'] for node in ray.nodes()))"
    )
    asked = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    return int(asked.stdout or 0)


@ray
def test_a_cluster_that_is_not_there_is_told(bars, tmp_path, monkeypatch):
    import ray

    def init(**options):
        raise ConnectionError("Could not find any running Ray instance.\nmore lines")

    monkeypatch.setattr(ray, "init", init)
    found = Search(tmp_path / "search", SPEC, SPACE, Grid(SPACE))
    with pytest.raises(RunError, match=r"no Ray cluster at auto \(Could not find .*`ray start"):
        ray_cluster.run(found, bars.take(100), "auto")


def test_a_task_trains_a_trial_in_a_folder_that_goes(bars):
    """What Ray runs on a node, here without Ray."""
    values = {"learning_rate": 0.1, "batch_size": 10}
    spec = SPEC.with_settings(epochs=2)
    plain = ray_cluster.train_trial(Trial(3, values), spec, bars.take(100), [0])
    assert [execution["epochs"] for execution in plain["executions"]] == [2]
    assert plain["score"] > 0
    broken = ray_cluster.train_trial(Trial(4, {**values, "batch_size": 0}), spec, bars, [0])
    assert "batch_size" in broken["error"]


def test_what_does_not_go_together(capsys, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "ray" else find(name)
    )
    assert main(["random", "linear", "--ray", "auto"]) == 1
    assert "ray is not installed: pip install 'neural-zoo[ray]'" in capsys.readouterr().err
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    assert main(["random", "linear", "--ray", "auto", "--workers", "2"]) == 2
    assert "with --ray, the cluster's cores count" in capsys.readouterr().err
    asked = ["random", "linear", "--ray", "auto", "--storage", "postgresql://a/b"]
    assert main(asked) == 2
    assert "ways across machines: choose one" in capsys.readouterr().err


def test_a_search_that_waits_keeps_nothing_of_its_looks(monkeypatch):
    class Cluster:
        """One core, and nothing on it."""

        def remote(self, **settings):
            return lambda function: function

        def cluster_resources(self):
            return {"CPU": 1}

    looks = []

    class Store:
        @contextlib.contextmanager
        def claim(self, strategy, budget):
            looks.append("taken")
            yield WAIT
            looks.append("let go")

    found = types.SimpleNamespace(store=Store(), strategy=None)
    with contextlib.ExitStack() as everything:
        for _ in range(3):
            assert ray_cluster._begin(found, None, Cluster(), None, {}, everything)
            assert looks[-1] == "let go"
