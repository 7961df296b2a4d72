"""Locks that processes hold on files; the operating system lets one go when its holder dies."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

# Seconds between two tries to get a lock that another process holds.
_POLL = 0.01


@contextlib.contextmanager
def file_lock(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold a lock alone until the block ends, in any thread of this process.

    Args:
        path: The lock file, made if it is absent; it stays when the lock is released.
        wait: Whether to wait for a living process that holds the lock.

    Raises:
        BlockingIOError: Another holder is alive, and `wait` is false.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # A chief's trial begins in one thread and ends in another: the lock belongs to the process.
    lock = FileLock(path, timeout=-1 if wait else 0, thread_local=False)
    try:
        lock.acquire(poll_interval=_POLL)
    except Timeout:
        raise BlockingIOError(f"{path} is held by another process") from None
    try:
        yield
    finally:
        lock.release()
