"""The files of a run's folder: which they are, that they are a run's, and who may write them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from zoo.errors import RunError
from zoo.training import weights
from zoo.utils.locks import file_lock
from zoo.utils.regular import readable

CHECKPOINT = "checkpoint.safetensors"
FILES = ("spec.json", CHECKPOINT, "history.csv", "weights.safetensors", "run.json")

# The commands draw these beside a run.
CURVES, WRONG = "learning_curves.png", "wrong_digits.png"

# Held by the process that trains there. It stays: a lock file that is deleted locks nobody out.
LOCK = ".run.lock"


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep all other trainings out of a folder until the block ends.

    Raises:
        RunError: Another one is at work there.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(file_lock(folder / LOCK))
        except BlockingIOError:
            raise RunError(
                f"another training is at work in {folder}: wait for its end, or choose another "
                "folder"
            ) from None
        except NotImplementedError:
            pass  # a disk that knows no locks
        yield


def folders(path: str | Path) -> list[Path]:
    """The folder of a run, and those of its members."""
    return [Path(path), *sorted(Path(path).glob("member_*/"))]


def check_files(folder: Path) -> None:
    """Check that what would be replaced in a folder was written by a training.

    Args:
        folder: Of a run, finished or not; it need not be there.

    Raises:
        RunError: A file of such a name is somebody else's.
    """
    there = [name for name in FILES if (folder / name).exists()]
    odd = [name for name in there if not _is_of_a_run(folder / name)]
    if {*there} - {*odd, "history.csv"}:  # a run's folder, whose damaged files are that run's
        odd = [name for name in odd if not _is_damaged(folder / name)]
    if not odd and not {"spec.json", CHECKPOINT, "run.json"} & {*there}:
        odd = there  # spec.json is there first, and is deleted last
    if odd:
        raise _not_of_a_run(folder / odd[0])


def check_pictures(folder: Path) -> None:
    """Check that pictures which would be replaced in a folder are those of a run.

    Args:
        folder: Of a run, finished or not; it need not be there.

    Raises:
        RunError: The folder has a picture of such a name, and no run.
    """
    # The lock stays where an overwriting was killed before it had written anything.
    if any((each / name).exists() for each in folders(folder) for name in (*FILES, LOCK)):
        return
    for name in (CURVES, WRONG):
        if (folder / name).exists():
            raise _not_of_a_run(folder / name)


def _not_of_a_run(path: Path) -> RunError:
    return RunError(
        f"{path} is not of a run, and would be replaced: move it away, or choose another folder"
    )


def _is_of_a_run(path: Path) -> bool:
    match path.name:
        case "history.csv":
            with readable(path).open("rb") as file:
                return file.read(6) == b"epoch,"
        case "spec.json":
            return "recipe" in _object(path)
        case "run.json":
            return "spec_hash" in _object(path)
        case "weights.safetensors":
            return "spec_hash" in weights.metadata(path)
    return "run" in weights.metadata(path)


def _is_damaged(path: Path) -> bool:
    """Whether a file was cut short, or is nothing that a program would write under its name."""
    try:
        if path.suffix == ".json":
            json.loads(readable(path).read_text(encoding="utf-8"))
        elif path.suffix == ".safetensors":
            safe_open(readable(path), framework="numpy")
        return not path.stat().st_size
    except (ValueError, RecursionError, SafetensorError):
        return True


def _object(path: Path) -> dict[str, Any]:
    try:
        plain = json.loads(readable(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return {}
    return plain if isinstance(plain, dict) else {}


def discard(path: str | Path) -> None:
    """Delete the files of a run, finished or not, and of its members; no other file of the folder.

    What says that a run is finished goes first: a process that is killed leaves no run without
    weights.
    """
    for folder in folders(path):
        for name in reversed(FILES):
            (folder / name).unlink(missing_ok=True)
