"""Files appear whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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
    # As other programs call theirs, and as earlier versions of this one did.
    kept |= {f".run-{'ab' * 16}.json", f".backup-{'ab' * 16}", f".b-00000000-12-34-{'ab' * 16}"}
    day_before = time.time() - 90_000
    for name in kept:
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (day_before, day_before))
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
        assert parts[3] == str(os.getpid())
        parts[4] = str(int(parts[4]) - 1)
        earlier = tmp_path / "-".join(parts)
        earlier.touch()
        remove_stale_temporaries(tmp_path)
        assert mine.exists()
        assert not earlier.exists()


def test_what_nobody_here_can_ask_for_is_kept_for_a_day(tmp_path):
    left = tmp_path / f".run-zoo-00000000-12-34-{'ab' * 16}.json"
    left.touch()
    remove_stale_temporaries(tmp_path)
    assert left.exists()
    day_before = time.time() - 90_000
    os.utime(left, (day_before, day_before))
    remove_stale_temporaries(tmp_path)
    assert not left.exists()


LONG = {
    "one byte a letter": "n" * 240 + ".txt",
    "three": "\u56fe" * 70 + ".png",
    "four": "\U0001f408" * 60 + ".png",
    "ending": "a." + "b" * 250,
    "ending, three": "a." + "\u56fe" * 80,
    "no UTF-8": "bad\udcff" * 40 + ".png",
}


@pytest.mark.parametrize("kind", LONG)
@pytest.mark.parametrize("write", [atomic_write, atomic_directory])
def test_a_long_name_has_a_temporary_all_the_same(tmp_path, kind, write):
    path = tmp_path / LONG[kind]
    for _ in range(2):
        with write(path) as temporary:
            assert len(os.fsencode(temporary.name)) <= 255
            if write is atomic_write:
                temporary.touch()
    assert [*tmp_path.iterdir()] == [path]


def test_a_cut_name_is_swept_too(tmp_path):
    path = tmp_path / ("\u56fe" * 70 + ".png")
    with atomic_write(path) as temporary:
        temporary.touch()
        left = temporary.name.replace(f"-{os.getpid()}-", "-999999999-")
        (tmp_path / left).touch()
    remove_stale_temporaries(tmp_path, path.stem)
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("there", [True, False])
def test_a_link_to_a_file_stays_a_link(tmp_path, there):
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "document.txt", tmp_path / "link.md"
    if there:
        target.write_text("old")
    link.symlink_to("real/document.txt")
    (tmp_path / "link to a link.md").symlink_to("link.md")
    with atomic_write(tmp_path / "link to a link.md") as temporary:
        assert temporary.suffix == ".md"
        temporary.write_text("new")
    assert (target.read_text(), str(link.readlink())) == ("new", "real/document.txt")
    assert {path.name for path in tmp_path.rglob("*")} == {
        *("real", "document.txt", "link.md", "link to a link.md"),
    }


def test_links_in_a_circle_are_no_file(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="links"), atomic_write(tmp_path / "a"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_symlink()) == ["a", "b"]


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("mode", [0o600, 0o664, 0o755])
def test_a_file_keeps_its_permissions(tmp_path, mode):
    path = tmp_path / "table.md"
    path.write_text("old")
    path.chmod(mode)
    if owned := os.getuid() == 0:
        os.chown(path, 23456, 23457)
    with atomic_write(path) as temporary:
        temporary.write_text("new")
    there = path.stat()
    assert (path.read_text(), there.st_mode & 0o777) == ("new", mode)
    assert not owned or (there.st_uid, there.st_gid) == (23456, 23457)


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="root can be another user")
def test_what_another_user_left_in_a_folder_for_all_stops_nobody():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o1777)
        left = folder / f".run-zoo-00000000-12-34-{'ab' * 16}.json"
        left.touch()
        os.utime(left, (0, 0))
        os.seteuid(23456)
        try:
            with atomic_write(folder / "run.json") as temporary:
                temporary.write_text("{}")
        finally:
            os.seteuid(0)
        assert {path.name for path in folder.iterdir()} == {left.name, "run.json"}


def test_whoever_writes_a_file_anew_takes_away_what_a_kill_left_of_it(tmp_path):
    assert subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT).returncode < 0
    with atomic_write(tmp_path / "run.json") as temporary:
        temporary.write_text("{}")
    with atomic_directory(tmp_path / "1"):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"1", "run.json"}
