"""Files that appear whole or not at all: written beside their place, then renamed into it.

The name of a temporary says which process writes it, so that what a dead one left is known from
what a living one is about to rename.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import glob
import hashlib
import os
import platform
import re
import shutil
import stat
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

# .STEM-zoo-MACHINE-PROCESS-START-UNIQUE.SUFFIX: nothing else in a reader's folder is called so.
_TEMPORARY = re.compile(r"\..*-zoo-([0-9a-f]{8})-(\d+)-(\d+)-[0-9a-f]{32}(?:\..*)?", re.DOTALL)

# Seconds after which a temporary of a process that cannot be asked for is taken for left behind.
_ABANDONED = 86_400

# The most bytes of a file's own name, and of its ending, in the name of its temporary: a name has
# at most 255.
_BYTES = 80


@contextlib.contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; move it to `path` if the block succeeds.

    A block that fails, or is interrupted, leaves `path` as it was and nothing beside it. The bytes
    are on the disk before the rename, so a power cut leaves the old file or the new. A file that is
    there keeps its permissions, and a link to one stays a link.

    Args:
        path: Of the file; its folder is created where it is missing.

    Yields:
        The path to write to, with the same ending.

    Raises:
        OSError: The folder cannot be created or written.
    """
    suffix = Path(path).suffix
    path = _end_of_links(Path(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_stale_temporaries(path.parent, path.stem)
    temporary = _beside(path, suffix)
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        _take_permissions(path, temporary)
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
    remove_stale_temporaries(path.parent, path.stem)
    temporary = _beside(path, path.suffix)
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


def remove_stale_temporaries(folder: str | Path, stem: str = "") -> None:
    """Delete the temporaries in a folder that processes left which were killed while writing.

    Those of a living process stay, whatever their age. Those of a process on another machine, whose
    life cannot be seen from here, go when they have not been changed for a day.

    Args:
        folder: Where they lie.
        stem: Of one file, whose temporaries alone are looked at: whoever writes it anew does that.
            By default all go.
    """
    for path in Path(folder).glob(f".{glob.escape(shortened(stem))}-*" if stem else ".*"):
        named = _TEMPORARY.fullmatch(path.name)
        if named and _is_left_behind(path, *named.groups()):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):  # another user's, in a folder for all
                    path.unlink(missing_ok=True)


def _is_left_behind(path: Path, machine: str, process: str, start: str) -> bool:
    if machine == _machine() and os.name == "posix":
        return _start(int(process)) != int(start)
    try:
        return time.time() - path.lstat().st_mtime > _ABANDONED
    except OSError:  # it has been renamed, or deleted, meanwhile
        return False


def _end_of_links(path: Path) -> Path:
    """The file that a link leads to, which need not be there; OSError for links in a circle."""
    if not path.is_symlink():
        return path
    end = Path(os.path.realpath(path))
    if end.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return end


def _take_permissions(path: Path, temporary: Path) -> None:
    """Let a temporary be read by whoever may read the file that it replaces, and by no one else."""
    if os.name != "posix" or not path.exists():
        return
    there, new = path.stat(), temporary.stat()
    if (there.st_uid, there.st_gid) != (new.st_uid, new.st_gid):
        with contextlib.suppress(OSError):  # only root may give any file away
            os.chown(temporary, there.st_uid, there.st_gid)
    if there.st_mode != new.st_mode:
        temporary.chmod(stat.S_IMODE(there.st_mode))


def _beside(path: Path, suffix: str) -> Path:
    # The ending is kept, since savers choose their format by it.
    process = os.getpid()
    writer = f"zoo-{_machine()}-{process}-{_start(process) or 0}"
    return path.with_name(f".{shortened(path.stem)}-{writer}-{uuid.uuid4().hex}{shortened(suffix)}")


def shortened(name: str) -> str:
    """As much of a name as goes into a longer one: file systems count bytes, not letters."""
    return name.encode("utf-8", "ignore")[:_BYTES].decode("utf-8", "ignore")


@functools.cache
def _machine() -> str:
    """Eight digits for where process numbers mean the same: one start of one machine."""
    known = [platform.node()]
    with contextlib.suppress(OSError):
        known.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8"))
        known.append(str(Path("/proc/self/ns/pid").readlink()))  # a container counts anew
    return hashlib.sha256("\n".join(known).encode()).hexdigest()[:8]


def _start(process: int) -> int | None:
    """When a process began, in the system's own units; 0 where that is not told, None if it ended.

    With it a process is known from a later one of the same number.
    """
    try:
        # The name, in brackets, may hold brackets and blanks itself.
        fields = (
            Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        )
    except OSError:
        return _start_elsewhere(process)
    return None if fields[0] in "ZX" else int(fields[19])


def _start_elsewhere(process: int) -> int | None:
    if Path("/proc/self/stat").exists():
        return None
    if os.name != "posix":
        return 0  # on Windows os.kill would end the process
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return None
    except OSError:
        return 0  # it is another user's
    return 0
