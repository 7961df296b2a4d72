"""One measurement, in a process of its own, printed as a line of JSON.

    python -m benchmarks.peers torch mlp30 --images 10000 --epochs 2

`benchmarks/throughput.py` runs this for every peer, network and round.
"""

from __future__ import annotations

import argparse
import importlib
import json
import time

import numpy as np

from benchmarks.peers import PEERS, Program, initial_weights, spec_of
from zoo.data import Split, load_data

# Each program first learns from so many images, whatever it is timed on: then all of them should
# classify about as many of these correctly.
CHECKED = {
    "mlp30": 5_000,
    "conv2_relu": 2_000,
    "conv2_relu_dropout": 5_000,
    "conv2_relu_dropout:50": 10_000,
}


def measure(program: Program, split: Split, epochs: int, checked: int) -> dict[str, float]:
    """Train on about `checked` images to see that it learns, then on all of `split` for the clock.

    `learned` is the accuracy on these images after the first training, `accuracy` after all of it,
    both in 0..1; `seconds` is the time of `epochs` epochs, after a first that compiles.
    """
    few = split.take(min(checked, len(split)))
    small, full = program.prepare(few), program.prepare(split)
    program.train(small, checked // len(few))
    learned = _accuracy(program.answer(small), few)
    if len(few) < len(split):
        program.train(full, 1)
    began = time.perf_counter()
    program.train(full, epochs)
    seconds = time.perf_counter() - began
    accuracy = _accuracy(program.answer(small), few)
    return {"seconds": seconds, "learned": learned, "accuracy": accuracy}


def _accuracy(answers: np.ndarray, split: Split) -> float:
    return float(np.mean(answers == split.labels))


def main() -> None:
    """Measure one program in this process, and print what was measured as JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers", description=__doc__.splitlines()[0]
    )
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("net", choices=CHECKED)
    parser.add_argument("--images", type=int, default=5_000)
    parser.add_argument("--epochs", type=int, default=1)
    asked = parser.parse_args()
    spec = spec_of(asked.net)
    split = load_data(progress=False).train.take(asked.images)
    module = importlib.import_module(f"benchmarks.peers.with_{asked.peer}")
    program = module.Program(spec, initial_weights(spec))
    print(json.dumps(measure(program, split, asked.epochs, CHECKED[asked.net])))


if __name__ == "__main__":
    main()
