"""The rows that a benchmark measured, in a CSV file beside it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from zoo.utils.atomic import atomic_write

Row = dict[str, Any]


def read_rows(path: Path) -> list[Row]:
    """All rows of a file, their values as text; none where there is no file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write_rows(rows: Iterable[Row], path: Path, columns: Sequence[str]) -> None:
    """Put all rows into a file, whole or not at all."""
    with atomic_write(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
