"""Scales: where a value stands on an axis, from 0 to 1, and what is written beside the axis."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tuning.space import Choice, Integer, LogUniform, Range

# Accuracies worth a tick, thinned out where they crowd.
ACCURACIES = (0, 50, 80, 90, 95, 97, 98, 99, 99.5, 99.8, 99.9)

# Nearer than this the labels of an axis would touch.
CROWDED = 0.075


@dataclass(frozen=True)
class Scale:
    """An axis: its label with the unit, ticks as (position, text), and the place of a value."""

    label: str
    ticks: tuple[tuple[float, str], ...]
    place: Callable[[Any], float]


def linear(
    label: str, values: Iterable[float], *, zero: bool = False, whole: bool = False
) -> Scale:
    """A scale of equal steps.

    Args:
        label: The axis' label, with the unit.
        values: What is shown: the scale goes from the least to the greatest, from 0 to 1 without
            any.
        zero: Whether it begins at 0; no value may be below, then.
        whole: Whether ticks are at whole numbers alone.
    """
    low, high = _ends(values)
    low = 0.0 if zero else low
    high = high if high > low else low + 1
    ticks = [tick for tick in round_numbers(low, high) if not whole or tick == int(tick)]

    def place(value: float) -> float:
        return (value - low) / (high - low)

    return Scale(label, tuple((place(tick), short(tick)) for tick in ticks), place)


def logarithmic(label: str, values: Iterable[float]) -> Scale:
    """A scale of equal factors; 0, which no logarithm reaches, stands by itself at the lower end.

    Args:
        label: The axis' label, with the unit.
        values: What is shown; numbers below 0 stand where 0 does.
    """
    values = list(values)
    low, high = _ends([value for value in values if value > 0] or [1.0])
    low, high = (low, high) if high > low else (low / 3, low * 3)
    start = 0.12 if any(value <= 0 for value in values) else 0.0

    def place(value: float) -> float:
        if value <= 0:
            return 0.0
        return start + (1 - start) * math.log(value / low) / math.log(high / low)

    ticks = [(place(tick), short(tick)) for tick in _powers(low, high)]
    return Scale(label, (*([(0.0, "0")] if start else []), *_thinned(ticks)), place)


def named(label: str, values: Sequence[Any]) -> Scale:
    """A scale of words, or of numbers that are chosen among, at equal distances.

    Args:
        label: The axis' label.
        values: All different, in order; anything that JSON holds.
    """
    places = {_key(value): number for number, value in enumerate(values)}
    most = max(len(places) - 1, 1)

    def place(value: Any) -> float:
        return places[_key(value)] / most if len(places) > 1 else 0.5

    return Scale(label, tuple((place(value), short(value)) for value in values), place)


def accuracy(label: str, scores: Iterable[float]) -> Scale:
    """A scale that is stretched towards 100 %: whatever halves the error is one step up.

    Args:
        label: The axis' label.
        scores: What is shown, in 0..1; above 0.9999 all stand in one place.
    """
    low, high = _ends(scores)
    bottom, top = _stretched(low), _stretched(high)
    room = 0.06 * (top - bottom) or 0.1
    bottom, top = max(bottom - room, 0.0), top + room

    def place(score: float) -> float:
        return (_stretched(score) - bottom) / (top - bottom)

    ends = (100 * low, 100 * high)
    ticks = round_numbers(*ends) if ends[1] - ends[0] < 6 else ACCURACIES
    shown = [(place(tick / 100), f"{tick:.4g}") for tick in ticks]
    return Scale(label, tuple(_thinned([each for each in shown if 0 <= each[0] <= 1])), place)


def padded(scale: Scale, room: float = 0.03) -> Scale:
    """The same scale with some room at both ends, so that no mark stands on the frame.

    Args:
        scale: The scale.
        room: The share of the axis that is left free at each end.
    """

    def inner(place: float) -> float:
        return room + (1 - 2 * room) * place

    ticks = tuple((inner(place), label) for place, label in scale.ticks)
    return Scale(scale.label, ticks, lambda value: inner(scale.place(value)))


def of_setting(name: str, kind: Range, values: Sequence[Any]) -> Scale:
    """The axis of a setting: its range, and wherever outside of it was tried.

    Args:
        name: The setting's name, the label.
        kind: Its range, which decides the scale.
        values: Those that were tried.
    """
    if isinstance(kind, Choice):
        known: dict[str, Any] = {}
        for value in (*kind.values, *values):
            known.setdefault(_key(value), value)
        return named(name, _in_order(list(known.values())))
    places = [kind.low, kind.high, *values]
    if isinstance(kind, LogUniform):
        return logarithmic(name, places)
    return linear(name, places, whole=isinstance(kind, Integer))


def short(value: Any) -> str:
    """A value in few letters.

    >>> short(0.312345), short(50000), short("elastic"), short(None)
    ('0.3123', '50000', 'elastic', 'none')
    """
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value).replace("null", "none")


def round_numbers(low: float, high: float, most: int = 6) -> list[float]:
    """Between two and `most` + 1 round numbers within a range.

    Args:
        low: The least number.
        high: The greatest; where it is not above `low`, `low` is the only one returned.
        most: How many steps they are apart at most.

    >>> round_numbers(0, 23)
    [0.0, 5.0, 10.0, 15.0, 20.0]
    >>> round_numbers(-10, -3.5)
    [-10.0, -8.0, -6.0, -4.0]
    """
    if not high > low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(
        power * factor for factor in (1, 2, 5, 10) if (high - low) / (power * factor) <= most
    )
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{step * count:.10g}") for count in range(first, last + 1)]


def _powers(low: float, high: float) -> list[float]:
    """The powers of ten within a range; where it has few, multiples of them by 2 and 5 as well."""
    # 10.0**309 is no number any more.
    last = min(math.ceil(math.log10(high)) + 2, 309)
    exponents = range(math.floor(math.log10(low)) - 1, last)
    within = [
        10.0**exponent for exponent in exponents if low * 0.999 <= 10.0**exponent <= high * 1.001
    ]
    if len(within) >= 3:
        return within
    finer = [factor * 10.0**exponent for exponent in exponents for factor in (1, 2, 5)]
    finer = [tick for tick in finer if low * 0.999 <= tick <= high * 1.001]
    return finer if len(finer) >= 2 else round_numbers(low, high, 4)


def _thinned(ticks: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    kept: list[tuple[float, str]] = []
    for tick in sorted(ticks):
        if not kept or tick[0] - kept[-1][0] >= CROWDED:
            kept.append(tick)
    return kept


def _stretched(score: float) -> float:
    return -math.log10(max(1 - score, 1e-4))


def _ends(values: Iterable[float]) -> tuple[float, float]:
    known = list(values)
    return (min(known), max(known)) if known else (0.0, 1.0)


def _key(value: Any) -> str:
    """One for 0 and 0.0, and others for False and '0'."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return json.dumps(float(value) if number else value)


def _in_order(values: list[Any]) -> list[Any]:
    numbers = all(isinstance(value, int | float) for value in values)
    return sorted(values) if numbers else values
