"""Short trainings with fixed seeds, whose scores must stay where they were: `make nightly`.

    python -m benchmarks.nightly             compare with the stored ranges; exit 1 outside one
    python -m benchmarks.nightly --measure   store new ranges, after a change that is meant

Ten networks train on 5,000 images, with two seeds each: some minutes. `nightly.csv` beside this
file holds, for each, how many of 2,000 validation images five seeds got right, and the range that
is allowed: three standard deviations of a seed beyond the lowest and the highest. A slip in a cost,
a penalty, an initial weight or the data moves a count further; another processor's rounding does
not.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from benchmarks.parsers import command_parser
from benchmarks.rows import Row, read_rows, write_rows
from zoo.data import Data, load_data
from zoo.registry import get_spec
from zoo.training.train import train

CSV = Path(__file__).resolve().parent / "nightly.csv"
COLUMNS = ("network", "epochs", "counts", "low", "high")
IMAGES, VALIDATION = 5_000, 2_000
SEEDS = range(5)  # that ranges are made of
CHECKED = range(2)  # that are trained each night
# Epochs of each, so that it has learned something, and none takes more than a minute.
NETWORKS = {
    "linear": 3,
    "mlp30": 5,
    "mlp30.quadratic": 5,
    "mlp30x3": 20,
    "mlp100.l2": 5,
    "shallow": 5,
    "conv1": 3,
    "conv2_tanh": 3,
    "conv2_relu.expanded": 1,
    "conv2_relu_dropout.fast": 2,
}


@dataclass(frozen=True)
class Allowed:
    """The range of a network's counts."""

    low: int
    high: int

    @classmethod
    def of(cls, counts: Sequence[int]) -> Allowed:
        """Three standard deviations beyond the counts of several seeds.

        >>> Allowed.of([1800, 1810, 1805])
        Allowed(low=1785, high=1825)
        """
        beyond = 3 * statistics.stdev(counts)
        return cls(round(min(counts) - beyond), round(max(counts) + beyond))

    def __contains__(self, count: int) -> bool:
        return self.low <= count <= self.high


def main(arguments: list[str] | None = None) -> int:
    """Train, print a line a network, and return 1 where a count is out of its range."""
    parser = command_parser("benchmarks.nightly", __doc__)
    parser.add_argument("--measure", action="store_true", help="store new ranges")
    asked = parser.parse_args(arguments)
    data = load_data(progress=False)
    if asked.measure:
        rows = [_measured(name, counts) for name, counts in _trained(data, SEEDS)]
        write_rows(rows, CSV, COLUMNS)
        return 0
    ranges = {row["network"]: Allowed(int(row["low"]), int(row["high"])) for row in read_rows(CSV)}
    wrong = 0
    for name, counts in _trained(data, CHECKED):
        allowed = ranges[name]
        outside = [count for count in counts if count not in allowed]
        wrong += bool(outside)
        print(
            f"{name}: {' '.join(map(str, counts))} of {VALIDATION:,}, "
            f"{allowed.low} to {allowed.high} allowed{': OUTSIDE' if outside else ''}",
            flush=True,
        )
    return 1 if wrong else 0


def _measured(name: str, counts: Sequence[int]) -> Row:
    allowed = Allowed.of(counts)
    row = (name, NETWORKS[name], " ".join(map(str, counts)), allowed.low, allowed.high)
    return dict(zip(COLUMNS, row, strict=True))


def _trained(data: Data, seeds: Sequence[int]) -> Iterator[tuple[str, list[int]]]:
    """Each network with how many validation images it got right, seed by seed."""
    for name, epochs in tqdm(NETWORKS.items(), unit=" networks"):
        yield name, [count(name, epochs, data, seed) for seed in seeds]


def count(name: str, epochs: int, data: Data, seed: int) -> int:
    """Of the first validation images, how many a short training gets right after its last epoch.

    Args:
        name: Of the network, which follows its own recipe but for its length.
        epochs: How many.
        data: Of which the first images are taken.
        seed: Of initial weights, order and masks.
    """
    few = replace(data.take(IMAGES), validation=data.validation.take(VALIDATION))
    spec = get_spec(name)
    last = min(1, spec.recipe.dropout_off_epochs)
    spec = spec.with_settings(epochs=epochs, dropout_off_epochs=last)
    result = train(spec, few, seed=seed, progress=False)
    return round(result.history[-1]["val_accuracy"] * VALIDATION)


if __name__ == "__main__":
    raise SystemExit(main())
