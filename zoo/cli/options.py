"""What several commands do."""

from __future__ import annotations

import argparse
import json
from typing import Any

from zoo.errors import SpecError


def load_images(options: argparse.Namespace):
    """The images that the options --data and --source name, with progress unless --quiet."""
    from zoo.data import load_data

    quiet = getattr(options, "quiet", False)
    return load_data(options.data, source=options.source, progress=not quiet)


def settings(options: argparse.Namespace) -> dict[str, Any]:
    """The settings of a recipe that --set, --epochs and --limit change.

    Raises SpecError where --set is given something else than SETTING=VALUE.
    """
    changed: dict[str, Any] = {}
    for told in options.set:
        name, equals, value = told.partition("=")
        if not equals:
            raise SpecError(f"--set takes SETTING=VALUE, as in learning_rate=0.5, not {told!r}")
        try:
            changed[name] = json.loads(value.lower() if value in ("True", "False") else value)
        except json.JSONDecodeError:
            changed[name] = value  # a word, as in cost=quadratic
    if options.epochs is not None:
        changed["epochs"] = options.epochs
    if options.limit is not None:
        changed["images"] = options.limit
    return changed
