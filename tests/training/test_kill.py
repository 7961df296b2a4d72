"""A run killed without warning, at random moments, ends as the unbroken one."""

from __future__ import annotations

import random
import time

import numpy as np
import pytest

import zoo
from tests import children
from zoo.training.run_folder import load_run

PROGRAM = """
import sys
import zoo
from tests.conftest import _bars
from tests.training.test_kill import SPEC
from zoo.data import Data
bars = Data("bars", _bars(2000, seed=0), _bars(500, seed=1), _bars(500, seed=2))
print("ready", flush=True)
zoo.train(SPEC, bars, seed=5, out=sys.argv[1], epochs=int(sys.argv[2]), progress=False)
"""

# Dropout, momentum, a falling rate and an end without dropout: all that an epoch hands to the next.
SPEC = zoo.ModelSpec(
    "small",
    (zoo.ConvPool(4, "relu"), zoo.FullyConnected(20, "relu", dropout=0.5), zoo.Softmax()),
    zoo.Recipe(
        cost="log_likelihood",
        epochs=12,
        learning_rate=0.1,
        momentum=0.5,
        schedule="halve",
        patience=1,
        augment=("shift", "rotate"),
        dropout_off_epochs=3,
        images=1000,
    ),
)


def _start(folder, epochs):
    return children.Child(
        ["-c", PROGRAM, folder, epochs], stdout=children.PIPE, stderr=children.DEVNULL
    )


def _rows(folder):
    history = folder / "history.csv"
    return history.read_text().count("\n") if history.exists() else 0


def _killed(process, folder, epochs, delay):
    """Kill it `delay` seconds after so many rows more; False where it had come to its end."""
    wanted = _rows(folder) + epochs
    while process.poll() is None and _rows(folder) < wanted:
        time.sleep(0.001)
    time.sleep(delay)
    if process.poll() is not None:
        return False
    process.kill()
    return True


@pytest.mark.parametrize(
    ("most", "epochs"), [(1, 6), pytest.param(3, 12, marks=pytest.mark.integration)]
)
def test_weights_agree_bit_by_bit_after_any_number_of_kills(most, epochs, bars, tmp_path):
    unbroken = zoo.train(SPEC, bars, seed=5, epochs=epochs, progress=False)
    seed = random.randrange(1_000_000)
    moments = random.Random(seed)
    for kills in range(most + 1):
        with _start(tmp_path, epochs) as process:
            process.stdout.readline()
            if kills == most:
                assert process.wait(timeout=120) == 0
            # Counted in epochs, not in seconds: the first kill comes early on any machine.
            elif not _killed(process, tmp_path, moments.randint(0, 2), moments.uniform(0, 0.1)):
                break
    spec, model = load_run(tmp_path)
    assert spec == unbroken.spec
    assert kills, f"the run was over before the first kill (seed {seed})"
    for mine, theirs in zip(unbroken.model.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs, err_msg=f"kills drawn from seed {seed}")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"spec.json", "history.csv", "weights.safetensors", "run.json", ".run.lock"}
