"""A run killed without warning, at random moments, ends as the unbroken one."""

from __future__ import annotations

import random
import subprocess

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


@pytest.mark.parametrize(
    ("most", "epochs"), [(1, 6), pytest.param(3, 12, marks=pytest.mark.integration)]
)
def test_weights_agree_bit_by_bit_after_any_number_of_kills(most, epochs, bars, tmp_path):
    unbroken = zoo.train(SPEC, bars, seed=5, epochs=epochs, progress=False)
    seed = random.randrange(1_000_000)
    moments = random.Random(seed)
    kills = 0
    for _ in range(30):
        with _start(tmp_path, epochs) as process:
            process.stdout.readline()
            try:
                process.wait(timeout=moments.uniform(0.2, 0.25 * epochs) if kills < most else 60)
                break
            except subprocess.TimeoutExpired:
                process.kill()
                kills += 1
    spec, model = load_run(tmp_path)
    assert spec == unbroken.spec
    assert kills, f"the run was over before the first kill (seed {seed})"
    for mine, theirs in zip(unbroken.model.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs, err_msg=f"kills drawn from seed {seed}")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"spec.json", "history.csv", "weights.safetensors", "run.json", ".run.lock"}
