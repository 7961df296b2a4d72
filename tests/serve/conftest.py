"""Fixtures for the server's tests: a pretrained network behind it, and what it must answer."""

from __future__ import annotations

import os

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.serve.running import brightness, half_plus, serving
from zoo.pretrained.manifest import entry_of, weights_file
from zoo.serve.pretrained import onnx_file

NET = "mlp30"


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """The pretrained network as an ONNX file, as `zoo serve NAME` makes it: in a cache."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # one export does for all processes
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_CACHE", str(folder / "zoo_cache"))
        return onnx_file(NET)


@pytest.fixture(scope="session")
def served(exported, tmp_path_factory):
    """A server of the pretrained network, and of small models in versions."""
    folder = tmp_path_factory.mktemp("models")
    half_plus(folder / "half_plus_two/123/model.onnx", 2)
    half_plus(folder / "half_plus_three/123/model.onnx", 3)
    for version in (1, 2, 10):
        brightness(folder / f"brightness/{version}/model.onnx", version)
    with serving(f"{NET}={exported}", folder, body=4 * 2**20, pixels=1_000_000) as server:
        yield server


@pytest.fixture(scope="session")
def images(mnist) -> np.ndarray:
    """Some digits of the test set, uint8 [40, 28, 28, 1]."""
    return mnist.test.images[:40]


@pytest.fixture(scope="session")
def expected(images) -> np.ndarray:
    """What the network says of them, in NumPy from its weights: float32 [40, 10]."""
    weights = load_file(weights_file(entry_of(NET)))
    activations = images.reshape(len(images), -1) / 256
    for layer in ("dense_1", "dense_2"):
        kernel, bias = (weights[f"{layer}/{part}"].astype(float) for part in ("kernel", "bias"))
        activations = 1 / (1 + np.exp(-(activations @ kernel + bias)))
    return activations


@pytest.fixture(scope="session")
def saved_models_folder(tmp_path_factory):
    """A folder into which `zoo export NAME` wrote the pretrained network, as a SavedModel."""
    import zoo
    from zoo.export import export

    folder = tmp_path_factory.mktemp("saved_models")
    export(zoo.load(NET), "saved_model", folder, name=NET)
    return folder
