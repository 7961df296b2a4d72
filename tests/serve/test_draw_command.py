"""The command `draw`, as a reader types it."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from tests.paths import ROOT
from zoo.cli.main import main
from zoo.serve.draw import PageServer, page_files, write_page


def test_the_page_is_written_as_files_without_tensorflow(tmp_path):
    code = (
        "import sys; from zoo.cli.main import main;"
        f"code = main(['draw', 'mlp30', 'conv2_relu', '--static', {str(tmp_path / 'page')!r}]);"
        "print(code, sorted(sys.modules.keys() & {'tensorflow', 'keras'}))"
    )
    got = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert got.stdout.splitlines() == [str(tmp_path / "page" / "index.html"), "0 []"]
    names = sorted(path.name for path in (tmp_path / "page").iterdir())
    assert names == ["digits.js", "index.html", "mlp30.js"]


def test_a_server_hands_out_the_page_until_it_is_stopped():
    command = [sys.executable, "-m", "zoo", "draw", "mlp30", "--no-browser"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        try:
            address = re.match(r"http://127\.0\.0\.1:\d+/", running.stdout.readline()).group()
            with urllib.request.urlopen(address, timeout=60) as answer:
                assert b"Draw a digit" in answer.read()
            running.send_signal(signal.SIGINT)
            assert running.wait(timeout=60) == 0
        finally:
            running.kill()


def test_refusals_say_what_is_wrong(tmp_path, capsys):
    assert main(["draw", "mlp3", "--static", str(tmp_path / "page")]) == 2
    assert "Did you mean 'mlp30'?" in capsys.readouterr().err
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["draw", "mlp30", "--static", str(tmp_path)]) == 1
    assert "holds something else than this page" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_filled_and_stays_the_folder_that_it_is(tmp_path, monkeypatch, capsys):
    before = tmp_path.stat().st_ino
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert main(["draw", "linear", "--static", "."]) == 0
        assert capsys.readouterr().out == "index.html\n"
    assert tmp_path.stat().st_ino == Path().stat().st_ino == before
    assert b"Draw a digit" in (tmp_path / "index.html").read_bytes()


def test_a_part_of_a_page_is_known_as_one(tmp_path):
    page = {"a.js": b"weights", "index.html": page_files(["linear"])["index.html"]}

    class Cut(dict):
        def items(self):
            return [*super().items(), ("z/name", None)]  # what cannot be written

    with pytest.raises(TypeError):
        write_page(tmp_path, Cut(page))
    shutil.rmtree(tmp_path / "z")
    (tmp_path / "a.js").unlink()  # as if it had come to less
    write_page(tmp_path, page)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == page


def test_a_browser_that_leaves_is_no_error(capsys):
    with PageServer({"index.html": bytes(50_000_000)}) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        before = {*threading.enumerate()}
        with socket.create_connection(("127.0.0.1", server.server_port)) as browser:
            browser.sendall(b"GET / HTTP/1.0\r\n\r\n")
            browser.recv(1000)
            answering = {*threading.enumerate()} - before
            browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for each in answering:
            each.join(20)
        server.shutdown()
        serving.join(20)
    assert len(answering) == 1
    assert capsys.readouterr().err == ""
