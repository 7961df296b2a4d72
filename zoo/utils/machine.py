"""The machine that a number was measured on."""

from __future__ import annotations

import contextlib
import platform
from pathlib import Path


def processor() -> str:
    """The processor's name; Linux tells it in a file, elsewhere Python knows."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
