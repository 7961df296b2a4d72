"""Checks of single settings, shared by all records: each names the setting and what is allowed."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping, Set
from typing import Any, get_args

from zoo.errors import SpecError, nearest

# Python writes no whole number of more than 4300 digits, so that neither JSON nor an error could
# hold what is counted with such a one.
_BEYOND = 10**1000


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
        _store(record, name, whole_number(getattr(record, name), name, least))


def whole_number(value: Any, name: str, least: int = 1) -> int:
    """A whole number as int, of whatever type it is.

    Args:
        value: What a caller gave.
        name: What it is, as the error names it.
        least: The least number allowed.

    Raises:
        SpecError: It is below `least` or beyond any size, or no whole number; True and False are
            none.
    """
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or not least <= value < _BEYOND:
        limit = " and below 1e1000" if whole and value >= _BEYOND else ""
        raise SpecError(f"{name} must be a whole number from {least} up{limit}, not {shown(value)}")
    return int(value)


def shown(value: Any) -> str:
    """A value as an error names it: 80 characters at most, and of a number too long none."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole number of more than 4300 digits
        return f"a number of type {type(value).__name__} with thousands of digits"
    return text if len(text) <= 80 else f"{text[:77]}..."


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
        number = _as_float(value)
        if number is None:
            raise SpecError(f"{name} must be a finite number, not {shown(value)}")
        if not least <= number < below:
            limit = "" if below == math.inf else f" and below {below:g}"
            raise SpecError(f"{name} must be {least:g} or more{limit}, not {shown(value)}")
        _store(record, name, number)


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
    given = as_tuple(values)
    floats = (None,) if given is None else tuple(map(_as_float, given))
    if any(number is None or number <= 0 for number in floats):
        raise SpecError(f"{name} must be finite numbers above 0, not {shown(values)}")
    _store(record, name, floats)


def as_tuple(values: Any) -> tuple[Any, ...] | None:
    """What has an order and is no text, as a tuple; None for anything else."""
    unordered = isinstance(values, str | bytes | Set | Mapping)
    if unordered or not isinstance(values, Iterable):
        return None
    try:
        return tuple(values)
    except TypeError:  # an array without axes calls itself iterable
        return None


def _as_float(value: Any) -> float | None:
    """A finite number as float; None for anything else, and for True and False."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    try:
        number = float(value)
    except OverflowError:  # a whole number or a fraction beyond 1.8e308
        return None
    return number if math.isfinite(number) else None


def flag(record: Any, *names: str) -> None:
    """Check that the named fields are True or False."""
    for name in names:
        if not isinstance(getattr(record, name), bool):
            raise SpecError(f"{name} must be True or False, not {shown(getattr(record, name))}")


def text(record: Any, *names: str) -> None:
    """Check that the named fields are strings."""
    for name in names:
        if not isinstance(getattr(record, name), str):
            raise SpecError(f"{name} must be text, not {shown(getattr(record, name))}")


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
    if not isinstance(value, str) or value not in known:
        close = nearest(value, known) if isinstance(value, str) else ""
        raise SpecError(
            f"{name} {shown(value)} is unknown.{close} Choose from: {', '.join(known)}."
        )


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
        raise SpecError(f"{name} must be a sequence of different words, not {shown(values)}")
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
                f"{where} has no {name!r}.{nearest(str(name), known)} It has: {', '.join(known)}."
            )


def _store(record: Any, name: str, value: Any) -> None:
    # 3, 3.0 and NumPy's 3 are one setting, so they must be one JSON and one hash.
    object.__setattr__(record, name, value)
