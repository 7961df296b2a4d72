"""What members make the better vote of five: the recipe of half the images, and one change to it.

    python -m benchmarks.vote_members --jobs 2

Ten networks a candidate are trained, in `runs/` beside those of `zoo reproduce`, and all 252 votes
of five that they allow are scored on the validation images. Expect a row a candidate and way of
counting in `vote_members.csv` beside this file, after some four minutes of a core a network; an
interrupted run goes on where it was. What is compared, and how it is decided, was written down
before, in `members_of_a_vote.md`. The test images are never looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ablation import STUDIES
from benchmarks.parsers import command_parser
from benchmarks.rows import read_rows, write_rows
from zoo.data import load_data
from zoo.evaluation.scores import outputs_of
from zoo.reproduction.ensembles import count_correct, sample_subsets
from zoo.reproduction.reproduce import run_folder
from zoo.reproduction.tables import write_table
from zoo.training import parallel
from zoo.training.train import train

CSV = Path(__file__).resolve().parent / "vote_members.csv"
COLUMNS = ("members", "rule", "alone", "vote", "gain", "error")
SEEDS = tuple(range(10))
OF, VOTES = 5, 252
RULES = ("plurality", "mean")

STUDY = STUDIES["half"]
BASE = STUDY.variants[0]
# By the name of the folders of their runs; the first is what the others are compared with.
CANDIDATES: dict[str, dict[str, Any]] = {
    "conv2_relu_dropout.half": BASE,
    "conv2_relu_dropout.half.label_smoothing": {**BASE, "label_smoothing": 0.1},
}


def main(arguments: list[str] | None = None) -> int:
    """Train what is missing, count the votes, and print the table."""
    parser = command_parser("benchmarks.vote_members", __doc__)
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--write", type=Path, metavar="FILE", help="the table, into this document")
    asked = parser.parse_args(arguments)
    if asked.write:
        write_table(table(read_rows(CSV)), asked.write, "vote-members")
        return 0
    labels = load_data(progress=False).validation.labels
    calls = [(name, seed) for name in CANDIDATES for seed in SEEDS]
    outputs = dict(parallel.results(validation_outputs, calls, asked.jobs, tensorflow=True))
    pools = np.stack([outputs[number] for number in range(len(calls))])
    pools = pools.reshape(len(CANDIDATES), len(SEEDS), *pools.shape[1:])
    rows = compare(dict(zip(CANDIDATES, pools, strict=True)), labels)
    write_rows(rows, CSV, COLUMNS)
    print(table(read_rows(CSV)))
    return 0


def validation_outputs(name: str, seed: int) -> np.ndarray:
    """The outputs of one network for the validation images, trained where its run is not there.

    Args:
        name: Of a candidate.
        seed: Of the run.

    Returns:
        [images, 10].
    """
    data = load_data(progress=False)
    spec = STUDY.spec(CANDIDATES[name])
    result = train(spec, data, seed=seed, out=run_folder(name, seed), progress=False)
    return outputs_of(result.model, data.validation)


def compare(pools: dict[str, np.ndarray], labels: np.ndarray, of: int = OF) -> list[dict[str, Any]]:
    """Score all votes that each pool of networks allows, and compare pools with the first.

    Args:
        pools: Outputs [networks, images, classes] by candidate, those of one seed at one place.
        labels: [images], the true classes.
        of: Members of a vote.

    Returns:
        A row for each candidate and way of counting: the mean number of images right of one network
        and of the votes, the difference of the latter to the first candidate's, and its standard
        error, by a jackknife over the seeds.
    """
    (size,) = {len(outputs) for outputs in pools.values()}
    subsets = sample_subsets(size, of, most=10**6)
    rows = []
    for rule in RULES:
        votes = [count_correct(outputs, labels, subsets, rule) for outputs in pools.values()]
        for (name, outputs), counts in zip(pools.items(), votes, strict=True):
            alone = (outputs.argmax(axis=-1) == labels).sum(axis=1)
            gains = counts - votes[0]
            rows.append(
                {
                    "members": name,
                    "rule": rule,
                    "alone": round(float(alone.mean()), 2),
                    "vote": round(float(counts.mean()), 2),
                    "gain": round(float(gains.mean()), 2),
                    "error": round(jackknife_error(gains, subsets, size), 2),
                }
            )
    return rows


def jackknife_error(values: np.ndarray, subsets: np.ndarray, size: int) -> float:
    """The standard error of a mean over votes that share their members.

    Args:
        values: [votes].
        subsets: [votes, of], the members of each vote, in 0..size - 1.
        size: Networks of the pool; more than a vote has members.

    Returns:
        The jackknife's estimate (Efron and Stein 1981): how far the mean moves as one network after
        the other is left out.

    >>> places = np.array([[0], [1], [2]])  # votes of one: the error of an ordinary mean
    >>> jackknife_error(np.array([1.0, 2.0, 3.0]), places, 3) == (1 / 3) ** 0.5
    True
    """
    without = [values[(subsets != member).all(axis=1)].mean() for member in range(size)]
    return float(np.sqrt((size - 1) * np.var(without)))


def table(rows: Sequence[dict[str, Any]]) -> str:
    """A line for each candidate and way of counting, in Markdown."""
    lines = [
        f"| members | counted by | one alone | mean of {VOTES} votes | images better |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        alone, vote = (f"{float(row[name]) / 100:.2f} %" for name in ("alone", "vote"))
        gain = f"{float(row['gain']):+.1f} ± {float(row['error']):.1f}"
        first = row["members"] == next(iter(CANDIDATES))
        cells = (f"`{row['members']}`", row["rule"], alone, vote, "-" if first else gain)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
