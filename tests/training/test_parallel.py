"""Work shared among processes: every call is made, and errors come through."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.paths import ROOT
from zoo.training import parallel
from zoo.utils.atomic import atomic_write


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_call_is_made_and_numbered(jobs):
    assert dict(parallel.results(pow, [(2, 3), (3, 2), (5, 1)], jobs)) == {0: 8, 1: 9, 2: 5}


def test_one_job_stays_in_this_process_and_more_do_not():
    assert dict(parallel.results(os.getpid, [()], 1)) == {0: os.getpid()}
    assert dict(parallel.results(os.getpid, [()], 2)) != {0: os.getpid()}


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_comes_through(jobs):
    with pytest.raises(ZeroDivisionError):
        list(parallel.results(divmod, [(1, 0), (1, 1)], jobs))


def test_a_killed_process_takes_its_workers_along(tmp_path):
    program = (
        "import sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from tests.training.test_parallel import note_and_sleep\n"
        "from zoo.training import parallel\n"
        "if __name__ == '__main__':\n"
        "    list(parallel.results(note_and_sleep, [(sys.argv[2], n) for n in range(2)], 2))\n"
    )
    script = tmp_path / "program.py"
    script.write_text(program)
    parent = subprocess.Popen(
        [sys.executable, script, ROOT, tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        workers = [int(_waited_for(lambda n=n: _text(tmp_path / f"{n}"))) for n in range(2)]
    finally:
        parent.kill()
        parent.wait()
    assert _waited_for(lambda: not any(map(_is_alive, workers)))


def test_a_script_without_a_main_guard_is_told_so_once(tmp_path):
    script = tmp_path / "unguarded.py"
    script.write_text(
        "from zoo.training import parallel\nlist(parallel.results(pow, [(2, 3)], 2))\n"
    )
    done = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    last = done.stderr.splitlines()[-1]
    assert last.startswith("zoo.errors.RunError: a process has died: a script that works with")
    assert "if __name__ == '__main__':" in last
    assert done.stderr.count("Traceback") == 1
    assert len(done.stderr.splitlines()) < 20


def note_and_sleep(folder, number):
    """Tell which process this is, and be busy for longer than any test."""
    with atomic_write(Path(folder) / f"{number}") as temporary:
        temporary.write_text(str(os.getpid()))
    time.sleep(600)


def _text(path):
    return path.read_text() if path.exists() else ""


def _is_alive(pid):
    # A process that ended and that nobody waits for is a zombie, and counts as ended.
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _waited_for(look, seconds=120):
    end = time.monotonic() + seconds
    while not (seen := look()) and time.monotonic() < end:
        time.sleep(0.05)
    return seen
