"""The same networks on JAX and on PyTorch: built, trained, saved, loaded, asked."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import zoo
from tests.conftest import _bars
from tests.paths import ROOT
from zoo.nn.batching import Blocks

# After every network: what is compared with TensorFlow, and what that alone can do.
PROGRAM = """
import sys, tempfile
import keras
import zoo
from tests.nn import every_network
from tests.nn.test_backends import sum_after_two_epochs
every_network.main(sys.argv[1:])
assert "tensorflow" not in keras.backend.backend()
print(sum_after_two_epochs())
model = zoo.load("linear")
print(zoo.evaluate(model, zoo.load_data().test).correct)
for form in ("saved_model", "onnx", "litert"):
    try:
        zoo.export.export(model, form, tempfile.mkdtemp(), name="linear")
    except zoo.RunError as error:
        print(error)
import warnings
from tuning import train_vectorized
data = every_network.noise(zoo.get_spec("mlp30"))
warnings.simplefilter("error", UserWarning)
try:
    train_vectorized([every_network.declared("mlp30")], data)
except UserWarning as warning:
    print(warning)
warnings.simplefilter("ignore")
(result,) = train_vectorized([every_network.declared("mlp30")], data)
print(len(result.history))
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


def run_on(backend: str, *names: str, compiled: Path) -> list[str]:
    """What the program prints on a backend; XLA's programs are kept, since networks share them."""
    cache = {
        "JAX_COMPILATION_CACHE_DIR": str(compiled),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *names],
        env={**os.environ, **cache, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,  # stderr says which network is at work
        text=True,
        check=False,
    )
    assert done.returncode == 0
    return done.stdout.splitlines()


# In one process, since each would import and compile the same: some two minutes of CPU on JAX.
@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_network_is_built_trained_saved_and_loaded(backend, mnist, tmp_path):
    *_, total, correct, saved_model, onnx, litert, stacked, epochs = run_on(
        backend, compiled=tmp_path
    )
    assert float(total) == pytest.approx(sum_after_two_epochs(), rel=1e-5)
    expected = zoo.evaluate(zoo.load("linear"), mnist.test).correct
    assert abs(int(correct) - expected) <= 2  # sums in another order decide a close call
    assert {saved_model, onnx, litert} == {
        f"exports need TensorFlow, and Keras runs on {backend}: set KERAS_BACKEND=tensorflow"
    }
    assert stacked == (
        "trials are trained one by one: to stack them needs TensorFlow, and Keras runs on "
        f"{backend}"
    )
    assert epochs == "1"
