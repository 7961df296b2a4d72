"""What all tests share: a quiet TensorFlow, the real images, and the flags for the dear ones."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import types

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from tests import children
from zoo.data import Data, Split, load_data
from zoo.data.idx import to_idx
from zoo.data.mnist_files import SHA256
from zoo.utils.tensorflow import set_environment

# Under `nohup make test &` it is ignored, and so it would be in the processes that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

set_environment()  # as in training: one thread, so that sums do not depend on the machine

# Small networks compile longer than they train. XLA's passes over the machine code are a third of
# that, and gain nothing here.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")


# Marks of tests that run only if they are asked for, by a flag of the same name.
ON_REQUEST = {
    "slow": "trains for minutes",
    "integration": "several processes, fresh environments, or the long form of another test",
}


def pytest_addoption(parser):
    for name, what in ON_REQUEST.items():
        parser.addoption(f"--{name}", action="store_true", help=f"run the tests marked so: {what}")


def pytest_collection_modifyitems(config, items):
    for name, what in ON_REQUEST.items():
        if config.getoption(f"--{name}"):
            continue
        for item in items:
            if name in item.keywords:
                item.add_marker(pytest.mark.skip(reason=f"{what}: pytest --{name}"))


@pytest.fixture(scope="session")
def mnist() -> Data:
    """The book's images, from the first source that answers."""
    return load_data(progress=False)


@pytest.fixture(scope="session")
def bars() -> Data:
    """Made-up digits that a network can learn in a second: digit d is a bar in column 2d + 4."""
    return Data("bars", _bars(2000, seed=0), _bars(500, seed=1), _bars(500, seed=2))


@pytest.fixture(scope="session")
def idx_folder(bars, tmp_path_factory):
    """The made-up digits as a folder of four IDX files, for --data."""
    folder = tmp_path_factory.mktemp("bars")
    whole = [
        np.concatenate([getattr(bars.train, part), getattr(bars.validation, part)])
        for part in ("images", "labels")
    ]
    arrays = [whole[0][..., 0], whole[1], bars.test.images[..., 0], bars.test.labels]
    for name, array in zip(SHA256, arrays, strict=True):
        (folder / name).write_bytes(to_idx(array.astype(np.uint8)))
    return folder


def _bars(count: int, seed: int) -> Split:
    generator = np.random.default_rng(seed)
    labels = generator.integers(10, size=count)
    images = generator.integers(0, 90, size=(count, 28, 28, 1), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, 2 * label + 4] += 150
    return Split(images, labels)


@pytest.fixture(scope="session")
def chromium():
    """A browser without a window, for the pages that the zoo writes."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (browser and driver):
        pytest.skip("no Chromium to open the pages in: apt-get install chromium chromium-driver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = browser
    options.add_argument("--headless=new")
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # Chromium's own sandbox refuses to run as root
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(driver)) as opened:
        yield opened


@pytest.fixture(autouse=True)
def forked_workers(request, monkeypatch):
    """Fork the workers of this process where TensorFlow is imported already.

    The tests marked `integration` have them start as users have it, each as a fresh Python.
    """
    if "integration" not in request.keywords:
        monkeypatch.setattr("zoo.training.parallel.context", children.context)


@pytest.fixture
def xla(monkeypatch):
    """Have XLA compile the steps of dense networks, as it does where a run sees many images."""
    monkeypatch.setattr("zoo.nn.step_choice.WORTH_XLA", 0)


@pytest.fixture(params=["plain", pytest.param("xla", marks=pytest.mark.integration)])
def plain_and_xla(request):
    """Have a test run as small runs do, and once more as XLA compiles the larger ones."""
    if request.param == "xla":
        request.getfixturevalue("xla")


@pytest.fixture
def forked_client(monkeypatch):
    """Have `zoo.export` run a SavedModel in a fork, where TensorFlow is imported already.

    tests/export/test_saved_model.py runs it in a fresh interpreter, as its users do.
    """

    def run(command, *, env, **_options):
        python, isolated, *arguments = command
        assert (python, isolated) == (sys.executable, "-I")
        return children.run(arguments, env=env)

    monkeypatch.setattr("zoo.export.runners.subprocess", types.SimpleNamespace(run=run))
