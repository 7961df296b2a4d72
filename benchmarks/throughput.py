"""Images per second that train: this project beside plain Keras, PyTorch, JAX and NumPy.

    python -m benchmarks.throughput

Each program of `benchmarks/peers` trains the same network in batches of ten, or of as many as its
name goes on with, in a process of its own, on real MNIST, on the processor (never a GPU). Rounds
are interleaved, so that all share the machine's moods, and medians are told. PyTorch runs with its
own choice of threads and with one, and the better result counts; the other peers run with what
suits batches of ten best. A program that learns otherwise than the rest is refused: nobody is fast
by being wrong.

Expect a table for each network, and beside this file `throughput.csv` (a row per measurement) and
`throughput.png`, after some eleven minutes. PyTorch and JAX are told 'not installed' where they are
not: `pip install -r benchmarks/requirements.txt`. Without a C++ compiler `torch.compile` is left
out.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from tqdm import tqdm

from benchmarks.peak import MFLOP, peak, share
from benchmarks.peers import PEERS
from benchmarks.rows import Row, read_rows, write_rows
from benchmarks.speeds import draw, durations, markdown, speed, table
from zoo.errors import RunError, ZooError
from zoo.reproduction.tables import write_table
from zoo.utils.machine import processor

HERE = Path(__file__).resolve().parent

# Images and epochs of one measurement: some seconds each, on a laptop.
WORK = {
    "mlp30": {
        "zoo": (50_000, 6),
        "keras": (10_000, 2),
        "keras_tuned": (20_000, 3),
        "torch": (20_000, 3),
        "jax": (50_000, 6),
        "numpy": (10_000, 3),
    },
    "conv2_relu": {
        "zoo": (5_000, 3),
        "zoo_onednn": (5_000, 2),
        "keras": (5_000, 2),
        "keras_tuned": (5_000, 2),
        "torch": (5_000, 2),
        "torch_channels_last": (5_000, 2),
        "torch_compiled": (5_000, 2),
        "jax": (2_000, 1),
    },
    # The others know no dropout.
    "conv2_relu_dropout": {"zoo": (5_000, 2), "zoo_onednn": (5_000, 2)},
    "conv2_relu_dropout:50": {"zoo": (10_000, 2), "zoo_onednn": (10_000, 2)},
}
PACKAGES = {
    "zoo": ("keras", "tensorflow"),
    "zoo_onednn": ("keras", "tensorflow"),
    "keras": ("keras", "tensorflow"),
    "keras_tuned": ("keras", "tensorflow"),
    "torch": ("torch",),
    "torch_channels_last": ("torch",),
    "torch_compiled": ("torch",),
    "jax": ("jax",),
    "numpy": ("numpy",),
}
# Batches of ten are too small for some programs to share among threads; others gain.
THREADS = {
    "keras": (1,),
    "keras_tuned": (1,),
    "torch": (None, 1),
    "torch_channels_last": (None, 1),
    "torch_compiled": (1,),
    "numpy": (1,),
}
COLUMNS = (
    "date", "net", "peer", "threads", "round", "images", "epochs", "seconds", "images_per_second",
    "learned", "accuracy", "versions", "processor",
)  # fmt: skip

# How far from the others' median accuracy, in 0..1, a program may be after the same training.
TOLERANCE = 0.1
TIMEOUT = 600  # seconds; on a busy machine a compiler may take minutes


def main(arguments: list[str] | None = None) -> int:
    """Measure the programs, write rows and picture, print the table; return the exit code."""
    asked = _parser().parse_args(arguments)
    if asked.write:
        rows = read_csv(asked.out / "throughput.csv")
        write_table(markdown(rows), asked.write, "throughput")
        write_table(durations(rows), asked.write, "durations")
        return 0
    try:
        plan = {net: [peer for peer in WORK[net] if peer in asked.peers] for net in asked.nets}
        rows = run(plan, asked.rounds, asked.images)
        check_learning(rows)
        write_rows(rows, asked.out / "throughput.csv", COLUMNS)
        draw(rows, asked.out / "throughput.png")
    except ZooError as error:
        print(f"throughput: {error}", file=sys.stderr)
        return 1
    print(table(rows, plan))
    reached = {net: ours[0] for net in MFLOP if (ours := speed(rows, net, "zoo"))}
    gflops = peak() if reached else 0.0
    for net, fast in reached.items():
        print(share(net, fast, gflops))
    return 0


def run(plan: Mapping[str, list[str]], rounds: int, images: int | None) -> list[Row]:
    """Measure every installed peer of each net's list, once a round; one row a measurement.

    `images` stands in for the images of an epoch, where given. Raises RunError where a measurement
    fails.
    """
    asked = dict.fromkeys(peer for peers in plan.values() for peer in peers)
    there = list(filter(installed, asked))
    jobs = [
        (number, net, peer, threads)
        for number in range(1, rounds + 1)
        for net, peers in plan.items()
        for peer in peers
        if peer in there
        for threads in THREADS.get(peer, (None,))
    ]
    rows = []
    with tqdm(jobs, unit=" runs", disable=not sys.stderr.isatty()) as bar:
        for number, net, peer, threads in bar:
            bar.set_postfix_str(f"round {number}, {net}, {peer}")
            rows.append({"round": number, **measure(net, peer, threads, images)})
    return rows


def installed(peer: str) -> bool:
    """Whether all packages of a program can be imported, and what it compiles with is there."""
    if peer == "torch_compiled" and not shutil.which(os.environ.get("CXX", "g++")):
        print("torch_compiled is left out: it needs a C++ compiler (g++)", file=sys.stderr)
        return False
    return all(importlib.util.find_spec(package) for package in PACKAGES[peer])


def measure(net: str, peer: str, threads: int | None = None, images: int | None = None) -> Row:
    """One measurement, in a fresh process of this interpreter."""
    usual, epochs = WORK[net][peer]
    images = images or usual
    command = [sys.executable, "-m", "benchmarks.peers", peer, net]
    command += [f"--images={images}", f"--epochs={epochs}"]
    try:
        done = subprocess.run(
            command,
            cwd=HERE.parent,
            env={**os.environ, **_environment(peer, threads)},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        raise RunError(
            f"{peer} on {net} has not ended in {TIMEOUT} s: is the machine busy? Leave it out by "
            "--peers, or name fewer --images"
        ) from None
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise RunError(f"{peer} failed on {net}: {reason}. See it whole: {' '.join(command[1:])}")
    printed = json.loads(done.stdout.splitlines()[-1])
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "net": net,
        "peer": peer,
        "threads": threads or "default",
        "images": images,
        "epochs": epochs,
        "images_per_second": images * epochs / printed["seconds"],
        "versions": " ".join(f"{package}={version(package)}" for package in PACKAGES[peer]),
        "processor": f"{processor()}, {os.cpu_count()} cores",
        **printed,
    }


def _environment(peer: str, threads: int | None) -> dict[str, str]:
    processor_only = {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "-1"}
    if threads:
        names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
        return {**processor_only, **dict.fromkeys(names, str(threads))}
    return processor_only


def check_learning(rows: list[Row]) -> None:
    """Raise RunError for a measurement whose program did not learn as the others did.

    After the same training its accuracy must be near the others' median, and the timed epochs must
    not have lost it.
    """
    for row in rows:
        others = [
            other["learned"]
            for other in rows
            if other["net"] == row["net"] and other["peer"] != row["peer"]
        ]
        expected = statistics.median(others) if others else row["learned"]
        if not abs(row["learned"] - expected) <= TOLERANCE:
            raise RunError(
                f"{row['peer']} on {row['net']} is refused: after the same training it classifies "
                f"{row['learned']:.1%} of the images correctly, the others {expected:.1%}"
            )
        if not row["accuracy"] >= row["learned"] - TOLERANCE:
            raise RunError(
                f"{row['peer']} on {row['net']} is refused: the timed epochs brought its accuracy "
                f"from {row['learned']:.1%} down to {row['accuracy']:.1%}"
            )


def read_csv(path: Path) -> list[Row]:
    """The measurements of an earlier run."""
    return [
        {**row, "images_per_second": float(row["images_per_second"])} for row in read_rows(path)
    ]


def _parser() -> argparse.ArgumentParser:
    about, _, more = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.throughput",
        description=about,
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--nets", nargs="+", choices=WORK, default=list(WORK))
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, help="in an epoch, for every program")
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the two files")
    parser.add_argument(
        "--write",
        type=Path,
        metavar="FILE",
        help="measure nothing: put the table into this file",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
