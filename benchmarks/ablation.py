"""What each ingredient of the fast recipe brings: the recipe with one thing changed, on validation.

    python -m benchmarks.ablation

Each variant trains `conv2_relu_dropout.fast` with some settings changed, with each seed, and adds a
row to `ablation.csv` beside this file: the settings, the seed, and how many of the 10,000
validation images the last epoch got right. The test images are never looked at. A variant whose row
is there is not trained again, and an interrupted one goes on where it was. Expect minutes a row;
`--table` prints what is there.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

from benchmarks.rows import read_rows, write_rows
from zoo.data import load_data
from zoo.registry import get_spec
from zoo.reproduction.tables import write_table
from zoo.spec import ModelSpec
from zoo.training import parallel
from zoo.training.train import train

NETWORK = "conv2_relu_dropout.fast"
CSV = Path(__file__).resolve().parent / "ablation.csv"
COLUMNS = ("settings", "spec_hash", "seed", "validation", "seconds")

# What is changed against the recipe: first nothing, then, downwards, the way to it backwards.
DROPOUT_TO_THE_END = {"dropout_off_epochs": 0, "precision": "mixed_bfloat16"}
NO_SKEW = {**DROPOUT_TO_THE_END, "augment": ["shift", "rotate"]}
BATCH_100 = {**NO_SKEW, "batch_size": 100}
SHIFTS = {**BATCH_100, "augment": ["shift"]}
FIRST_TRY = {**SHIFTS, "l2": 25.0, "precision": "float32"}
VARIANTS = (
    {},
    DROPOUT_TO_THE_END,
    NO_SKEW,
    {**NO_SKEW, "label_smoothing": 0.1},
    BATCH_100,
    {**BATCH_100, "learning_rate": 0.2},
    {**BATCH_100, "l2": 25.0},
    {**BATCH_100, "augment": ["shift", "elastic"]},
    SHIFTS,
    FIRST_TRY,
    {**FIRST_TRY, "learning_rate": 0.05},
)
SEEDS = (11, 12)


def main(arguments: list[str] | None = None) -> int:
    """Train what is missing, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablation", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--table", action="store_true", help="train nothing")
    parser.add_argument("--write", type=Path, metavar="FILE", help="the table, into this document")
    asked = parser.parse_args(arguments)
    if asked.write:
        write_table(table(read()), asked.write, "ablation")
        return 0
    if not asked.table:
        run(asked.jobs)
    print(table(read()))
    return 0


def run(jobs: int) -> None:
    """Train every variant with every seed that has no row yet."""
    known = {(row["spec_hash"], int(row["seed"])) for row in read()}
    calls = [
        (settings, seed)
        for settings in VARIANTS
        for seed in SEEDS
        if (_spec(settings).hash, seed) not in known
    ]
    for _, row in parallel.results(measure, calls, jobs, tensorflow=True):
        write([*read(), row])


def measure(settings: dict, seed: int) -> dict:
    """Train one variant with one seed: its row."""
    spec = _spec(settings)
    folder = Path("runs") / "ablation" / f"{spec.hash[:12]}-seed{seed}"
    result = train(spec, load_data(progress=False), seed=seed, out=folder, progress=False)
    last = result.history[-1]["val_accuracy"]
    return {
        "settings": json.dumps(settings, sort_keys=True),
        "spec_hash": spec.hash,
        "seed": seed,
        "validation": round(10_000 * last),
        "seconds": round(result.seconds, 1),
    }


def table(rows: list[dict]) -> str:
    """A line for each variant: what is changed, and the mean over its seeds, in Markdown."""
    lines = ["| changed | validation, mean | runs |", "| --- | --- | --- |"]
    for settings in VARIANTS:
        found = [int(row["validation"]) for row in rows if row["spec_hash"] == _spec(settings).hash]
        changed = ", ".join(f"{name} = {value}" for name, value in settings.items()) or "nothing"
        mean = f"{statistics.mean(found) / 100:.2f} %" if found else "missing"
        lines.append(f"| {changed} | {mean} | {len(found)} |")
    return "\n".join(lines)


def read() -> list[dict]:
    """All rows measured so far."""
    return read_rows(CSV)


def write(rows: list[dict]) -> None:
    """Put all rows into the file, whole or not at all."""
    write_rows(rows, CSV, COLUMNS)


def _spec(settings: dict) -> ModelSpec:
    return get_spec(NETWORK).with_settings(**settings)


if __name__ == "__main__":
    raise SystemExit(main())
