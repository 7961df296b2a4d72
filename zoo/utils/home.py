"""The user's home folder, which a user of a container may lack."""

from __future__ import annotations

from pathlib import Path


def user_folder() -> Path | None:
    """The home folder; None where neither $HOME nor the system's list of users names one."""
    try:
        return Path.home()
    except RuntimeError:
        return None
