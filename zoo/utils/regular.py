"""Files that can be read to an end: a pipe would be waited for, and a device may never end."""

from __future__ import annotations

import errno
import stat
from pathlib import Path


def is_readable_to_its_end(path: Path) -> bool:
    """Whether a path is neither a pipe, a socket nor a device; True also where nothing is there.

    Args:
        path: Of anything. A folder, or what is missing, is left to whoever opens it: the error that
            the system gives for it says more.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return True
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def readable(path: Path) -> Path:
    """A path that somebody else has named, to be opened: `readable(path).read_text()`.

    Args:
        path: Of anything.

    Returns:
        The same path.

    Raises:
        OSError: It is a pipe, a socket or a device.
    """
    if not is_readable_to_its_end(path):
        raise OSError(errno.EINVAL, "it is a pipe or a device", str(path))
    return path
