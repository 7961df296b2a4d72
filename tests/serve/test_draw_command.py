"""The command `draw`, as a reader types it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request

from tests.paths import ROOT
from zoo.cli.main import main


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
