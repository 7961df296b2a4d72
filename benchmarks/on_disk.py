"""Training on a set that stays on the disk beside training on the same one in memory.

    python -m benchmarks.on_disk

Both train `conv2_relu` on the same made-up pictures of 32x32 in turn, an epoch each, in one
process, after one of each that is not counted. It prints images a second, of wall time and of
processor time, and the quotient of the medians: the disk is to reach at least 0.9. Expect a minute.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

import zoo
from benchmarks.parsers import command_parser
from zoo.data import Data, Split
from zoo.data.mapped import mapping_of
from zoo.data.storage import spool

NETWORK = "conv2_relu"
SHAPE = (32, 32, 3)
CLASSES = 10


def pair(images: int, folder: Path) -> dict[str, Data]:
    """One made-up set twice: in memory, and in a file of `folder`."""
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (images, *SHAPE), dtype=np.uint8)
    labels = generator.integers(CLASSES, size=images)
    sets = {"memory": pixels, "disk": spool([pixels], folder)}
    assert mapping_of(sets["disk"]) is not None

    def data(name: str) -> Data:
        split = Split(sets[name], labels)
        return Data(name, split, split.take(100), split.take(100))

    return {name: data(name) for name in sets}


def measure(data: Data) -> tuple[float, float]:
    """Wall and processor seconds of one epoch."""
    spec = zoo.get_spec(NETWORK).with_settings(shuffle=True, epochs=1)
    processor = time.process_time()
    result = zoo.train(spec, data, progress=False)
    return result.seconds, time.process_time() - processor


def main(arguments: list[str] | None = None) -> int:
    """Measure the two in turn, and print both and their quotient."""
    parser = command_parser("benchmarks.on_disk", __doc__)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        sets = pair(asked.images, Path(folder))
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in sets}
        for round_ in range(asked.rounds + 1):
            for name, data in sets.items():
                measured = measure(data)
                if round_:
                    seconds[name].append(measured)
    for place, clock in enumerate(("wall", "processor")):
        speeds = {
            name: asked.images / statistics.median(each[place] for each in rows)
            for name, rows in seconds.items()
        }
        shown = ", ".join(f"{name} {speed:,.0f}" for name, speed in speeds.items())
        quotient = speeds["disk"] / speeds["memory"]
        print(f"images a second of {clock} time: {shown}; disk / memory {quotient:.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
