"""Checks of single settings, shared by all records: each names the setting and what is allowed."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable
from typing import Any, get_args

from zoo.errors import SpecError, nearest


def whole(record: Any, *names: str, least: int = 1) -> None:
    """Check that the named fields are whole numbers from `least` up, and store them as int.

    Args:
        record: A frozen dataclass.
        *names: Its fields.
        least: The least number allowed.

    Raises:
        SpecError: A field is below `least`, or no whole number; True and False are none.
    """
    for name in names:
        value = getattr(record, name)
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
            raise SpecError(f"{name} must be a whole number from {least} up, not {value!r}")
        _store(record, name, int(value))


def real(record: Any, *names: str, least: float, below: float = math.inf) -> None:
    """Check that the named fields are finite numbers in [least, below), and store them as float.

    Args:
        record: A frozen dataclass.
        *names: Its fields.
        least: The least number allowed.
        below: What they must be less than.

    Raises:
        SpecError: A field is out of range, not finite or no number; True and False are none.
    """
    for name in names:
        value = getattr(record, name)
        number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if not number or not math.isfinite(value):
            raise SpecError(f"{name} must be a finite number, not {value!r}")
        if not least <= value < below:
            limit = "" if below == math.inf else f" and below {below:g}"
            raise SpecError(f"{name} must be {least:g} or more{limit}, not {value!r}")
        _store(record, name, float(value))


def positive(record: Any, *names: str) -> None:
    """Check that the named fields are finite numbers above 0, and store them as float."""
    real(record, *names, least=0)
    for name in names:
        if getattr(record, name) == 0:
            raise SpecError(f"{name} must be above 0, not 0")


def positives(record: Any, name: str) -> None:
    """Check that a field is a sequence of finite numbers above 0, and store a tuple of float.

    Args:
        record: A frozen dataclass.
        name: Its field; no number at all is allowed.

    Raises:
        SpecError: It is no sequence, or one of them is 0 or less, not finite, or no number.
    """
    values = getattr(record, name)
    if not isinstance(values, Iterable) or not all(map(_is_positive, values := tuple(values))):
        raise SpecError(f"{name} must be finite numbers above 0, not {values!r}")
    _store(record, name, tuple(map(float, values)))


def _is_positive(value: Any) -> bool:
    return (
        isinstance(value, numbers.Real)
        and not isinstance(value, bool)
        and 0 < float(value) < math.inf
    )


def flag(record: Any, *names: str) -> None:
    """Check that the named fields are True or False."""
    for name in names:
        if not isinstance(getattr(record, name), bool):
            raise SpecError(f"{name} must be True or False, not {getattr(record, name)!r}")


def text(record: Any, *names: str) -> None:
    """Check that the named fields are strings."""
    for name in names:
        if not isinstance(getattr(record, name), str):
            raise SpecError(f"{name} must be text, not {getattr(record, name)!r}")


def choice(record: Any, name: str, choices: Any) -> None:
    """Check that a field is one of the strings of a Literal type.

    Args:
        record: A frozen dataclass.
        name: Its field.
        choices: A `Literal` of strings.

    Raises:
        SpecError: It is another one; the nearest is named, and all are listed.
    """
    value, known = getattr(record, name), get_args(choices)
    if value not in known:
        close = nearest(str(value), known)
        raise SpecError(f"{name} {value!r} is unknown.{close} Choose from: {', '.join(known)}.")


def choices(record: Any, name: str, known: Any) -> None:
    """Check that a field is a sequence of different strings of a Literal type; store a tuple.

    Args:
        record: A frozen dataclass.
        name: Its field, a list or a tuple, which may be empty.
        known: A `Literal` of strings.

    Raises:
        SpecError: It is no such sequence, has a string twice, or an unknown one.
    """
    values = getattr(record, name)
    words = isinstance(values, list | tuple) and all(isinstance(word, str) for word in values)
    if not words or len(set(values)) != len(values):
        raise SpecError(f"{name} must be a sequence of different words, not {values!r}")
    known_names(values, get_args(known), name)
    _store(record, name, tuple(values))


def known_names(given: Iterable[str], known: Iterable[str], where: str) -> None:
    """Check that every given name is a known one.

    Args:
        given: The names to check.
        known: Those allowed, in the order in which the error lists them.
        where: What should have them, as the error names it.

    Raises:
        SpecError: One is unknown; the nearest is named, and all are listed.
    """
    known = list(known)
    for name in given:
        if name not in known:
            raise SpecError(
                f"{where} has no {name!r}.{nearest(name, known)} It has: {', '.join(known)}."
            )


def _store(record: Any, name: str, value: Any) -> None:
    # 3, 3.0 and NumPy's 3 are one setting, so they must be one JSON and one hash.
    object.__setattr__(record, name, value)
