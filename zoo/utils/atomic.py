"""Files that appear whole or not at all: written beside their place, then renamed into it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

_TEMPORARY = re.compile(r"\..+-[0-9a-f]{32}(\..+)?")


@contextlib.contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; move it to `path` if the block succeeds.

    A block that fails, or is interrupted, leaves `path` as it was and nothing beside it. The bytes
    are on the disk before the rename, so a power cut leaves the old file or the new.

    Args:
        path: Of the file; its folder is created where it is missing.

    Yields:
        The path to write to, with the same ending.

    Raises:
        OSError: The folder cannot be created or written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _beside(path)
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_directory(path: str | Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; rename it to `path` if the block succeeds.

    Where another process has made `path` in the meantime, its folder stays and ours is dropped:
    both callers find a complete folder. A block that fails leaves nothing behind.
    """
    path = Path(path)
    temporary = _beside(path)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        try:
            temporary.rename(path)
        except OSError:
            if not path.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove_stale_temporaries(folder: str | Path) -> None:
    """Delete the temporary files that processes killed while writing left in a folder."""
    for path in Path(folder).glob(".*"):
        if path.is_file() and _TEMPORARY.fullmatch(path.name):
            path.unlink()


def _beside(path: Path) -> Path:
    # The ending is kept, since savers choose their format by it.
    return path.with_name(f".{path.stem}-{uuid.uuid4().hex}{path.suffix}")
