"""The results: a row for every run in a CSV file, and the table of the book beside us made of it.

Rows are appended whole, under a lock, one for each spec, seed and data set, and never changed.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path

from zoo.errors import RunError
from zoo.spec import Claim
from zoo.utils.regular import readable

RESULTS = Path("benchmarks/results.csv")


@dataclass(frozen=True)
class Row:
    """One run. Counts are of correct images: `validation` and `test` at the best validation epoch.

    `test_best` and `test_last` are by the protocols of chapters 1 and 3, as is `validation_last`;
    `best_epoch` is counted from 1. `versions` names the software, `data` the images' fingerprint.
    """

    name: str
    spec_hash: str
    seed: int
    data: str
    epochs: int
    best_epoch: int
    validation: int
    validation_last: int
    validation_total: int
    test: int
    test_best: int
    test_last: int
    test_total: int
    seconds: float
    images_per_second: float
    versions: str
    processor: str
    date: str

    @property
    def key(self) -> tuple[str, int, str]:
        """What makes two rows the same run: declaration, seed and data."""
        return self.spec_hash, self.seed, self.data

    def measured(self, claim: Claim) -> float:
        """The accuracy in per cent, by a claim's protocol."""
        counts = {
            ("validation", "best epoch"): self.validation,
            ("validation", "best validation epoch"): self.validation,
            ("validation", "last epoch"): self.validation_last,
            ("test", "best epoch"): self.test_best,
            ("test", "best validation epoch"): self.test,
            ("test", "last epoch"): self.test_last,
        }
        total = self.validation_total if claim.on == "validation" else self.test_total
        return 100 * counts[claim.on, claim.protocol] / total


def append(row: Row, path: Path = RESULTS) -> bool:
    """Add a row to the file of results, which is created where it is missing.

    A last line that a crash left incomplete is removed first.

    Args:
        row: One run.
        path: The CSV file.

    Returns:
        False where that run is in the file already.

    Raises:
        RunError: The file has other columns, or a row that cannot be.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f".{path.name}.lock")
    from zoo.utils.locks import file_lock  # imported late: the server alone has no filelock

    with file_lock(lock, wait=True), readable(path).open("a+b") as file:
        file.seek(0)
        text = file.read()
        whole = _whole(text)
        if any(known.key == row.key for known in _parse(_decoded(whole, path), path)):
            return False
        file.truncate(min(len(whole), len(text)))
        before = whole[len(text) :] or (b"" if whole else _line(_columns()))
        file.write(before + _line(asdict(row).values()))
        file.flush()
        os.fsync(file.fileno())
    return True


def read(path: Path = RESULTS) -> list[Row]:
    """All rows of a file of results; a last line that a crash left incomplete does not count.

    Args:
        path: The CSV file; one that is missing has no rows.

    Raises:
        RunError: A row was edited into something that cannot be; the message names the line.
    """
    if not path.exists():
        return []
    return _parse(_decoded(_whole(readable(path).read_bytes()), path), path)


def summary(row: Row, claim: Claim | None) -> str:
    """One run in a line.

    Args:
        row: The run's results.
        claim: What the book reports for the network, whose protocol decides the percentage; None
            leaves that out.
    """
    message = f"test {row.test:,} at the best validation epoch, {row.best_epoch} of {row.epochs}"
    message += f"; {row.images_per_second:,.0f} images a second"
    return f"{row.measured(claim):.2f} % as the book measures; {message}" if claim else message


def pick(rows: list[Row], claim: Claim) -> Row:
    """The run that the book would quote.

    Args:
        rows: Runs of one network, with different seeds.
        claim: The book's figure, whose protocol decides.

    Returns:
        The best run; in chapter 6 the one that is best on the validation images. Of equal ones it
        is the one with the lowest seed.
    """
    by_validation = claim.protocol == "best validation epoch"
    return max(
        rows,
        key=lambda row: (row.validation if by_validation else row.measured(claim), -row.seed),
    )


def _columns() -> list[str]:
    return [field.name for field in fields(Row)]


def _line(values: Iterable) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue().encode()


def _whole(raw: bytes) -> bytes:
    """The lines of a file, each with its newline; without the last one, if it is torn.

    One that ends with a date is not: an editor may have left out the newline.
    """
    end = raw.rfind(b"\n") + 1
    try:
        date.fromisoformat(raw[end:].decode().rpartition(",")[2])
    except ValueError:
        return raw[:end]
    return raw + b"\n"


def _decoded(raw: bytes, path: Path) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise RunError(f"{path}, line {line} is no text ({error}): mend or delete it") from error


def _parse(text: str, path: Path) -> list[Row]:
    reader = csv.reader(io.StringIO(text))
    try:
        lines = list(reader)
    except csv.Error as error:
        said = f"{path}, line {reader.line_num} is no result ({error}): mend or delete it"
        raise RunError(said) from error
    if not lines:
        return []
    if lines[0] != _columns():
        raise RunError(f"{path} has other columns than results have: move it away, and run again")
    kinds = {"int": int, "float": float, "str": str}
    rows = []
    for number, values in enumerate(lines[1:], start=2):
        try:
            row = Row(*(kinds[str(f.type)](v) for f, v in zip(fields(Row), values, strict=True)))
        except ValueError as error:
            said = f"{path}, line {number} is no result ({error}): mend or delete it"
            raise RunError(said) from error
        validation = 0 <= row.validation <= row.validation_total > 0
        if not (validation and 0 <= row.test <= row.test_best <= row.test_total > 0):
            raise RunError(f"{path}, line {number}: its counts cannot be; mend or delete it")
        rows.append(row)
    return rows
