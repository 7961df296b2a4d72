"""Declarations as canonical JSON with one hash, in the spelling of any version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from zoo.errors import SpecError
from zoo.spec import validation
from zoo.spec.recipe import RENAMED_SETTINGS, RENAMED_VALUES

EXPECTED = "expected the JSON that `python -m zoo show NAME --json` prints"


def canonical_json(plain: Any, indent: int | None = None) -> str:
    """Plain data as JSON with sorted keys.

    Args:
        plain: Dicts, lists, strings, finite numbers, booleans and None.
        indent: Spaces a level. None writes one line without any space, which hashes are made of.

    Raises:
        ValueError: A number is NaN or infinite.
    """
    separators = (",", ":") if indent is None else None
    return json.dumps(plain, sort_keys=True, indent=indent, separators=separators, allow_nan=False)


def canonical_hash(plain: Any) -> str:
    """SHA-256 of the canonical JSON of plain data, in hexadecimal."""
    return hashlib.sha256(canonical_json(plain).encode()).hexdigest()


def differences(there: Any, mine: Any, name: str = "") -> list[tuple[str, Any, Any]]:
    """What differs between two records, innermost: the name, and the value in each.

    Args:
        there: Plain data.
        mine: Plain data.
        name: Of both, where they are no dicts.

    >>> differences({"recipe": {"l2": 5, "epochs": 3}}, {"recipe": {"l2": 0, "epochs": 3}})
    [('l2', 5, 0)]
    """
    if isinstance(there, dict) and isinstance(mine, dict):
        names = dict.fromkeys([*there, *mine])
        odd = [each for each in names if there.get(each) != mine.get(each)]
        inner = (differences(there.get(each), mine.get(each), each) for each in odd)
        return [difference for group in inner for difference in group]
    return [(name, there, mine)]


def parse_json(text: str, what: str) -> Any:
    """JSON as plain data: finite numbers, and no deeper than Python reads.

    Args:
        text: The JSON.
        what: What it should be, as the error names it.

    Raises:
        SpecError: It is not JSON, or holds a number that is not finite or too long to read.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise SpecError(f"this is not {what}: it is nested too deeply. {EXPECTED}") from error
    except (ValueError, TypeError) as error:
        raise SpecError(f"this is not {what} ({error}): {EXPECTED}") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no finite number")


def record(kind: type, plain: Any, what: str) -> Any:
    """A frozen dataclass from plain data, its settings in the spelling of any version.

    Args:
        kind: The dataclass.
        plain: Its fields by name, by today's names or those of earlier versions; a field left out
            is at its default.
        what: What it is, as the error names it.

    Raises:
        SpecError: It is no mapping, or a field is unknown, missing or of a wrong type.
    """
    if not isinstance(plain, Mapping):
        raise SpecError(f"{what} must be a JSON object, not {plain!r}")
    plain = in_todays_spelling(plain)
    validation.known_names(plain, [field.name for field in fields(kind)], what)
    try:
        return kind(**plain)
    except SpecError:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        raise SpecError(f"{what} cannot be read: {error}") from error


def in_todays_spelling(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe's settings, as any version wrote them, by the names of today.

    >>> in_todays_spelling({"calm": 6, "initializer": "he"})
    {'dropout_off_epochs': 6, 'initializer': 'he_normal'}
    """
    settings = {RENAMED_SETTINGS.get(name, name): value for name, value in recipe.items()}
    for name, values in RENAMED_VALUES.items():
        if name in settings and isinstance(settings[name], str):
            settings[name] = values.get(settings[name], settings[name])
    return settings


def in_first_spelling(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe's settings by the names that they had first: the hash is over these.

    So weights, searches and results that were stored before a setting was renamed are still known
    by their hash.
    """
    first = {new: old for old, new in RENAMED_SETTINGS.items()}
    settings = {first.get(name, name): value for name, value in recipe.items()}
    for name, values in RENAMED_VALUES.items():
        if name in settings:
            old = {new: old for old, new in values.items()}
            settings[name] = old.get(settings[name], settings[name])
    return settings
