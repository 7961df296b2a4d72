"""Running experiments: measure, draw, and keep both, so that nothing is measured twice.

DIR/<experiment>/outcome.json   what was measured, by which code, when, and on what machine
DIR/<experiment>/figure.png     its picture, and the same as figure.svg
DIR/trained/                    the networks that experiments share
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from zoo.errors import LabError
from zoo.lab.chapters import get_experiment
from zoo.lab.core.experiment import Context, Experiment, Result
from zoo.utils.atomic import atomic_write, remove_stale_temporaries
from zoo.utils.machine import processor
from zoo.utils.regular import readable

FOLDER = Path("runs") / "lab"
FAST_FOLDER = Path("runs") / "lab-fast"
PICTURES = ("figure.svg", "figure.png")


@dataclass(frozen=True)
class Done:
    """An experiment that has run.

    Attributes:
        experiment: The experiment.
        result: What it found.
        picture: Its figure.png.
        seconds: How long it took then.
        origin: Date, processor and versions of that day.
    """

    experiment: Experiment
    result: Result
    picture: Path
    seconds: float
    origin: Origin


@dataclass(frozen=True)
class Origin:
    """When an experiment ran, on which processor, with which versions."""

    date: str
    processor: str
    versions: str

    @classmethod
    def of_today(cls) -> Origin:
        """This machine, now."""
        numbers = (f"{name} {version(name)}" for name in ("keras", "numpy", "tensorflow"))
        return cls(datetime.now(UTC).date().isoformat(), processor(), " ".join(numbers))


def run(
    name: str, *, fast: bool = False, out: str | Path | None = None, progress: bool = True
) -> Done:
    """Run one experiment, or read its result where the same code has run in the same folder.

    Args:
        name: As `python -m zoo lab list` shows it.
        fast: Whether to use fewer images, epochs or repetitions than the book.
        out: The folder; 'runs/lab', or 'runs/lab-fast', unless given.
        progress: Whether to show how far it is.

    Returns:
        The experiment with its result, its picture, and the seconds it took.

    Raises:
        UnknownNameError: There is no experiment of that name.
        LabError: The folder cannot be written, or holds its other form.
    """
    return next(run_all([get_experiment(name)], fast=fast, out=out, progress=progress))


def run_all(
    experiments: Iterable[Experiment],
    *,
    fast: bool = False,
    out: str | Path | None = None,
    progress: bool = True,
) -> Iterator[Done]:
    """Run experiments one after another.

    Args:
        experiments: As `zoo.lab.experiments` returns them.
        fast: Whether to use fewer images, epochs or repetitions than the book.
        out: The folder; 'runs/lab', or 'runs/lab-fast', unless given.
        progress: Whether to show how far it is.

    Yields:
        Each experiment as it is done.

    Raises:
        LabError: The folder cannot be written, or holds the other form of one of them.
    """
    experiments = list(experiments)
    folder = folder_of(out, fast)
    _check_writable(folder)
    for each in experiments:
        _check_form(folder / each.name / "outcome.json", fast)
    context = Context(folder, fast=fast, progress=progress)
    for each in experiments:
        yield _known(each, context) or _measured(each, context)


def folder_of(out: str | Path | None, fast: bool) -> Path:
    """Where results are kept: `out`, or else the folder of the form, fast or not."""
    return Path(out or (FAST_FOLDER if fast else FOLDER))


def _check_form(path: Path, fast: bool) -> None:
    known = read_result(path) if path.exists() else None
    if known and known[1] != fast:
        here, there = ("fast", "full") if fast else ("full", "fast")
        raise LabError(
            f"{path} holds the {there} form, measured in {known[2]:.0f} s, which the {here} one "
            "would replace: choose another --out"
        )


def _check_writable(folder: Path) -> None:
    """Before minutes are spent on what could not be kept."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise LabError(
            f"nothing can be written into {folder} ({error.strerror}): choose another with --out"
        ) from error


def _known(experiment: Experiment, context: Context) -> Done | None:
    path = context.folder / experiment.name / "outcome.json"
    picture = path.with_name("figure.png")
    if not path.exists():
        return None
    known = read_result(path)
    if known is None or known[:2] != (experiment.code, context.fast):
        return None
    if not picture.exists():  # drawing was cut off, or failed
        _draw(experiment, known[3].data, path.parent)
    return Done(experiment, known[3], picture, known[2], known[4])


def read_result(path: Path) -> tuple[str, bool, float, Result, Origin] | None:
    """What an outcome.json says: the hash of the code, `fast`, the seconds, result and origin.

    None for a damaged one: the experiment is then measured again.
    """
    try:
        record = json.loads(readable(path).read_text(encoding="utf-8"))
        result = Result.from_plain(record["outcome"])
        words = (record["origin"][name] for name in ("date", "processor", "versions"))
        origin = Origin(*map(str, words))
        return str(record["code"]), bool(record["fast"]), float(record["seconds"]), result, origin
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def _measured(experiment: Experiment, context: Context) -> Done:
    began = time.monotonic()
    result = experiment.measure(context)
    seconds, origin = round(time.monotonic() - began, 1), Origin.of_today()
    record = {
        "experiment": experiment.name,
        "code": experiment.code,
        "fast": context.fast,
        "seconds": seconds,
        "origin": asdict(origin),
        "outcome": result.to_plain(),
    }
    text = json.dumps(record, indent=1, allow_nan=False)
    folder = context.folder / experiment.name
    remove_stale_temporaries(folder)
    for name in PICTURES:  # of what was measured before
        (folder / name).unlink(missing_ok=True)
    with atomic_write(folder / "outcome.json") as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    # What is drawn is what was kept, so that a picture drawn again is the same picture.
    _draw(experiment, json.loads(text)["outcome"]["data"], folder)
    return Done(experiment, result, folder / "figure.png", seconds, origin)


def _draw(experiment: Experiment, data: dict[str, Any], folder: Path) -> None:
    drawn = experiment.draw(data)
    for name in PICTURES:
        with atomic_write(folder / name) as temporary:
            drawn.savefig(temporary, dpi=120)
