"""How the published vote of five counts best: plurality or mean, with and without test-time shifts.

    python -m benchmarks.vote_rules

Nothing is trained. Expect a row a way in `vote_rules.csv` beside this file, after a minute. What is
compared, and how it is decided, was written down before, in `how_a_vote_counts.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.averaging import shifted_outputs
from benchmarks.parsers import command_parser
from benchmarks.rows import read_rows, write_rows
from zoo.data import Data, Split, load_data
from zoo.reproduction.tables import write_table

CSV = Path(__file__).resolve().parent / "vote_rules.csv"
COLUMNS = ("network", "rule", "shifts", "validation", "p", "test")
NETWORK = "conv2_relu_dropout_x5.long"
RULES = ("plurality", "mean")


def main(arguments: list[str] | None = None) -> int:
    """Count, and print the table."""
    parser = command_parser("benchmarks.vote_rules", __doc__)
    parser.add_argument("--write", type=Path, metavar="FILE", help="the table, into this document")
    asked = parser.parse_args(arguments)
    if asked.write:
        write_table(table(read_rows(CSV)), asked.write, "vote-rules")
        return 0
    write_rows(measure(NETWORK, load_data(progress=False)), CSV, COLUMNS)
    print(table(read_rows(CSV)))
    return 0


def measure(network: str, data: Data) -> list[dict[str, Any]]:
    """A row for each way to count a vote.

    Args:
        network: A vote of the zoo; the weights are the published ones.
        data: The validation and the test images.
    """
    import zoo
    from zoo.nn.voting import members

    voters = members(zoo.load(network))
    each = [outputs(voters, split) for split in (data.validation, data.test)]
    plain, moved = zip(*each, strict=True)
    rows = []
    for shifts, (validation, test) in (("no", plain), ("yes", moved)):
        book = right("plurality", validation, data.validation)
        for rule in RULES:
            ours = right(rule, validation, data.validation)
            rows.append(
                {
                    "network": network,
                    "rule": rule,
                    "shifts": shifts,
                    "validation": int(ours.sum()),
                    "p": round(mcnemar(ours, book), 4),
                    "test": int(right(rule, test, data.test).sum()),
                }
            )
    return rows


def outputs(voters: Sequence[Any], split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Each member's probabilities, [members, n, classes]: for images, and with test-time shifts."""
    each = np.array([shifted_outputs(voter, split.images) for voter in voters])
    return each[:, 0], each.mean(axis=1)


def right(rule: str, probabilities: np.ndarray, split: Split) -> np.ndarray:
    """Which images a vote has right, [n] of bool.

    Args:
        rule: 'plurality' or 'mean'.
        probabilities: Of the members, [members, n, classes].
        split: The images, for their labels.
    """
    from zoo.nn.voting import Tally

    tally = Tally(rule, dtype="float32")
    return np.asarray(tally(list(probabilities))).argmax(axis=1) == split.labels


def mcnemar(ours: np.ndarray, theirs: np.ndarray) -> float:
    """McNemar's exact test that two classifiers are right equally often, on the same images.

    Args:
        ours: Which images one has right, [n] of bool.
        theirs: And which the other.

    Returns:
        The two-sided p, above 0 and at most 1.

    >>> mcnemar(np.array([True] * 6), np.array([False] * 6))
    0.03125
    """
    from scipy.stats import binomtest

    better, worse = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    return float(binomtest(better, better + worse).pvalue) if better + worse else 1.0


def table(rows: Sequence[dict[str, Any]]) -> str:
    """A line a way to count, in Markdown."""
    lines = [
        "| members' outputs | test-time shifts | validation | p, beside the plurality | test |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        p = "-" if row["rule"] == "plurality" else f"{float(row['p']):.2f}"
        right = [f"{int(row[split]) / 100:.2f} %" for split in ("validation", "test")]
        cells = (row["rule"], row["shifts"], right[0], p, right[1])
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
