"""The container files: they mount what `zoo export` writes, and install what the server needs.

No container is built here: the steps are read, and taken without docker.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from google.protobuf import text_format

from tests.serve.running import ROOT
from zoo.export import path_of
from zoo.pretrained.manifest import manifest

DOCKER = ROOT / "docker"
TFS = "tensorflow-serving"


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]


@pytest.fixture(scope="module")
def models():
    config = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2")
    text = (DOCKER / "models.config").read_text()
    return text_format.Parse(text, config.ModelServerConfig()).model_config_list.config


def _mounts(service) -> dict[str, Path]:
    """Where in the container which path of ours is; all of them read-only."""
    mounts = {}
    for volume in service["volumes"]:
        ours, theirs, mode = volume.split(":")
        assert mode == "ro"
        mounts[theirs] = (DOCKER / ours).resolve()
    return mounts


def test_tensorflow_serving_finds_what_export_writes(services, models, saved_models_folder):
    mounts = _mounts(services[TFS])
    assert mounts["/models"] == ROOT / "saved_models"  # where `zoo export` writes by default
    assert models
    for model in models:
        assert model.name in manifest()
        assert model.model_platform == "tensorflow"
        under = Path(model.base_path).relative_to("/models")
        written = path_of("saved_model", "saved", name=model.name)
        assert written.parent == Path("saved") / under
        assert written.name == "1"
    under = Path(models[0].base_path).relative_to("/models")
    assert (saved_models_folder / under / "1/saved_model.pb").is_file()


def test_tensorflow_serving_reads_the_config_that_is_mounted(services):
    flags = dict(flag.removeprefix("--").split("=") for flag in services[TFS]["command"])
    mounts = _mounts(services[TFS])
    assert mounts[flags["model_config_file"]] == DOCKER / "models.config"
    image = services[TFS]["image"]
    assert image.startswith("tensorflow/serving:")
    pinned = re.search(
        r"^tensorflow-serving-api==(\S+)", (ROOT / "requirements.txt").read_text(), re.M
    )
    assert image.partition(":")[2] == pinned[1]


def test_no_port_is_open_to_other_machines(services):
    ports = [port for service in services.values() for port in service["ports"]]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert len({port.split(":")[1] for port in ports}) == len(ports)


def _steps(word: str) -> list[str]:
    text = (DOCKER / "Dockerfile").read_text().replace("\\\n", " ")
    return [line.split(maxsplit=1)[1] for line in text.splitlines() if line.startswith(f"{word} ")]


def test_what_the_dockerfile_copies_is_there_and_not_ignored():
    ignored = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
    for step in _steps("COPY"):
        source = step.split()[0]
        assert (ROOT / source).exists()
        assert f"!{source}" in ignored


def test_the_image_has_the_versions_of_the_project():
    ours = set((ROOT / "requirements.txt").read_text().split())
    pins = re.findall(r"^([\w-]+==\S+)", (DOCKER / "requirements.txt").read_text(), re.M)
    assert pins
    assert set(pins) <= ours


def _closure(names: list[str]) -> set[str]:
    """Packages, and those that they require."""
    found: set[str] = set()
    while names:
        name = re.sub(r"[-_.]+", "-", names.pop()).lower()
        if name not in found:
            try:
                required = metadata.requires(name) or []
            except metadata.PackageNotFoundError:
                continue  # for another Python or system than this
            found.add(name)
            names += [re.match(r"[\w.-]+", each)[0] for each in required if "extra ==" not in each]
    return found


def test_the_server_needs_no_other_package_than_the_image_has(exported, tmp_path):
    lines = (DOCKER / "requirements.txt").read_text().splitlines()
    pinned = [line.partition("==")[0] for line in lines if "==" in line]
    allowed = _closure(pinned) | {"neural-zoo"}  # the image has the project's own files
    refused = sorted(
        module
        for module, packages in metadata.packages_distributions().items()
        if not {re.sub(r"[-_.]+", "-", each).lower() for each in packages} & allowed
    )
    assert {"tensorflow", "keras", "scipy", "matplotlib"} <= set(refused)
    (entrypoint,), (command,) = _steps("ENTRYPOINT"), _steps("CMD")
    words = json.loads(entrypoint)
    assert words[:2] == ["python", "-m"]
    assert json.loads(command) == ["/models"]
    program = (
        f"import runpy, sys; sys.modules.update(dict.fromkeys({refused!r}));"
        f"sys.argv = {[*words[2:], str(exported), '--port', '0']!r};"
        f"sys.argv[sys.argv.index('0.0.0.0')] = '127.0.0.1';"
        f"runpy.run_module({words[2]!r}, run_name='__main__', alter_sys=True)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as process:
        events = []
        for line in process.stderr:
            events.append(json.loads(line))
            if events[-1]["event"] == "listening":
                process.terminate()
        assert process.wait(30) == 0
    assert [each["event"] for each in events] == ["loaded", "listening", "stopped"]
