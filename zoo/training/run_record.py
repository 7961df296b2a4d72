"""What a run keeps of itself, in run.json and in its checkpoint: records that check themselves."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from zoo.errors import RunError, SpecError
from zoo.spec import IMAGE_SHAPE, NetworkSpec, validation
from zoo.utils.regular import readable

# What each row of a history has at least.
COLUMNS = ("epoch", "seconds", "val_accuracy")

# What to do about a damaged run.
AGAIN = "train again with --overwrite (overwrite=True), or into another folder"


@dataclass(frozen=True)
class RunRecord:
    """A finished run, as run.json has it.

    `history` has a row an epoch, with the numbers of `COLUMNS` at least; `best_epoch` counts from
    1, and is 0 where no epoch was finite. `start` is the hash of the weights that the run started
    from, if they were given; `resize` is how pictures came to the size of the images, and
    `on_black` whether these are light on black, as MNIST's; `devices` is how many shared the
    mini-batches, one number after the other where it was resumed with others.
    """

    spec_hash: str
    seed: int
    data: str
    spec: Mapping[str, Any]
    best_epoch: int
    diverged: bool
    versions: Mapping[str, str]
    python: str
    processor: str
    history: list[dict[str, Any]]
    start: str = ""
    class_names: tuple[str, ...] = ()
    resize: Literal["stretch", "crop", "pad"] = "stretch"
    on_black: bool = True
    devices: tuple[int, ...] = (1,)

    def __post_init__(self) -> None:
        validation.text(self, "spec_hash", "data", "python", "processor", "start")
        validation.whole(self, "seed", "best_epoch", least=0)
        validation.flag(self, "diverged", "on_black")
        _check_history(self.history, self.best_epoch)
        validation.choice(self, "resize", Literal["stretch", "crop", "pad"])
        if not isinstance(self.class_names, (list, tuple)):
            raise SpecError(f"class_names must be a list of names, not {self.class_names!r}")
        object.__setattr__(self, "class_names", tuple(map(str, self.class_names)))
        object.__setattr__(self, "devices", _devices(self.devices))
        if self.network.hash != self.spec_hash:
            raise SpecError("the spec is not the one of spec_hash")

    @property
    def network(self) -> NetworkSpec:
        """The declaration that was trained; SpecError where it is none."""
        return NetworkSpec.from_plain(self.spec)

    @property
    def reads_digits(self) -> bool:
        """Whether the images were digits as MNIST has them."""
        from zoo.data.dataset import DIGIT_NAMES  # imported late: it takes NumPy

        digits = self.network.input.shape == IMAGE_SHAPE and self.classes == DIGIT_NAMES
        return digits and self.on_black

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes: those that were given, or their numbers."""
        return self.class_names or tuple(map(str, range(self.network.output_classes)))


@dataclass(frozen=True)
class CheckpointRecord:
    """An interrupted run, as the metadata of its checkpoint have it."""

    spec_hash: str
    seed: int
    data: str
    rows: list[dict[str, Any]]
    best_epoch: int
    start: str = ""
    devices: tuple[int, ...] = (1,)

    def __post_init__(self) -> None:
        validation.text(self, "spec_hash", "data", "start")
        validation.whole(self, "seed", "best_epoch", least=0)
        object.__setattr__(self, "devices", _devices(self.devices))
        _check_history(self.rows, self.best_epoch, (*COLUMNS, "loss"))


def read_run(path: Path) -> RunRecord:
    """A finished run's record.

    Raises:
        RunError: The file is no record of a run; the line names the field.
    """
    try:
        return _record(RunRecord, json.loads(readable(path).read_text(encoding="utf-8")))
    except OSError as error:
        raise RunError(f"cannot read {path} ({error.strerror})") from error
    except (SpecError, ValueError, RecursionError) as error:
        raise RunError(f"{path} is damaged ({error}): {AGAIN}") from error


def read_history(path: Path) -> list[dict[str, float]]:
    """The rows of a history.csv, a row an epoch; every cell is a number, or empty and left out.

    Raises:
        RunError: A cell is none; its row and column are named.
    """
    rows: list[dict[str, float]] = []
    try:
        with readable(path).open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                rows.append({name: float(row[name]) for name in row if row[name] != ""})
    except (ValueError, TypeError, csv.Error) as error:
        raise RunError(f"row {len(rows) + 1} of {path} is damaged ({error}): {AGAIN}") from error
    missing = [name for name in COLUMNS if any(name not in row for row in rows)]
    if missing:
        raise RunError(f"{path} has no column {missing[0]}: {AGAIN}")
    return rows


def read_checkpoint(text: str | None, path: Path) -> CheckpointRecord:
    """The record of an interrupted run, from the metadata of its checkpoint.

    Args:
        text: The metadata, as JSON; None where the file has none.
        path: Of the checkpoint, as the error names it.

    Raises:
        RunError: It is none; the line names the field.
    """
    try:
        return _record(CheckpointRecord, json.loads(text or ""))
    except (SpecError, ValueError, RecursionError) as error:
        raise RunError(f"{path} is damaged ({error}): {AGAIN}") from error


def _record(kind: type, plain: Any) -> Any:
    if not isinstance(plain, dict):
        raise SpecError("it is no JSON object")
    known = [field.name for field in fields(kind)]
    validation.known_names(plain, known, "a run")
    try:
        return kind(**plain)
    except (TypeError, OverflowError) as error:
        raise SpecError(str(error).replace("__init__() ", "")) from error


def _devices(numbers: Any) -> tuple[int, ...]:
    if (
        not isinstance(numbers, (list, tuple))
        or not numbers
        or not all(type(number) is int and number >= 1 for number in numbers)
    ):
        raise SpecError(f"devices must be a list of whole numbers from 1 up, not {numbers!r}")
    return tuple(numbers)


def _check_history(rows: Any, best_epoch: int, columns: tuple[str, ...] = COLUMNS) -> None:
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise SpecError("the history must be a list of rows, one an epoch")
    if best_epoch > len(rows):
        raise SpecError(f"best_epoch is {best_epoch}, and there are {len(rows)} epochs")
    for number, row in enumerate(rows, start=1):
        for name in columns:
            value = row.get(name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise SpecError(f"epoch {number} has no number for {name}: {value!r}")
