"""Files appear whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.paths import ROOT
from zoo.utils.atomic import atomic_directory, atomic_write, remove_stale_temporaries


def test_a_file_is_replaced_only_when_all_went_well(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    with atomic_write(path) as temporary:
        temporary.write_text("old")
        assert temporary.suffix == ".txt"
        assert not path.exists()
    assert path.read_text() == "old"


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt])
def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path, interruption):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def fail():
        with atomic_write(path) as temporary:
            temporary.write_text("half")
            raise interruption

    with pytest.raises(interruption):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_appears_whole(tmp_path):
    with atomic_directory(tmp_path / "data") as temporary:
        (temporary / "a").write_text("1")
        assert not (tmp_path / "data").exists()
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["a"]


def test_whoever_comes_second_finds_the_first_ones_folder(tmp_path):
    with atomic_directory(tmp_path / "data") as ours:
        (ours / "a").write_text("ours")
        with atomic_directory(tmp_path / "data") as theirs:
            (theirs / "a").write_text("theirs")
    assert (tmp_path / "data" / "a").read_text() == "theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_failed_folder_leaves_nothing(tmp_path):
    def fail():
        with atomic_directory(tmp_path / "data") as temporary:
            (temporary / "a").write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert not list(tmp_path.iterdir())


KILLED = """
import os, signal, sys
from zoo.utils.atomic import atomic_directory, atomic_write
place = sys.argv[1]
with atomic_write(place + "/run.json") as file, atomic_directory(place + "/1") as folder:
    file.write_text("{")
    (folder / "model").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""

WAITING = """
import sys
from zoo.utils.atomic import atomic_write
with atomic_write(sys.argv[1] + "/spec.json") as file:
    file.write_text("{}")
    print("writing", flush=True)
    sys.stdin.readline()
"""


def test_sweeping_takes_what_a_kill_left_and_nothing_else(tmp_path):
    kept = {".hidden", ".notes-2024.txt", "run.json", ".git-ab12"}
    for name in kept:
        (tmp_path / name).touch()
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == len(kept) + 2
    remove_stale_temporaries(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == kept
    remove_stale_temporaries(tmp_path / "nowhere")


def test_sweeping_spares_what_a_living_process_writes(tmp_path):
    command = [sys.executable, "-c", WAITING, str(tmp_path)]
    with (
        subprocess.Popen(
            command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as writer,
        atomic_directory(tmp_path / "1") as mine,
    ):
        assert writer.stdout.readline() == "writing\n"
        remove_stale_temporaries(tmp_path)
        assert mine.is_dir()
        writer.communicate("go on\n", timeout=60)
    assert writer.returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {"1", "spec.json"}


def test_sweeping_takes_a_later_process_of_the_same_number_for_another(tmp_path):
    with atomic_write(tmp_path / "run.json") as mine:
        mine.touch()
        parts = mine.name.split("-")
        parts[3] = str(int(parts[3]) - 1)
        earlier = tmp_path / "-".join(parts)
        earlier.touch()
        remove_stale_temporaries(tmp_path)
        assert mine.exists()
        assert not earlier.exists()


@pytest.mark.parametrize("writer", ["00000000-12-34-", ""])
def test_what_nobody_here_can_ask_for_is_kept_for_a_day(tmp_path, writer):
    left = tmp_path / f".run-{writer}{'ab' * 16}.json"
    left.touch()
    remove_stale_temporaries(tmp_path)
    assert left.exists()
    day_before = time.time() - 90_000
    os.utime(left, (day_before, day_before))
    remove_stale_temporaries(tmp_path)
    assert not left.exists()


def test_a_long_name_has_a_temporary_all_the_same(tmp_path):
    path = tmp_path / ("n" * 240 + ".txt")
    with atomic_write(path) as temporary:
        temporary.touch()
    assert path.exists()


def test_whoever_writes_a_file_anew_takes_away_what_a_kill_left_of_it(tmp_path):
    assert subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT).returncode < 0
    with atomic_write(tmp_path / "run.json") as temporary:
        temporary.write_text("{}")
    with atomic_directory(tmp_path / "1"):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"1", "run.json"}
