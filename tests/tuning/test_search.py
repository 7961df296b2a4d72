"""Searches: every point is tried once, whatever is killed in between."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import shutil
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import zoo
from tests import children
from tuning import Choice, Integer, LogUniform, SearchSpace, Uniform
from tuning.fidelity import FULL, Fidelity
from tuning.search import PAUSE, Search
from tuning.store.journal import Journal
from tuning.store.results import keep_best, keep_trials, table, to_csv
from tuning.strategies.grid import Grid
from tuning.strategies.random import Random
from tuning.trial import Trial, TrialResult
from tuning.workers import run
from zoo.cli.main import main
from zoo.errors import DataError, RunError, SpecError
from zoo.spec import ModelSpec

SPEC = zoo.get_spec("linear").with_settings(epochs=2)
SPACE = SearchSpace.of(learning_rate=Choice(0.001, 0.1), batch_size=Choice(10, 50))


@pytest.fixture
def few(bars):
    return bars.take(500)


def search(folder: Path, **changes) -> Search:
    record = {"project": folder / "search", "spec": SPEC, "space": SPACE, "strategy": Grid(SPACE)}
    return Search(**{**record, **changes})


# --- strategies -----------------------------------------------------------------------------------


def all_of(strategy):
    trials = []
    while (plan := strategy.suggest(trials)) is not None:
        trials.append(Trial(len(trials), plan.values))
    return [trial.values for trial in trials]


def test_a_grid_is_exhaustive():
    assert all_of(Grid(SPACE)) == SPACE.grid(5)
    assert Grid(SPACE).total == 4


def test_random_points_of_a_finite_space_come_once_each():
    space = SearchSpace.of(units=Integer(1, 30), l2=Choice(0, 1, 2))
    points = all_of(Random(space, trials=1000, seed=3))
    assert len(points) == Random(space, trials=1000).total == 90
    assert len({tuple(point.values()) for point in points}) == 90
    assert all_of(Random(space, 5, seed=3)) == points[:5] != all_of(Random(space, 5, seed=4))


def test_random_points_are_a_function_of_seed_and_number():
    space = SearchSpace.of(l2=LogUniform(0.1, 10))
    assert all_of(Random(space, 7, seed=1)) == all_of(Random(space, 7, seed=1))
    assert len({point["l2"] for point in all_of(Random(space, 50))}) == 50
    with pytest.raises(SpecError, match="takes one trial or more"):
        Random(space, 0)


# --- a search -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ended(bars, tmp_path_factory):
    """A grid of four points, each trained twice, and what was told of it."""
    lines = []
    found = search(tmp_path_factory.mktemp("ended"), executions=2)
    found.work(bars.take(500), tell=lines.append)
    return found, lines


@pytest.mark.integration
def test_every_execution_is_kept_and_the_score_is_their_mean(ended, few):
    found, lines = ended
    trials = found.trials()
    assert [trial.values for trial in trials] == SPACE.grid(5)
    assert lines == trials
    for trial in trials:
        executions = trial.executions
        assert [each.seed for each in executions] == [0, 1]
        best = [max(each.curve) for each in executions]
        assert trial.score == pytest.approx(np.mean(best), abs=1e-6)
    last = trials[-1]
    alone = zoo.train(SPEC.with_settings(**last.values), few, seed=1, progress=False)
    assert alone.history[-1]["val_accuracy"] == pytest.approx(last.executions[1].curve[-1])
    assert found.best().score == max(trial.score for trial in trials)


def test_a_search_that_is_over_is_only_read(ended, few):
    found, _ = ended
    before = (found.project / "journal.jsonl").read_bytes()
    found.work(few, tell=pytest.fail)
    assert (found.project / "journal.jsonl").read_bytes() == before


def test_a_diverging_trial_is_a_finding_and_one_that_cannot_be_too(few, tmp_path):
    space = SearchSpace.of(learning_rate=Choice(1e30, 0.1), batch_size=Choice(10, 501))
    spec = SPEC.with_settings(partial_batch=False, cost="quadratic")
    found = search(tmp_path, spec=spec, space=space, strategy=Grid(space))
    found.work(few)
    scores = [trial.score for trial in found.trials()]
    assert found.trials()[0].executions[0].diverged
    assert scores[0] == 0 < scores[2]
    assert "do not fill one batch" in found.trials()[1].result.error
    assert found.best().number == 2
    text = table(found.trials())
    assert "diverged (1 of 1)" in text
    assert "do not fill one batch" in text


def test_the_table_ranks_among_those_that_saw_as_much_of_the_problem():
    def ended(number, score, fidelity):
        return Trial(number, {"l2": number}, TrialResult(score, seconds=1.0), fidelity)

    easy, fifth = Fidelity(images=1000, digits=(0, 1)), Fidelity(images=10_000)
    trials = [
        ended(0, 0.98, easy), ended(1, 0.99, easy), ended(2, 0.93, fifth), ended(3, 0.96, FULL),
        ended(4, 0.97, FULL),
    ]  # fmt: skip
    lines = table(trials).splitlines()[1:]
    assert [line.split()[0] for line in lines] == ["on", "4", "3", "on", "2", "on", "1", "0"]
    assert lines[0] == "on the full problem:"
    assert lines[3] == "on 10,000 images:"
    assert "two classes" in lines[5]
    assert "\non " not in table(trials[3:]), "all saw the same"


def test_when_all_diverge_there_is_no_best(few, tmp_path):
    space = SearchSpace.of(learning_rate=Choice(1e30))
    spec = SPEC.with_settings(cost="quadratic")
    found = search(tmp_path, spec=spec, space=space, strategy=Grid(space))
    found.work(few)
    with pytest.raises(RunError, match="all diverged"):
        found.best()


def test_a_budget_of_time_is_kept(few, tmp_path):
    found = search(tmp_path)
    found.work(few, seconds=1e-9)
    assert len(found.trials()) == 1, "what began before the budget was spent is ended"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"space": SearchSpace.of(l2=Choice(1, 2)), "strategy": Grid(SPACE, 3)}, "another space"),
        ({"strategy": Random(SPACE, 4)}, "another strategy"),
        ({"executions": 2}, "another executions"),
        ({"spec": SPEC.with_settings(epochs=3)}, "another spec"),
    ],
)
def test_a_folder_of_another_search_is_refused(few, tmp_path, change, said):
    search(tmp_path).open(few)
    with pytest.raises(RunError, match=said):
        search(tmp_path, **change).open(few)
    with pytest.raises(RunError, match="another data"):
        search(tmp_path).open(few.take(400))


def test_a_finite_space_grows_in_no_search_and_the_error_says_why(few, tmp_path):
    narrow, wide = SearchSpace.of(l2=Choice(0, 5)), SearchSpace.of(l2=Choice(0, 5, 10))
    search(tmp_path, space=narrow, strategy=Random(narrow, 2)).open(few)
    with pytest.raises(RunError, match="part of this space, which has 3 points in all"):
        search(tmp_path, space=wide, strategy=Random(wide, 3)).open(few)


@pytest.mark.integration
def test_a_search_goes_on_over_a_wider_space(few, tmp_path):
    narrow = SearchSpace.of(learning_rate=LogUniform(0.1, 0.5), batch_size=Choice(10))
    wide = SearchSpace.of(learning_rate=LogUniform(0.01, 5.0), batch_size=Choice(10, 50))
    search(tmp_path, space=narrow, strategy=Random(narrow, 2)).work(few)
    again = search(tmp_path, space=wide, strategy=Random(wide, 4))
    again.work(few)
    trials = again.trials()
    assert len(trials) == 4
    assert all(0.1 <= trial.values["learning_rate"] <= 0.5 for trial in trials[:2])
    assert [trial.values for trial in trials[2:]] == all_of(Random(wide, 4))[2:]
    with pytest.raises(RunError, match="another space"):
        search(tmp_path, space=narrow, strategy=Random(narrow, 5)).open(few)
    with pytest.raises(RunError, match="another"):
        search(tmp_path, space=wide, strategy=Grid(wide)).open(few)


@pytest.mark.parametrize(
    "other",
    [
        {"learning_rate": LogUniform(0.01, 5.0)},  # fewer settings
        {"learning_rate": Uniform(0.01, 5.0), "batch_size": Choice(10)},  # another kind
        {"learning_rate": LogUniform(0.2, 5.0), "batch_size": Choice(10)},  # narrower at one end
        {"learning_rate": LogUniform(0.1, 0.5), "batch_size": Choice(50)},  # another choice
    ],
)
def test_a_space_that_lacks_points_is_no_wider_one(other):
    narrow = SearchSpace.of(learning_rate=LogUniform(0.1, 0.5), batch_size=Choice(10))
    assert narrow.widens(narrow)
    assert not SearchSpace.of(**other).widens(narrow)
    finite = SearchSpace.of(l2=Choice(0, 5))
    assert not SearchSpace.of(l2=Choice(0, 5, 10)).widens(finite), "points might come twice"


def test_the_best_point_trains_from_its_file(ended, tmp_path, capsys):
    shutil.copytree(ended[0].project, tmp_path / "search")
    found = search(tmp_path, executions=2)
    path = keep_best(found, found.best())
    keep_trials(found)
    spec = ModelSpec.from_json(json.dumps(json.loads(path.read_text())["spec"]))
    assert spec.name == "linear.tuned"
    assert spec.recipe.learning_rate == found.best().values["learning_rate"]
    rows = (found.project / "trials.csv").read_text().splitlines()
    assert len(rows) == 1 + 4 * 2
    assert to_csv(found.trials()).splitlines() == rows
    (tmp_path / "none.json").write_text("{}")
    assert main(["train", "--from", str(tmp_path / "none.json")]) == 2
    assert "is no best.json of a search" in capsys.readouterr().err
    assert main(["train"]) == 2


# --- what is killed goes on -----------------------------------------------------------------------


def test_a_torn_last_line_does_not_count_and_is_cut_off(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    with journal.writing() as writer:
        writer.add({"event": "one"})
    with journal.path.open("ab") as file:
        file.write(b'{"event": "tw')
    assert journal.read() == [{"event": "one"}]
    with journal.writing() as writer:
        writer.add({"event": "three"})
    assert [event["event"] for event in journal.read()] == ["one", "three"]


def test_a_last_event_that_lacks_its_newline_alone_is_kept(tmp_path):
    """As an editor may leave it: read, kept by the next writer, and not joined with the next."""
    journal = Journal(tmp_path / "journal.jsonl")
    journal.path.write_text('{"event": "one"}\n{"event": "two"}')
    assert [event["event"] for event in journal.read()] == ["one", "two"]
    with journal.writing() as writer:
        assert [event["event"] for event in writer.events] == ["one", "two"]
    assert journal.path.read_text() == '{"event": "one"}\n{"event": "two"}\n'
    journal.path.write_text('{"event": "one"}\n{"event": "two"}')
    with journal.writing() as writer:
        writer.add({"event": "three"})
    assert [event["event"] for event in journal.read()] == ["one", "two", "three"]


@pytest.mark.parametrize("text", ['nonsense\n{"event": "tw', '{"event": "one"}\n3'])
def test_a_damaged_journal_stays_as_it_is(tmp_path, text):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.path.write_text(text)
    with pytest.raises(RunError, match="is damaged"), journal.writing():
        pass
    assert journal.path.read_text() == text


@pytest.mark.parametrize("line", ["nonsense", "3", "{}"])
def test_a_damaged_line_is_named(tmp_path, line):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.path.write_text(f'{{"event": "one"}}\n{line}\n{{"event": "two"}}\n')
    with pytest.raises(RunError, match=r"journal.jsonl, line 2 is damaged"):
        journal.read()


@pytest.fixture(scope="module")
def begun(bars, tmp_path_factory):
    """A search of which one trial has ended; no test changes it."""
    found = search(tmp_path_factory.mktemp("begun"))
    found.work(bars.take(500), most=1)
    return found


def _damage(found, change) -> None:
    """Change the lines of a journal."""
    lines = found.journal.path.read_text().splitlines(keepends=True)
    found.journal.path.write_text("".join(change(lines)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: lines[1:], "line 1 is damaged: trial 0 ends, and no line before begins it"),
        (lambda lines: lines[:1] + lines[2:3] * 2, "trial 1 begins, where trial 2 was expected"),
        (lambda lines: [lines[0].replace('"trial": 0', '"trial": "0"')], "trial: expected `int`"),
        (lambda lines: [lines[0].replace("learning_rate", "rate")], "values: expected learning"),
        (lambda lines: [lines[0].replace("started", "began")], "expected started or ended"),
        (lambda lines: [lines[0], lines[1].replace('"accuracy": ', '"accuracy": -')], "accuracy"),
        (lambda lines: [lines[0], lines[1].replace("curve", "curves")], "`curve`"),
        (lambda lines: [lines[0], lines[1].replace('"epochs": 2', '"epochs": 3')], "an entry an"),
        (lambda lines: [lines[0], "[" * 100_000 + "\n"], "line 2 is damaged: not JSON"),
        (lambda lines: [lines[0], '{"event": "ended", "trial": 1' + "0" * 5000 + "}\n"], "JSON"),
    ],
)
def test_a_damaged_journal_says_the_line_the_field_and_what_to_do(begun, tmp_path, change, said):
    """And what it says to do is true: then the journal is read to its end."""
    shutil.copytree(begun.project, tmp_path / "search")
    found = search(tmp_path)
    _damage(found, lambda lines: [*lines, lines[0].replace('"trial": 0', '"trial": 1')])
    _damage(found, change)
    with pytest.raises(RunError) as refused:
        found.trials()
    assert said in str(refused.value)
    while problem := _problem(found):  # deleting one line may bring another to light
        assert "\n" not in problem
        line = int(re.search(r"line (\d+)", problem)[1])
        alone = "delete this line, and" in problem
        assert alone or "delete this line and all lines after it" in problem
        _damage(found, lambda lines: lines[: line - 1] + (lines[line:] if alone else []))  # noqa: B023


def _problem(found) -> str:
    try:
        found.trials()
    except RunError as error:
        return str(error)
    return ""


def test_deleted_lines_run_again(few, tmp_path):
    found = search(tmp_path)
    found.work(few, most=2)
    before = found.trials()
    _damage(found, lambda lines: lines[:3])
    found.work(few, most=1)
    for mine, theirs in zip(found.trials(), before, strict=True):
        assert mine.executions[0].curve == theirs.executions[0].curve


WORKER = """
import sys
from pathlib import Path
import numpy as np
from tests.conftest import _bars
from tests.tuning.test_search import SPEC, search
from zoo.data import Data

data = Data("bars", _bars(500, 0), _bars(500, 1), _bars(500, 2))
spec = SPEC.with_settings(epochs=6)
search(Path(sys.argv[1]), spec=spec, executions=2).work(data)
"""


def _start(folder: Path) -> children.Child:
    return children.Child(["-c", WORKER, folder])


@pytest.mark.integration
@pytest.mark.parametrize("kills", [1, 3])
def test_whoever_is_killed_no_trial_is_lost_and_none_counts_twice(kills, tmp_path):
    """Two processes at a time; the older one is killed at random moments, again and again."""
    generator = np.random.default_rng()
    journal = Journal(tmp_path / "search" / "journal.jsonl")
    working = [_start(tmp_path), _start(tmp_path)]
    for _ in range(kills):
        events = len(journal.read())
        deadline = time.monotonic() + 60
        while len(journal.read()) == events and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(generator.uniform(0, 0.5))
        victim = working.pop(0)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        working.append(_start(tmp_path))
    assert [process.wait(timeout=120) for process in working] == [0, 0]
    ended = [event["trial"] for event in journal.read() if event["event"] == "ended"]
    assert sorted(ended) == [0, 1, 2, 3]
    from tests.conftest import _bars

    data = zoo.Data("bars", _bars(500, 0), _bars(500, 1), _bars(500, 2))
    trials = search(tmp_path, spec=SPEC.with_settings(epochs=6), executions=2).trials()
    assert [trial.values for trial in trials] == SPACE.grid(5)
    for trial in trials[: max(1, kills - 1)]:  # the first, at which processes were killed
        spec = SPEC.with_settings(epochs=6, **trial.values)
        for seed, execution in enumerate(trial.executions):
            unbroken = zoo.train(spec, data, seed=seed, progress=False)
            curve = [row["val_accuracy"] for row in unbroken.history]
            assert list(execution.curve) == pytest.approx(curve, abs=1e-6)


@pytest.mark.integration
def test_two_mains_share_a_search_and_both_end_with_the_whole_of_it(few, tmp_path):
    """Each has a worker of its own, and waits for the trials that the other's still runs."""
    found, ended = search(tmp_path), []

    def main() -> None:
        run(found, few, workers=1)
        ended.append([bool(trial.result) for trial in found.trials()])

    mains = [threading.Thread(target=main, daemon=True) for _ in range(2)]
    for each in mains:
        each.start()
    for each in mains:
        each.join(120)
    assert ended == [[True] * 4] * 2
    assert all(trial.score > 0.1 for trial in found.trials())
    events = [(event["event"], event["trial"]) for event in found.journal.read()]
    assert len(events) == len(set(events)) == 8


def test_a_watcher_sees_a_search_to_its_end(few, tmp_path):
    found, seen = search(tmp_path), []
    found.work(few)
    run(found, few, watch=lambda search: seen.append(len(search.trials())))
    assert seen == [4]


@pytest.mark.integration
def test_a_search_waits_for_what_other_processes_run(few, tmp_path):
    """A trial that is held elsewhere is not over: its holder may die, and another has to run it."""
    space = SearchSpace.of(learning_rate=Choice(0.001, 0.1))
    found = search(tmp_path, space=space, strategy=Grid(space))
    with found.store.claim(found.strategy) as held:
        other = threading.Thread(target=found.work, args=(few,), daemon=True)
        other.start()
        until(lambda: sum(bool(trial.result) for trial in found.trials()) == 1)
        other.join(2 * PAUSE)
        assert other.is_alive(), "one trial has not ended"
        assert held.number == 0
    other.join(60)
    assert [bool(trial.result) for trial in found.trials()] == [True] * 2


MAIN = """
import sys
from pathlib import Path
from tests.conftest import _bars
from tests.tuning.test_search import SPEC, search
from tuning.workers import run
from zoo.data import Data

if __name__ == "__main__":
    data = Data("bars", _bars(500, 0), _bars(500, 1), _bars(500, 2))
    run(search(Path(sys.argv[1]), spec=SPEC.with_settings(epochs=100)), data, workers=1)
"""


@pytest.mark.integration
def test_workers_end_with_a_main_that_is_killed(tmp_path):
    (tmp_path / "main.py").write_text(MAIN)
    main = children.Child([tmp_path / "main.py", tmp_path], stderr=children.PIPE)
    store = search(tmp_path, spec=SPEC.with_settings(epochs=100)).store
    until(store.trials)
    main.kill()
    _, said = main.communicate(timeout=120)  # the worker has stderr, too, and must close it
    assert said == "", "no traceback"
    number = len(store.trials()) - 1
    assert store.trials()[number].result is None
    with store.hold(number):
        pass  # nobody is at it any more


def test_what_no_process_can_take_is_refused_before_one_begins(few, tmp_path, monkeypatch):
    class Mine(Grid):
        """Of this function alone: another process could not import it."""

    monkeypatch.setattr("tuning.workers._Worker", lambda _: pytest.fail("a process begins"))
    with pytest.raises(RunError, match="at the top of a module"):
        run(search(tmp_path, strategy=Mine(SPACE)), few, workers=1)


@dataclass(frozen=True)
class Breaks(Grid):
    """A strategy that ends the work of its process: by an error of a kind, or by a signal."""

    how: str = ""
    count: str = ""

    def suggest(self, trials):
        """Nothing, where a search has its processes."""
        if multiprocessing.parent_process():
            with Path(self.count).open("a") as file:
                file.write("x")
            if self.how == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            raise ERRORS[self.how]
        return super().suggest(trials)


class Unportable(Exception):
    """An error that no pickle holds."""

    def __reduce__(self):
        """Nothing that could be written down."""
        raise TypeError("not me")


ERRORS = {
    "zoo": DataError("no such images"),
    "system": FileNotFoundError(2, "No such file or directory", "images.npz"),
    "other": ZeroDivisionError("a bug"),
    "unportable": Unportable("a bug"),
}


@pytest.mark.parametrize("how", ERRORS)
def test_an_error_of_the_work_ends_a_search_at_once(few, tmp_path, capfd, how):
    """The parent raises it, where only a process that was killed is replaced."""
    count = tmp_path / "count"
    strategy = Breaks(SPACE, how=how, count=str(count))
    kind = RunError if how == "unportable" else type(ERRORS[how])
    with pytest.raises(kind, match=r"no such images|images\.npz|a bug") as raised:
        run(search(tmp_path, strategy=strategy), few, workers=1)
    assert count.read_text() == "x", "no second process"
    assert capfd.readouterr().err == ""
    traced = "in suggest" in "".join(getattr(raised.value, "__notes__", []))
    assert traced == (how in ("other", "unportable"))


def test_a_process_that_is_killed_is_replaced_until_it_is_no_chance(few, tmp_path, monkeypatch):
    count = tmp_path / "count"
    strategy = Breaks(SPACE, how="killed", count=str(count))
    monkeypatch.setattr("tuning.workers.MOST_DEATHS", 2)
    with pytest.raises(RunError, match=r"2 workers died, the last with exit code -9: take fewer"):
        run(search(tmp_path, strategy=strategy), few, workers=1)
    assert count.read_text() == "xx"


def until(condition, seconds=60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)
