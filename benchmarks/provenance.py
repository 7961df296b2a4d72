"""Which code a benchmark measured: a hash of it beside the figures, and whether it has changed.

    python -m benchmarks

lists every file of figures with the date and the processor of its rows, and says which of them are
older than the code that they measured. With `--write` date and processor go below the tables of
speeds, in `docs/`.
"""

from __future__ import annotations

import ast
import csv
import hashlib
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

FOLDER = Path(__file__).resolve().parent

# When this process had read the code, or began to.
_BEGAN = time.time()

# What decides each benchmark's figures, besides its own program.
_TRAINING = ("zoo/spec", "zoo/nn", "zoo/training", "zoo/networks.py")
_ALTERED = ("zoo/data/augment.py", "zoo/data/expand.py")
MEASURED = {
    "throughput": (*_TRAINING, "benchmarks/peers"),
    "vectorized": (*_TRAINING, "tuning/vectorized"),
    "ablation": (
        *_TRAINING,
        *_ALTERED,
        "benchmarks/alterations.py",
        "benchmarks/averaging.py",
    ),
    "snapshots": (*_TRAINING, *_ALTERED, "zoo/pretrained/models.py", "zoo/evaluation/diversity.py"),
    "vote_members": (*_TRAINING, *_ALTERED, "zoo/reproduction/ensembles.py"),
    "vote_rules": (
        "zoo/pretrained",
        "zoo/nn/builder.py",
        "zoo/nn/voting.py",
        "zoo/data/expand.py",
        "benchmarks/averaging.py",
    ),
    "search": (
        *_TRAINING,
        "tuning/strategies",
        "tuning/fidelity.py",
        "tuning/vectorized",
        "benchmarks/search_problems.py",
    ),
    "serving": ("zoo/export", "zoo/pretrained", "zoo/nn/builder.py"),
    "load": ("zoo/serve",),
    "startup": ("zoo/__init__.py", "zoo/cli", "zoo/pretrained", "zoo/utils"),
    "nightly": (*_TRAINING, *_ALTERED),
    "fine_tuning": (*_TRAINING, "zoo/pretrained"),
}


# The documents that have the tables of speeds.
CAPTIONS = {
    "throughput": "performance.md",
    "vectorized": "performance.md",
    "serving": "performance.md",
    "startup": "performance.md",
    "load": "serving.md",
}


def measured_now(benchmark: str) -> dict[str, str]:
    """The columns that say of what, and when, new rows are: `measured_at` and `sources`.

    Where a file was written since this process began, `sources` is empty: nobody knows which code
    was measured.
    """
    today = {"measured_at": f"{datetime.now(UTC):%Y-%m-%d}"}
    sources = _files((*MEASURED.get(benchmark, ()), f"benchmarks/{benchmark}.py"))
    if changed := [path for path in sources if path.stat().st_mtime > _BEGAN]:
        print(f"{changed[0]} changed while it was measured: the rows name no code", file=sys.stderr)
        return {**today, "sources": ""}
    return {**today, "sources": sources_hash(benchmark)}


def sources_hash(benchmark: str) -> str:
    """The first 16 digits of the SHA-256 of the code that a benchmark measures.

    Comments, docstrings and layout do not count: they change no figure.

    Args:
        benchmark: The name of its CSV file, without the ending.
    """
    digest = hashlib.sha256()
    for path in _files((*MEASURED.get(benchmark, ()), f"benchmarks/{benchmark}.py")):
        digest.update(f"{path.relative_to(FOLDER.parent)}\n{_code(path)}\n".encode())
    return digest.hexdigest()[:16]


def report(folder: Path = FOLDER) -> list[str]:
    """A line a file of figures: when and on what it was measured, and whether the code is the same.

    Args:
        folder: Where the CSV files are.
    """
    return [_line(folder / f"{name}.csv") for name in MEASURED if (folder / f"{name}.csv").exists()]


def caption(path: Path) -> str:
    """When and on what a file's figures were measured, in a sentence to stand below their table."""
    at, on = _when_and_where(_rows(path))
    return f"*Measured: {at}, {on}.*"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _when_and_where(rows: list[dict[str, str]]) -> tuple[str, str]:
    processors = {row["processor"] for row in rows if row.get("processor")}
    dates = {date[:10] for row in rows if (date := row.get("measured_at") or row.get("date") or "")}
    at = " to ".join(sorted(dates)[:: max(1, len(dates) - 1)]) or "no date"
    return at, " and ".join(sorted(processors)) or "a processor that was not noted"


def _line(path: Path) -> str:
    rows = _rows(path)
    at, on = _when_and_where(rows)
    known = {row.get("sources") or "" for row in rows}
    if known == {sources_hash(path.stem)}:
        state = "of this code"
    elif known <= {""}:
        state = "of code that was not noted"
    else:
        state = "older than the code, in part or all"
    return f"{path.name}: {len(rows):,} rows, {at}, {on}: {state}"


def _files(names: tuple[str, ...]) -> Iterator[Path]:
    for name in sorted(names):
        path = FOLDER.parent / name
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path] * path.exists()


def _code(path: Path) -> str:
    """A module as its syntax tree, without docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
            and isinstance(body[0].value.value, str)
        ):
            del body[0]
    return ast.dump(tree)
