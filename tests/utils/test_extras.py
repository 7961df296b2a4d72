"""The packages of pyproject.toml: enough for all imports, and those that are missing are named."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest

from tests.paths import ROOT
from zoo.errors import RunError
from zoo.utils.extras import EXTRAS, check_extras, import_extra, naming_extras

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DISTRIBUTIONS = packages_distributions()

# Imported only where they are there already: backends that Keras runs on, and IPython.
GUESTS = {"IPython", "jax", "torch", "traitlets"}


def name_of(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-")


BASE = {name_of(each) for each in PROJECT["dependencies"]}


def imported() -> set[str]:
    """The packages that modules of the project import, at the top or in a function."""
    found = set()
    for package in ("zoo", "tuning"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"zoo", "tuning"}


def test_every_import_is_declared():
    for module in imported() - GUESTS:
        if module not in EXTRAS:
            names = {name_of(each) for each in DISTRIBUTIONS[module]}
            assert names & BASE, f"{module} is neither a dependency nor in EXTRAS"


@pytest.mark.parametrize("module", EXTRAS)
def test_an_extra_brings_the_modules_that_name_it(module):
    brought = {name_of(each) for each in PROJECT["optional-dependencies"][EXTRAS[module]]}
    if module not in DISTRIBUTIONS:
        pytest.skip(f"{module} is not installed")
    assert {name_of(each) for each in DISTRIBUTIONS[module]} & brought


def test_all_names_every_extra_that_code_imports():
    (everything,) = PROJECT["optional-dependencies"]["all"]
    named = set(everything.split("[")[1].rstrip("]").split(","))
    assert named == {*EXTRAS.values()} - {"docs", "ray"}, "200 MB, for who has a cluster"


def test_a_missing_package_is_named_with_its_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.delitem(sys.modules, "onnx.checker", raising=False)  # of an earlier test
    said = r"^onnx is not installed: pip install 'neural-zoo\[export\]'$"
    for attempt in (lambda: import_extra("onnx.checker"), lambda: check_extras("onnx", "sys")):
        with pytest.raises(RunError, match=said):
            attempt()
    with pytest.raises(ModuleNotFoundError, match="no_such"), naming_extras():
        import no_such  # noqa: F401
    with pytest.raises(RunError, match=r"a_b, c_d are not installed: .*\[serve\]'$"):
        check_extras("a_b", "c_d", extra="serve")


PROGRAM = """
import sys
from zoo.utils.extras import EXTRAS
for name in EXTRAS:
    sys.modules[name] = None  # an import of it fails
import numpy as np
import zoo, tuning
from zoo.cli.main import main

images = np.random.default_rng(0).integers(0, 256, (40, 28, 28, 1), dtype=np.uint8)
split = zoo.Split(images, np.arange(40, dtype=np.int32) % 10)
data = zoo.Data("noise", split, split, split)
result = zoo.train("linear", data, epochs=1, progress=False)
print(zoo.predict(zoo.load("linear"), split).predicted.shape)
result.model.fit(images, split.labels, verbose=0)
for attempt in (
    lambda: zoo.load_data("fashion_mnist"),
    lambda: zoo.export.export(result.model, "onnx", sys.argv[1], name="linear"),
    lambda: zoo.load("hf://me/net"),
    lambda: tuning.Tuner,
):
    try:
        attempt()
    except zoo.RunError as error:
        print(error)
for words in (["serve", "mlp30"], ["completion", "bash"]):
    assert main(words) == 1
"""


@pytest.mark.integration
def test_building_training_and_predicting_need_no_extra(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    shape, *missing = done.stdout.splitlines()
    assert shape == "(40,)"
    assert missing == [
        f"{module} is not installed: pip install 'neural-zoo[{extra}]'"
        for module, extra in (
            ("tensorflow_datasets", "data"),
            ("onnx", "export"),
            ("huggingface_hub", "hub"),
            ("keras_tuner", "tuning"),
        )
    ]
    assert "pip install 'neural-zoo[serve]'" in done.stderr
    assert "zoo: shtab is not installed: pip install 'neural-zoo[completion]'" in done.stderr
