"""The rows that a benchmark measured, in a CSV file beside it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.provenance import measured_now
from zoo.utils.atomic import atomic_write

Row = dict[str, Any]

_STAMP = ("measured_at", "sources")


def read_rows(path: Path) -> list[Row]:
    """All rows of a file, their values as text; none where there is no file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [dict.fromkeys(_STAMP, "") | row for row in csv.DictReader(file)]


def write_rows(rows: Iterable[Row], path: Path, columns: Sequence[str]) -> None:
    """Put all rows into a file, whole or not at all; new ones say which code they measured.

    Args:
        rows: Those that `read_rows` gave, as they are, and new ones.
        path: The file, named after the benchmark.
        columns: What a row holds, besides `measured_at` and `sources`.
    """
    stamp = measured_now(path.stem)
    with atomic_write(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, (*columns, *_STAMP), lineterminator="\n")
        writer.writeheader()
        writer.writerows(stamp | row for row in rows)
