"""What one core can do at most: matrix products of single precision, in GFLOP a second.

    python -m benchmarks.peak

The median of some rounds of 512 x 512 products, which XLA compiles, on one thread.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

# Multiplications and additions that training on one image of a network takes, in millions.
MFLOP = {"conv2_relu": 9.2, "conv2_relu_dropout": 18.7}
SIZE, PRODUCTS, ROUNDS = 512, 50, 15


def peak() -> float:
    """GFLOP a second of one core, measured in a process of its own."""
    threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.peak"],
        cwd=Path(__file__).resolve().parent.parent,
        env={**os.environ, **threads, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1])


def share(net: str, images_per_second: float, gflops: float) -> str:
    """A line: the speed of a network as a share of the peak.

    >>> share("conv2_relu", 12_000, 200.0)
    'conv2_relu: 110 GFLOP/s at 9.2 MFLOP an image, 55 % of the 200 GFLOP/s of one core'
    """
    reached = images_per_second * MFLOP[net] / 1000
    return (
        f"{net}: {reached:.0f} GFLOP/s at {MFLOP[net]} MFLOP an image, "
        f"{reached / gflops:.0%} of the {gflops:.0f} GFLOP/s of one core".replace("%", " %")
    )


def main() -> None:
    """Measure in this process, and print the number."""
    import tensorflow as tf

    @tf.function(jit_compile=True)
    def products(a):
        for _ in tf.range(PRODUCTS):
            a = tf.matmul(a, a) * 0.001  # so that no product can be left out
        return a

    a = tf.random.stateless_uniform((SIZE, SIZE), (0, 0), -1, 1)
    products(a).numpy()
    speeds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        products(a).numpy()
        speeds.append(2 * SIZE**3 * PRODUCTS / (time.perf_counter() - began) / 1e9)
    print(statistics.median(speeds))


if __name__ == "__main__":
    main()
