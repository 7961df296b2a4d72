"""The command `zoo serve`, as a person types it, and what it serves from exported folders."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from tests.serve.running import ROOT
from zoo.cli.main import main
from zoo.serve.limits import Limits
from zoo.serve.metrics import Metrics
from zoo.serve.repository import Repository
from zoo.serve.sources import sources


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (["mlp31"], 2, "Did you mean 'mlp30'?"),
        (["mlp30.quadratic"], 2, "python -m zoo train"),
        (["./nothing"], 1, "does not exist"),
        (["mlp30", "--batch", "0"], 2, "batch must be a whole number from 1 up"),
        (["mlp30", "--delay", "-1"], 2, "delay_ms must be 0 or more"),
        (["mlp30", "--timeout", "nan"], 2, "answer_seconds must be a finite number"),
        (["mlp30", "--max-body", "inf"], 2, "--max-body"),
        (["mlp30", "--host", "no.such.host.invalid"], 1, "cannot listen"),
    ],
)
def test_what_it_cannot_do_is_one_line(words, code, expected, capfd):
    assert main(["serve", "--port", "0", *words]) == code
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("zoo: ")
    assert expected in line


def test_without_its_packages_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr("zoo.cli.serve._PACKAGES", ("starlette", "no_such_package"))
    assert main(["serve", "mlp30"]) == 1
    assert (
        "no_such_package is not installed: pip install 'neural-zoo[serve]'"
        in capsys.readouterr().err
    )


def test_it_serves_a_network_by_name_without_tensorflow(exported, images, expected):
    program = (
        "import sys; sys.modules.update(tensorflow=None, keras=None); sys.argv[0] = 'zoo';"
        "from zoo.cli.main import main; raise SystemExit(main())"
    )
    environment = {**os.environ, "ZOO_CACHE": str(exported.parents[3]), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program, "serve", "mlp30", "--port", "0", "--log-requests"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        events = []
        for line in process.stderr:
            events.append(json.loads(line))
            if events[-1]["event"] == "listening":
                from urllib.request import urlopen

                body = json.dumps({"instances": images.tolist()}).encode()
                with urlopen(f"{events[-1]['url']}/v1/models/mlp30:predict", body) as answer:
                    rows = json.load(answer)["predictions"]
                process.terminate()
        assert process.wait(30) == 0
    assert [row["digit"] for row in rows] == expected.argmax(axis=1).tolist()
    assert [each["event"] for each in events] == ["loaded", "listening", "request", "stopped"]
    assert events[2]["status"] == 200


def test_tensorflow_runs_exported_folders_where_it_is_asked(saved_models_folder, images, expected):
    found = sources([str(saved_models_folder)], "tensorflow")
    repository = Repository(found, Limits(batch=16), Metrics())
    repository.load_all()
    version = repository.get("mlp30", "1")
    assert version.model.platform == "tensorflow_savedmodel"
    assert list(version.signatures) == ["serving_default", "bytes", "floats", "encoded"]
    outputs = asyncio.run(version.answer({"images": images}, len(images)))
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-5)
    assert outputs["digit"].tolist() == expected.argmax(axis=1).tolist()
    repository.close()
