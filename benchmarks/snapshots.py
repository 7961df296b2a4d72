"""Five members from one run: a snapshot ensemble of `conv2_relu_dropout.fast`.

    python -m benchmarks.snapshots

Each member goes on from the one before, for a further cycle of the learning rate. Expect a row a
seed in `snapshots.csv` beside this file, some 20 minutes each; a seed that is there is not trained
again, and an interrupted one goes on where it was. What is asked, and how it is decided, was
written down before, in `members_of_one_run.md`. The test images are never looked at.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from benchmarks.parsers import command_parser
from benchmarks.rows import read_rows, write_rows
from zoo.data import Data, load_data
from zoo.evaluation.diversity import diversity
from zoo.pretrained.models import vote
from zoo.registry import get_spec
from zoo.reproduction.tables import write_table
from zoo.spec import ModelSpec
from zoo.training import parallel
from zoo.training.train import train

CSV = Path(__file__).resolve().parent / "snapshots.csv"
COLUMNS = ("seed", "images", "members", "vote", "disagreement", "seconds")
SEEDS = (31, 32, 33)
FOLDER = Path("runs") / "snapshots"

RECIPE = get_spec("conv2_relu_dropout.fast")
FIRST = RECIPE.with_settings(epochs=16, dropout_off_epochs=5)
CYCLE = RECIPE.with_settings(epochs=6, dropout_off_epochs=2)


def main(arguments: list[str] | None = None) -> int:
    """Train what is missing, and print the table."""
    parser = command_parser("benchmarks.snapshots", __doc__)
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time, a seed each")
    parser.add_argument("--table", action="store_true", help="train nothing")
    parser.add_argument("--write", type=Path, metavar="FILE", help="the table, into this document")
    asked = parser.parse_args(arguments)
    if asked.write:
        write_table(table(read_rows(CSV)), asked.write, "snapshots")
        return 0
    there = {int(row["seed"]) for row in read_rows(CSV)}
    calls = [(seed,) for seed in SEEDS if seed not in there]
    for _, row in parallel.results(run, () if asked.table else calls, asked.jobs, tensorflow=True):
        write_rows([*read_rows(CSV), row], CSV, COLUMNS)
    print(table(read_rows(CSV)))
    return 0


def run(seed: int) -> dict[str, Any]:
    """The row of a seed, by the cycles that the question names."""
    return measure((FIRST, *[CYCLE] * 4), load_data(progress=False), seed, FOLDER)


def measure(cycles: Sequence[ModelSpec], data: Data, seed: int, folder: Path) -> dict[str, Any]:
    """Train the members one after another, and let them vote on the validation images.

    Args:
        cycles: What each member trains by, of one architecture.
        data: Training and validation images.
        seed: Of the vote; each member has one of its own.
        folder: Where the runs are kept, a folder a member.
    """
    models: list[keras.Model] = []
    images, seconds = 0, 0.0
    for number, spec in enumerate(cycles):
        result = train(
            spec,
            data,
            seed=100 * seed + number,
            start=models[-1] if models else None,
            out=folder / f"seed{seed}-member{number + 1}",
            progress=False,
        )
        models.append(result.model)
        images += result.spec.recipe.epochs * result.spec.recipe.images
        seconds += result.seconds
    found = diversity(vote(models), data.validation)
    return {
        "seed": seed,
        "images": images,
        "members": " ".join(str(score.correct) for score in found.scores),
        "vote": found.vote.correct,
        "disagreement": round(float(found.pairs.mean()), 5),
        "seconds": round(seconds, 1),
    }


def table(rows: Sequence[dict[str, Any]]) -> str:
    """A line a vote, and their mean where there are several, in Markdown."""
    lines = [
        "| seed | members, validation images right | the vote | two members disagree on |",
        "| --- | --- | --- | --- |",
    ]
    for row in rows:
        share = f"{100 * float(row['disagreement']):.2f} %"
        lines.append(f"| {row['seed']} | {row['members']} | {row['vote']} | {share} |")
    if len(rows) > 1:
        votes = [int(row["vote"]) for row in rows]
        error = statistics.stdev(votes) / len(votes) ** 0.5
        lines.append(f"| mean | | {statistics.mean(votes):.1f} ± {error:.1f} | |")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
