"""The manual of the server: every Python example runs, every curl answers what stands beside it."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess

import pytest
from PIL import Image

from tests.serve.running import ROOT

MANUAL = ROOT / "docs/serving.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", MANUAL.read_text(), re.DOTALL | re.MULTILINE)


def test_the_python_of_the_manual_runs(served, mnist):
    pytest.importorskip("tritonclient.http")
    names: dict = {}
    examples = [text for language, text in BLOCKS if language == "python"]
    assert examples
    for example in examples:
        code = example.replace("127.0.0.1:8501", f"127.0.0.1:{served.port}")
        exec(compile(code, str(MANUAL), "exec"), names)


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl: apt-get install curl")
def test_curl_gets_the_answers_of_the_manual(served, mnist, tmp_path):
    Image.fromarray(mnist.test.images[0, ..., 0]).save(tmp_path / "digit.png")
    answers = 0
    for (language, command), (following, text) in itertools.pairwise(BLOCKS):
        if language != "sh" or "curl " not in command:
            continue
        assert following in ("json", "text"), command
        message = command.replace("127.0.0.1:8501", f"127.0.0.1:{served.port}")
        done = subprocess.run(["bash", "-c", message], capture_output=True, text=True, cwd=tmp_path)
        read = json.loads if following == "json" else str.strip
        assert read(done.stdout) == read(text)
        answers += 1
    assert answers == 4


def test_the_limits_of_the_manual_are_those_of_the_server():
    from zoo.serve.limits import MEBIBYTE, Limits

    text, limits = MANUAL.read_text(), Limits()
    for expected in (
        f"above {limits.body // MEBIBYTE} MiB",
        f"above {limits.head // 1024} KiB",
        f"{limits.queue:,} images",
        f"{limits.connections:,} connections",
        f"within {limits.answer_seconds:g} s",
        f"after {limits.head_seconds:g} s, or a body after {limits.body_seconds:g} s",
        f"of {limits.batch} at the most",
        f"above {limits.pixels // 10**6} million pixels",
    ):
        assert expected in text


def test_the_commands_of_the_manual_exist():
    from zoo.cli.main import _parser

    parser = _parser()
    for language, text in BLOCKS:
        if language == "sh":
            for command in re.findall(r"^python -m zoo (.+)$", text, re.MULTILINE):
                parser.parse_args(command.split())
