"""Names of earlier versions: each still works, and says the new one once."""

from __future__ import annotations

import importlib
import warnings
from typing import Any


def renamed(package: str, old: str, new: str) -> Any:
    """What a name of an earlier version stands for, with a FutureWarning that names the new one.

    Args:
        package: The package in which the old name was public, as in 'zoo'.
        old: The old name.
        new: The full new name: a module, or a member of one.
    """
    warnings.warn(
        f"{package}.{old} is now {new}: the old name will go away", FutureWarning, stacklevel=3
    )
    module, _, member = new.rpartition(".")
    try:
        return importlib.import_module(new)
    except ModuleNotFoundError:
        return getattr(importlib.import_module(module), member)
