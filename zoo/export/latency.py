"""How long one image takes from its bytes to the answer, measured the same way everywhere."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence

import keras
import numpy as np

from zoo.export import export
from zoo.export.common import image_shape
from zoo.export.runners import Runner, onnx_runner

ROUNDS = 5
CALLS = 200


def call_times(run: Runner, images: np.ndarray, calls: int = CALLS) -> list[float]:
    """The seconds of so many calls, one image each.

    Args:
        run: From byte images to named outputs; its first call is made by the caller.
        images: uint8, [n, height, width, channels], of which the first `calls` are taken.
        calls: At most n.
    """
    times = []
    for index in range(calls):
        began = time.perf_counter()
        run(images[index : index + 1])
        times.append(time.perf_counter() - began)
    return times


def quietest(rounds: Sequence[Sequence[float]]) -> Sequence[float]:
    """The round with the least median: what else the machine does is not the network's."""
    return min(rounds, key=lambda times: float(np.median(times)))


def onnx_latency(model: keras.Model, rounds: int = ROUNDS, calls: int = CALLS) -> float:
    """The median seconds of one image in ONNX Runtime, on one thread of this machine's processor.

    Args:
        model: Any model of the zoo; what it has learned does not matter.
        rounds: Of which the quietest counts.
        calls: Images a round.

    Raises:
        RunError: A package of the extra `export` is missing, or the model does not become ONNX.
    """
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (calls, *image_shape(model)), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        run = onnx_runner(export(model, "onnx", folder, name="timed"))
        run(images[:1])
        return float(np.median(quietest([call_times(run, images, calls) for _ in range(rounds)])))
