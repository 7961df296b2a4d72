"""The same networks on JAX and on PyTorch: built, trained, saved, loaded, asked."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

import zoo
from tests.conftest import _bars
from tests.paths import ROOT
from zoo.nn.batching import Blocks

PROGRAM = """
import pathlib, sys, tempfile
import keras
import numpy as np
import zoo
from zoo.pretrained.forward import load
from zoo.pretrained.manifest import manifest
images = np.random.default_rng(0).integers(0, 256, (45, 28, 28, 1), dtype=np.uint8)
split = zoo.Split(images, np.arange(45, dtype=np.int32) % 10)
data = zoo.Data("noise", split, split, split)
settings = {"epochs": 1, "expanded": False, "batch_size": 10, "partial_batch": True}
for name in sys.argv[1:]:
    spec = zoo.get_spec(name).with_settings(**settings)
    model = zoo.build(spec, seed=1)
    if not spec.members:
        model = zoo.train(spec, data, progress=False).model
        before = model.get_weights()
        model.fit(images / 255, split.labels, verbose=0)
        assert any((a != b).any() for a, b in zip(before, model.get_weights())), name
    path = pathlib.Path(tempfile.mkdtemp()) / "m.keras"
    model.save(path)
    other = keras.models.load_model(path)
    expected = model.predict(images, verbose=0)
    assert np.isfinite(expected).all(), name
    np.testing.assert_array_equal(other.predict(split, verbose=0), expected)
    if name in manifest():
        # NumPy alone, from the same file of weights, is the oracle.
        pretrained = zoo.load(name).predict(images, verbose=0)
        np.testing.assert_allclose(pretrained, load(name).predict(images).outputs, atol=1e-4)
    print(name, file=sys.stderr, flush=True)
assert "tensorflow" not in keras.backend.backend()
from tests.nn.test_backends import sum_after_two_epochs
print(sum_after_two_epochs())
# Pretrained weights answer as on TensorFlow; what TensorFlow alone can do says so.
model = zoo.load("linear")
print(zoo.evaluate(model, zoo.load_data().test).correct)
try:
    zoo.export.export(model, "saved_model", tempfile.mkdtemp(), name="linear")
except zoo.RunError as error:
    print(error)
"""

BACKENDS = [
    pytest.param(
        backend,
        marks=pytest.mark.skipif(
            importlib.util.find_spec(backend) is None, reason=f"{backend} is not installed"
        ),
    )
    for backend in ("jax", "torch")
]


def sum_after_two_epochs() -> float:
    """Train by blocks from known weights on this backend: the sum of all weights' sizes."""
    model = zoo.build(zoo.get_spec("mlp30").with_settings(images=203), seed=1)
    shapes = [array.shape for array in model.get_weights()]
    model.set_weights([np.cos(np.arange(np.prod(shape)).reshape(shape)) / 28 for shape in shapes])
    model.fit(Blocks(_bars(203, seed=0), 10, shuffle_seed=3), epochs=2, verbose=0)
    return float(sum(np.abs(array).sum() for array in model.get_weights()))


def run_on(backend: str, *names: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *names],
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    "name", ["mlp30", pytest.param("conv2_relu_dropout", marks=pytest.mark.integration)]
)
@pytest.mark.parametrize("backend", BACKENDS)
def test_networks_are_built_trained_saved_and_loaded(backend, name, mnist):
    *_, total, correct, refused = run_on(backend, name)
    assert float(total) == pytest.approx(sum_after_two_epochs(), rel=1e-5)
    expected = zoo.evaluate(zoo.load("linear"), mnist.test).correct
    assert abs(int(correct) - expected) <= 2  # sums in another order decide a close call
    assert refused == (
        f"exports need TensorFlow, and Keras runs on {backend}: set KERAS_BACKEND=tensorflow"
    )


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_network_is_built_trained_saved_and_loaded(backend):
    run_on(backend, *zoo.list_models(exclude="ksh2012"))
