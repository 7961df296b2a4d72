"""Whether the run that a folder holds is the one that is asked for; if not, what differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from zoo.errors import RunError, SpecError
from zoo.spec import NetworkSpec
from zoo.spec.serialization import differences
from zoo.training.run_record import AGAIN, CheckpointRecord, RunRecord
from zoo.utils.regular import readable

DECLARATION = "spec.json"

# Differences of a declaration that an error names.
_MOST = 3

# Letters of a difference that an error shows.
_LONGEST = 80


def check_identity(
    run: RunRecord | CheckpointRecord, asked: Mapping[str, Any], spec: NetworkSpec, folder: Path
) -> None:
    """Check that a run is of the same declaration, seed, images and initial weights.

    Args:
        run: What the folder holds.
        asked: By name of its fields, what is asked for.
        spec: The declaration that is asked for.
        folder: Of the run.

    Raises:
        RunError: Something differs; each setting that does is named.
    """
    for name, mine in {"start": "", **asked}.items():
        there = getattr(run, name)
        if there == mine:
            continue
        shown = ["none" if value == "" else value for value in (there, mine)]  # of a seed, 0 is one
        said = f"another {name} ({shown[0]}, not {shown[1]})"
        if name == "spec_hash":
            said = _other_settings(folder / DECLARATION, spec)
        raise RunError(f"{folder} holds a run with {said}: {AGAIN}")


def check_declaration(spec: NetworkSpec, folder: Path) -> None:
    """Check that a run which ended in its first epoch was of this network.

    Args:
        spec: The declaration that is asked for.
        folder: Where the run began, if it did.

    Raises:
        RunError: It was of another.
    """
    path = folder / DECLARATION
    if not path.exists():
        return
    declared = _declared(path)
    if declared is None or declared.hash != spec.hash:
        said = _other_settings(path, spec)
        raise RunError(f"{path} declares a run with {said}: choose another folder, or delete it")


def _declared(path: Path) -> NetworkSpec | None:
    try:
        return NetworkSpec.from_json(readable(path).read_text(encoding="utf-8"))
    except (OSError, SpecError, UnicodeDecodeError):
        return None


def _other_settings(path: Path, spec: NetworkSpec) -> str:
    """What differs from the declaration in a file, in words."""
    declared = _declared(path)
    if declared is None:
        return "another declaration"
    found = differences(_settings(declared), _settings(spec))
    shown = [
        f"{name} {there!r}, not {mine!r}" if len(f"{there!r}{mine!r}") < _LONGEST else f"its {name}"
        for name, there, mine in found[:_MOST]
    ]
    return f"other settings ({'; '.join(shown)})"


def _settings(spec: NetworkSpec) -> dict[str, Any]:
    """What is trained, with all defaults."""
    return {
        "network": spec.name,
        **asdict(spec.recipe),
        "input_shape": spec.input.shape,
        "layers": spec.body(),
    }
