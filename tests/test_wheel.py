"""The wheel: installed away from the checkout, it has its weights, commands and pages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tests.paths import ROOT

LARGEST = 41 * 2**20  # the votes of five by the book and by `.long` take 15 MB each


def _run(command, **options) -> subprocess.CompletedProcess:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # A copy, since building leaves build/ and an egg-info beside the sources.
    source = folder / "source"
    _run(["git", "clone", "--quiet", "--depth", "1", f"file://{ROOT}", source])
    # The source distribution, and the wheel from it: so it holds all that a wheel is built of.
    build = [sys.executable, "-m", "build", "--no-isolation", "--skip-dependency-check"]
    _run([*build, "--outdir", folder, source])
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The folder of the programs of a fresh environment that has the wheel."""
    folder = tmp_path_factory.mktemp("environment")
    _run([sys.executable, "-m", "venv", "--without-pip", folder])
    (packages,) = folder.glob("lib/python*/site-packages")
    install = [sys.executable, "-m", "pip", "--python", folder / "bin/python", "install"]
    for _ in range(2):  # a second time over the first, which must do no harm
        _run([*install, "--quiet", "--no-deps", "--force-reinstall", wheel])
    # The dependencies are those of this environment; a path in a .pth file brings no other .pth.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


@pytest.fixture
def away(tmp_path) -> dict:
    """A folder that is no checkout, with a home that cannot be written."""
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    environment = {**os.environ, "HOME": str(home)}
    environment.pop("PYTHONPATH", None)
    (tmp_path / "work").mkdir()
    return {"cwd": tmp_path / "work", "env": environment}


# What setuptools would put into a wheel, without building one.
LISTED = """
import pathlib
import setuptools
from distutils.core import run_setup
distribution = run_setup("setup.py", stop_after="init")
distribution.include_package_data = False
command = distribution.get_command_obj("build_py")
command.ensure_finalized()
for package, _, folder, names in command.data_files:
    for name in names:
        print(pathlib.Path(folder, name).relative_to(command.build_lib))
for package, module, _ in command.find_all_modules():
    print(f"{package.replace('.', '/')}/{module}.py")
"""


def _check_files(names: set[str]) -> None:
    manifest = json.loads((ROOT / "saved_models/manifest.json").read_text())
    for name in manifest:
        assert f"zoo/saved_models/{name}/weights.safetensors" in names
        assert f"zoo/saved_models/{name}/README.md" in names
    assert {"zoo/py.typed", "tuning/py.typed", "zoo/saved_models/manifest.json"} <= names
    for package in ("zoo", "tuning"):
        modules = (ROOT / package).rglob("*.py")
        assert {str(path.relative_to(ROOT)) for path in modules} <= names
    assert not any(name.startswith(("tests/", "benchmarks/")) for name in names)


def test_a_wheel_would_have_all_modules_and_the_weights():
    _check_files(set(_run([sys.executable, "-c", LISTED], cwd=ROOT).stdout.splitlines()))


@pytest.mark.integration
def test_the_wheel_has_the_weights_and_is_no_larger_than_it_may_be(wheel):
    assert wheel.stat().st_size <= LARGEST
    _check_files(set(zipfile.ZipFile(wheel).namelist()))
    (source,) = wheel.parent.glob("*.tar.gz")
    assert source.stat().st_size <= LARGEST


@pytest.mark.integration
def test_its_commands_run_anywhere(installed, away):
    assert "conv2_relu" in _run([installed / "zoo", "list"], **away).stdout
    assert _run([installed / "zoo", "--version"], **away).stdout.startswith("zoo 0.")
    assert "broad" in _run([installed / "tuning", "--help"], **away).stdout
    digit = Image.new("L", (200, 200), 255)
    ImageDraw.Draw(digit).line([(100, 30), (100, 170)], fill=0, width=16)
    digit.save(away["cwd"] / "one.png")
    printed = _run([installed / "zoo", "predict", "conv2_relu", "one.png"], **away).stdout
    assert printed.startswith("one.png: 1, ")
    pages = _run([installed / "zoo", "lab", "pages", "--out", "pages"], **away).stdout
    assert all((away["cwd"] / page).is_file() for page in pages.split())


@pytest.mark.integration
def test_its_models_load_anywhere_and_nothing_is_written_beside_it(installed, away):
    before = {path for path in installed.parent.rglob("*") if "__pycache__" not in path.parts}
    program = (
        "import numpy as np, zoo\n"
        "assert 'site-packages' in zoo.__file__, zoo.__file__\n"
        "model = zoo.load('mlp30')\n"
        "print(model.predict(np.zeros((1, 28, 28, 1), 'uint8'), verbose=0).shape)\n"
        "from zoo.cli.main import main\n"
        "assert main(['export', 'mlp30', '--format', 'onnx']) == 0\n"
    )
    assert "(1, 10)" in _run([installed / "python", "-c", program], **away).stdout
    assert (away["cwd"] / "saved_models/mlp30/mlp30.onnx").is_file()
    after = {path for path in installed.parent.rglob("*") if "__pycache__" not in path.parts}
    assert after == before
