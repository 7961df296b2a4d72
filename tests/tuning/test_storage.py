"""A search in PostgreSQL: nodes with folders of their own, one killed, the database restarted."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import zoo
from tests import children
from tuning import Choice, LogUniform, SearchSpace
from tuning.cli import main
from tuning.outcome import show
from tuning.report.record import read_record
from tuning.search import Search
from tuning.store import connections
from tuning.store.database import DatabaseStore, check_url
from tuning.store.studies import copy_events
from tuning.store.trials import Budget
from tuning.strategies.grid import Grid
from tuning.strategies.random import Random
from tuning.trial import Trial, TrialResult
from tuning.warm_start import warm_strategy
from zoo.errors import RunError, SpecError

BINARIES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
SPACE = SearchSpace.of(learning_rate=Choice(0.1, 0.2, 0.3), batch_size=Choice(10, 20))
SPEC = zoo.get_spec("linear").with_settings(epochs=3)

NODE = """
import sys, time
from dataclasses import replace
from pathlib import Path
import keras
from tests.conftest import _bars
from tests.tuning.test_storage import searched
from tuning import execution
from tuning.store import connections
from zoo.data import Data

connections.BEAT, connections.GRACE = 1, 4
project, url, delay = sys.argv[1:]
training_job = execution.training_job

def slowly(*args, callbacks, **options):
    slow = keras.callbacks.LambdaCallback(on_epoch_end=lambda *told: time.sleep(float(delay)))
    return training_job(*args, callbacks=[slow, *callbacks], **options)

execution.training_job = slowly
data = Data("bars", _bars(200, 0), _bars(200, 1), _bars(200, 2))
searched(Path(project), url).work(data)
"""


class Server:
    """A PostgreSQL of this test's own, on 127.0.0.1."""

    def __init__(self, folder: Path):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = folder / "data"
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        if os.geteuid() == 0:  # PostgreSQL does not run as root
            shutil.chown(folder, "postgres", "postgres")
        self._run("initdb", "-A", "trust", "-U", "postgres", "-N", "-E", "UTF8")
        self.start()

    def start(self) -> None:
        options = (
            f"-p {self.port} -h 127.0.0.1 -k {self.folder.parent} -c fsync=off "
            "-c shared_buffers=16MB"
        )
        self._run("pg_ctl", "-w", "-o", options, "-l", str(self.folder.parent / "log"), "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def _run(self, name: str, *arguments: str) -> None:
        command = [str(BINARIES / name), "-D", str(self.folder), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    pytest.importorskip("optuna")
    pytest.importorskip("psycopg")
    if BINARIES is None:
        pytest.skip("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp())
    started = Server(folder)
    try:
        yield started
    finally:
        connections.disconnect()
        with contextlib.suppress(subprocess.CalledProcessError):
            started.stop()
        shutil.rmtree(folder)


def searched(project: Path, url: str) -> Search:
    return Search(project, SPEC, SPACE, Grid(SPACE), storage=check_url(url))


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def store(server, name, patience=30.0) -> DatabaseStore:
    return DatabaseStore(Path("nowhere"), SPACE, check_url(server.url), name, patience)


def test_trials_begin_once_and_end_once(server):
    first, second = store(server, "once"), store(server, "once")
    with first.claim(Grid(SPACE)) as mine, second.claim(Grid(SPACE)) as theirs:
        assert isinstance(mine, Trial)
        assert isinstance(theirs, Trial)
        assert (mine.number, theirs.number) == (0, 1)
        first.end(0, TrialResult(0.5))
        second.end(0, TrialResult(0.7))
        second.end(1, TrialResult(0.6))
    assert [trial.score for trial in first.trials()] == [0.5, 0.6]
    assert [trial.values for trial in first.trials()] == SPACE.grid(5)[:2]


def test_a_process_that_died_before_its_first_sign_of_life_blocks_nothing(server, monkeypatch):
    record = store(server, "unborn", patience=1)
    storage, _ = record.connection()

    def dies(trial):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(storage, "record_heartbeat", dies)
        with pytest.raises(KeyboardInterrupt), record.claim(Grid(SPACE)):
            pass
    assert len(record.trials()) == 1
    with record.claim(Grid(SPACE)) as trial:
        assert trial.number == 0


def test_a_finished_search_keeps_a_copy_for_reports(server, tmp_path, capsys, bars):
    found = searched(tmp_path / "finished", server.url)
    found.open(bars.take(100))
    for score in (0.5, 0.75):
        with found.store.claim(found.strategy) as trial:
            found.store.end(trial.number, TrialResult(score))
    show(found)
    assert "best: trial 1, 75.00%" in capsys.readouterr().out
    assert [trial.score for trial in read_record(found.project).ended] == [0.5, 0.75]


def test_optuna_reads_the_study(server):
    import optuna

    record = store(server, "read")
    with record.claim(Grid(SPACE)) as trial:
        record.end(trial.number, TrialResult(0.25))
    study = optuna.load_study(study_name="read", storage=record.connection()[0])
    assert study.best_value == 0.25
    assert study.best_trial.user_attrs["learning_rate"] == 0.1


def scored(found: Search, *scores: float) -> None:
    """Trials of a search that end with these scores."""
    for score in scores:
        with found.store.claim(found.strategy) as trial:
            found.store.end(trial.number, TrialResult(score))


def test_a_search_in_a_folder_is_not_overwritten_by_a_study(server, tmp_path, bars):
    """Nor a search in a study by trials in one of its folders, in either order."""
    few, local = bars.take(100), Search(tmp_path / "local", SPEC, SPACE, Grid(SPACE))
    local.open(few)
    scored(local, 0.5, 0.25)
    before = local.journal.path.read_bytes()
    remote = replace(local, storage=check_url(server.url))
    with pytest.raises(RunError, match="holds 4 events that the study 'local' in the database"):
        remote.open(few)
    assert local.journal.path.read_bytes() == before
    local.open(few)
    assert [trial.score for trial in local.trials()] == [0.5, 0.25]

    node = searched(tmp_path / "node", server.url)
    node.open(few)
    scored(node, 0.5)
    copy_events(node.store)
    scored(node, 0.75)
    node.open(few)
    copy_events(node.store)  # which the first copy is no prefix of: its beginnings come first
    assert [trial.score for trial in read_record(node.project).ended] == [0.5, 0.75]
    with pytest.raises(RunError, match="in the study 'node' of a database: search with --storage"):
        replace(node, storage="").open(few)
    node.project.rename(tmp_path / "renamed")
    with pytest.raises(RunError, match="name it 'node' again, or choose another folder"):
        replace(node, project=tmp_path / "renamed").open(few)


def test_a_report_says_where_the_trials_of_a_study_are(server, tmp_path, bars):
    node = searched(tmp_path / "node", server.url)
    node.open(bars.take(100))
    scored(node, 0.5)
    with pytest.raises(RunError, match="are in the study 'node' of a database: a copy comes"):
        read_record(node.project)


def test_another_database_is_named_as_such(server, tmp_path, bars, monkeypatch):
    few, node = bars.take(100), searched(tmp_path / "node", server.url)
    node.open(few)
    scored(node, 0.5)
    copy_events(node.store)
    monkeypatch.setattr(DatabaseStore, "events", lambda store: [])
    with pytest.raises(RunError, match="that this database lacks: name the database that holds"):
        node.open(few)


def test_a_copy_of_a_study_replaces_no_trials_that_it_lacks(server, tmp_path, bars):
    """As of a folder of an earlier version, whose search.json does not say where trials are."""
    few, node = bars.take(100), searched(tmp_path / "older", server.url)
    node.open(few)
    scored(node, 0.5)
    copy_events(node.store)
    local = replace(node, storage="")
    (node.project / "search.json").unlink()
    local.open(few)
    scored(local, 0.75, 0.25)
    before = local.journal.path.read_bytes()
    for step in (lambda: copy_events(node.store), lambda: node.open(few)):
        with pytest.raises(RunError, match="holds 4 events that the study 'older'"):
            step()
    assert local.journal.path.read_bytes() == before
    identity = json.loads((node.project / "search.json").read_text())
    assert "study" not in identity, "older versions read it"


def test_a_folder_of_another_search_begins_no_study(server, tmp_path, bars):
    few, local = bars.take(100), Search(tmp_path / "vain", SPEC, SPACE, Grid(SPACE))
    local.open(few)
    other = replace(local, strategy=Random(SPACE), storage=check_url(server.url))
    with pytest.raises(RunError, match="holds a search with another strategy"):
        other.open(few)
    assert other.store.known_identity() == {}


def test_a_study_has_the_name_of_its_folder_however_it_is_given(server, tmp_path, monkeypatch):
    (tmp_path / "mine" / "inner").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "mine")
    names = [searched(Path(given), server.url).study for given in (".", "inner/..", "inner")]
    assert names == ["mine", "mine", "inner"]
    assert replace(searched(Path(), server.url), storage="").study == ""
    with pytest.raises(SpecError, match="has no name for a study"):
        searched(Path("/"), server.url)


def test_a_study_of_other_tools_is_refused_and_stays_as_it_is(server, tmp_path, bars):
    import optuna

    few, storage = bars.take(100), store(server, "any").connection()[0]
    theirs = optuna.create_study(study_name="theirs", storage=storage, direction="maximize")
    theirs.add_trial(optuna.trial.create_trial(value=0.5))
    optuna.create_study(study_name="empty", storage=storage, direction="minimize")
    for name in ("theirs", "empty"):
        with pytest.raises(RunError, match=f"the study '{name}' in the database is none of a sea"):
            searched(tmp_path / name, server.url).open(few)
        assert optuna.load_study(study_name=name, storage=storage).user_attrs == {}
        assert not (tmp_path / name / "search.json").exists()

    ours = searched(tmp_path / "ours", server.url)
    ours.open(few)
    scored(ours, 0.5)
    optuna.load_study(study_name="ours", storage=storage).enqueue_trial({})
    with pytest.raises(RunError, match="trial 1 of the study 'ours' in the database is none"):
        ours.trials()


def test_a_trial_that_optuna_has_ended_counts_as_failed(server, tmp_path, bars):
    import optuna

    few, found = bars.take(100), searched(tmp_path / "told", server.url)
    found.open(few)
    study = optuna.load_study(study_name="told", storage=found.store.connection()[0])
    with found.store.claim(found.strategy) as trial:
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        found.store.end(trial.number, TrialResult(0.75))  # too late, and no error
    scored(found, 0.5)
    assert [trial.score for trial in found.trials()] == [0, 0.5]
    assert "outside this search, as FAIL" in found.trials()[0].error
    assert found.best().number == 1
    copy_events(found.store)
    assert [trial.failed for trial in read_record(found.project).ended] == [True, False]


def test_no_process_runs_a_trial_twice_after_an_outage(server):
    """Its own signs of life were missing, too: what it holds it must not take for left behind."""
    import sqlalchemy

    record = store(server, "outage")
    with record.claim(Grid(SPACE)) as first:
        with record.connection()[0].engine.begin() as connection:
            late = "UPDATE trial_heartbeats SET heartbeat = heartbeat - interval '30 seconds'"
            connection.execute(sqlalchemy.text(late))
        with record.claim_batch(first, Grid(SPACE), Budget(), 3) as batch:
            assert [trial.number for trial in batch] == [0, 1, 2]
        with pytest.raises(BlockingIOError), record.hold(0):
            pass
    with record.hold(3), record.hold(4):
        pass


def test_a_node_that_joins_later_begins_where_the_search_began(server, tmp_path, bars):
    few, url = bars.take(100), check_url(server.url)
    source = Search(tmp_path / "source", SPEC, SPACE, Grid(SPACE))
    source.open(few)
    scored(source, 0.5)

    def node(folder: Path) -> Search:
        strategy = warm_strategy(Random(SPACE, 4), source.project, folder, SPEC, print, url)
        found = Search(folder, SPEC, SPACE, strategy, storage=url)
        found.open(few)
        return found

    first = node(tmp_path / "one" / "warm")
    scored(source, 0.75)
    assert node(tmp_path / "two" / "warm").strategy.start == first.strategy.start
    assert len(first.strategy.start) == 1


@pytest.mark.slow
def test_two_nodes_one_killed_and_the_database_restarted(server, tmp_path):
    """Every trial ends once, whoever was killed; each node has runs of its own."""
    folders = [tmp_path / name / "search" for name in ("one", "two")]
    nodes = [
        children.Child(["-c", NODE, folder, server.url, 0.5], env=dict(os.environ),
                       stderr=children.PIPE)
        for folder in folders
    ]  # fmt: skip
    record = searched(tmp_path / "watch" / "search", server.url)
    try:
        until(lambda: all(any(each.glob("trials/*/seed0/history.csv")) for each in folders))
        nodes[0].send_signal(signal.SIGKILL)
        nodes[0].wait()
        until(lambda: any(trial.result for trial in record.trials()))
        server.stop()
        time.sleep(1)
        server.start()
        assert nodes[1].wait(timeout=180) == 0
    finally:
        for node in nodes:
            node.kill()
            node.communicate()
    trials = record.trials()
    assert [trial.values for trial in trials] == SPACE.grid(5)
    assert all(trial.result and len(trial.executions) == 1 for trial in trials)
    events = record.journal.read()
    for kind in ("started", "ended"):
        assert sorted(e["trial"] for e in events if e["event"] == kind) == list(range(6))
    folder = folders[1]
    copy_events(searched(folder, server.url).store)
    assert len(read_record(folder).ended) == 6, "a report reads the copy"


def test_a_study_of_another_search_is_refused(server, tmp_path, bars):
    few = bars.take(100)
    searched(tmp_path / "a" / "same", server.url).open(few)
    searched(tmp_path / "b" / "same", server.url).open(few)
    space = SearchSpace.of(learning_rate=Choice(0.1, 0.5))
    other = Search(tmp_path / "c" / "same", SPEC, space, Grid(space),
                   storage=check_url(server.url))  # fmt: skip
    with pytest.raises(RunError, match="the study 'same' in the database holds a search with"):
        other.open(few)


def test_a_study_goes_on_over_a_wider_space(server, tmp_path, bars):
    few, url = bars.take(100), check_url(server.url)
    narrow, wide = (
        Search(tmp_path / str(high) / "wider", SPEC, space, Random(space), storage=url)
        for high in (0.5, 1.0)
        for space in [SearchSpace.of(learning_rate=LogUniform(0.1, high))]
    )
    narrow.open(few)
    wide.open(few)
    wide.open(few)
    again = replace(narrow, project=tmp_path / "again" / "wider")
    with pytest.raises(RunError, match="holds a search with another space"):
        again.open(few)


def test_a_database_that_is_away_is_told(server):
    record = store(server, "away", patience=1)
    record.trials()
    server.stop()
    try:
        with pytest.raises(RunError, match=r"has not answered for 1 s .*the same command goes on"):
            record.trials()
    finally:
        server.start()
    assert record.trials() == []


@pytest.mark.parametrize("url", ["sqlite:///a.db", "postgresql://", "nonsense", "mysql://a/b"])
def test_an_address_that_is_none(url, capsys):
    with pytest.raises(SpecError, match="takes the address of a PostgreSQL database"):
        check_url(url)
    assert main(["random", "linear", "--storage", url]) == 2
    assert "tensorflow" not in sys.modules or "PostgreSQL" in capsys.readouterr().err


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RunError, match=r"optuna, psycopg are not installed: .*\[storage\]"):
        check_url("postgresql://a/b")
