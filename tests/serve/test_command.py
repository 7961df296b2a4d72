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
        (["mlp30", "--delay", "1e14"], 2, "delay_ms must be 0 or more and below 1e+08"),
        (["mlp30", "--timeout", "1e14"], 2, "answer_seconds must be 0 or more and below 100000"),
        (["mlp30", "--host", "a..b"], 1, "cannot listen at a..b"),
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


@pytest.mark.integration
def test_a_network_of_a_users_own_is_served_by_name(tmp_path):
    (tmp_path / "my_nets.py").write_text(
        "from dataclasses import replace\n"
        "import zoo\n"
        "zoo.register(replace(zoo.get_spec('linear'), name='mine'))\n"
    )
    program = """
import dataclasses, hashlib, shutil
import my_nets, zoo
from zoo.pretrained import manifest
from zoo.serve.pretrained import onnx_file
from zoo.serve.runtime import OnnxModel

mine, old = zoo.get_spec("mine").to_plain(), manifest.entry_of("linear")
there = manifest.weights_file(old)
entry = dataclasses.replace(old, name="mine", file="mine/weights.safetensors", spec=mine)
place = manifest.own_models() / entry.file
place.parent.mkdir(parents=True)
shutil.copy(there, place)
manifest.record(entry)
print([each.name for each in OnnxModel(onnx_file("mine", ["my_nets"])).outputs])
"""
    environment = {"ZOO_HOME": str(tmp_path / "home"), "ZOO_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, **environment, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout == "['digit', 'probabilities']\n", done.stderr[-2000:]


def test_serve_hands_on_the_modules_that_it_imports(monkeypatch, tmp_path):
    (tmp_path / "my_nets_handed_on.py").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    commands = []

    def run(command, **_):
        commands.append(command)
        return subprocess.CompletedProcess(command, 1, "", "it stops here")

    monkeypatch.setattr("zoo.serve.pretrained.subprocess.run", run)
    monkeypatch.setattr("zoo.serve.pretrained.folders", lambda: [])
    words = ["--import", "my_nets_handed_on", "serve", "linear", "--port", "0"]
    assert main(words) == 1
    (command,) = commands
    assert command[1:5] == ["-m", "zoo", "--import=my_nets_handed_on", "export"]
