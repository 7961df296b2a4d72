"""The search space: which settings of a recipe are searched, and over what; plain data with a hash.

Names are fields of `zoo.Recipe`, or `units`: the size of every hidden fully connected layer.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from tuning.ranges import KINDS, Choice, Integer, LogUniform, Range, Uniform
from zoo.errors import SpecError, nearest
from zoo.spec import FullyConnected, ModelSpec, NetworkSpec, Recipe, validation

if TYPE_CHECKING:
    import numpy as np

UNITS = "units"
Values = dict[str, Any]

__all__ = [
    "UNITS", "Choice", "Integer", "LogUniform", "Range", "SearchSpace", "Uniform", "Values",
    "apply", "searchable",
]  # fmt: skip

_EXPECTED = 'expected {"l2": {"choice": [0, 5]}, ...}'

# Their weights, gradients and momentum take about 1.2 GB.
MOST_PARAMETERS = 100_000_000

# Of a space that are tried with each end and choice, before that is refused: a second or less.
MOST_POINTS = 1_000


@dataclass(frozen=True)
class SearchSpace:
    """Named ranges, in a fixed order.

    >>> space = SearchSpace.of(learning_rate=LogUniform(0.1, 10), l2=Choice(0, 5))
    >>> SearchSpace.from_json(space.to_json()) == space
    True
    >>> space.grid(steps=2)[1]
    {'learning_rate': 0.1, 'l2': 5}
    """

    ranges: tuple[tuple[str, Range], ...]

    def __post_init__(self) -> None:
        if not self.ranges:
            raise SpecError("a search space needs a setting to search: learning_rate, say")
        known = [UNITS, *(field.name for field in fields(Recipe))]
        validation.known_names([name for name, _ in self.ranges], known, "a search space")

    @classmethod
    def of(cls, **ranges: Range) -> SearchSpace:
        """A space of ranges by name."""
        return cls(tuple(ranges.items()))

    @property
    def size(self) -> float:
        """How many points there are; infinite if any range is of real numbers."""
        return math.prod(kind.size for _, kind in self.ranges)

    @property
    def hash(self) -> str:
        """SHA-256 of the space's JSON."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def grid(self, steps: int) -> list[Values]:
        """Every combination of all choices, and of `steps` points of each range."""
        names = [name for name, _ in self.ranges]
        axes = [kind.points(steps) for _, kind in self.ranges]
        return [dict(zip(names, point, strict=True)) for point in itertools.product(*axes)]

    def grid_size(self, steps: int) -> int:
        """How many points such a grid has."""
        return math.prod(_steps(kind, steps) for _, kind in self.ranges)

    def grid_point(self, number: int, steps: int) -> Values:
        """The point of such a grid with a number; the last setting changes fastest.

        Args:
            number: From 0 to `grid_size(steps)` - 1; further ones begin anew.
            steps: As for `grid`.
        """
        values: Values = {}
        for name, kind in reversed(self.ranges):
            number, place = divmod(number, _steps(kind, steps))
            values[name] = kind.points(steps)[place]
        return {name: values[name] for name, _ in self.ranges}

    def draw(self, generator: np.random.Generator) -> Values:
        """A random point."""
        return {name: kind.quantile(generator.random()) for name, kind in self.ranges}

    def point(self, number: int) -> Values:
        """The point of a finite space with this number, from 0 to `size` - 1."""
        values: Values = {}
        for name, kind in self.ranges:
            number, digit = divmod(number, int(kind.size))
            values[name] = kind.quantile((digit + 0.5) / kind.size)
        return values

    def check(self, spec: ModelSpec) -> None:
        """Check that each end and choice makes a network, with some ends or choices of the others.

        Raises:
            SpecError: One makes none with any of them, or none that is small enough.
        """
        for name, kind in self.ranges:
            for value in kind.points(2):
                problems = (_problem(spec, point) for point in self._around(name, value))
                first = next(problems)
                if first and all(problems):
                    raise SpecError(f"{name} = {value!r} makes {first}")

    def _around(self, name: str, value: Any) -> Iterator[Values]:
        """Points with a value of one setting: in the middle of the others, then at their ends.

        The more of the others are out of the middle, the later a point comes; there is an end where
        there are too many.
        """
        middle = {each: kind.quantile(0.5) for each, kind in self.ranges} | {name: value}
        others = {each: kind.points(2) for each, kind in self.ranges if each != name}
        points = (
            {**middle, **dict(zip(moved, ends, strict=True))}
            for count in range(len(others) + 1)
            for moved in itertools.combinations(others, count)
            for ends in itertools.product(*(others[each] for each in moved))
        )
        return itertools.islice(points, MOST_POINTS)

    def widens(self, other: SearchSpace) -> bool:
        """Whether all of another space is in this one, and this one is never exhausted.

        >>> wide = SearchSpace.of(l2=LogUniform(0.1, 10.0), batch_size=Choice(5, 10))
        >>> wide.widens(SearchSpace.of(l2=LogUniform(1.0, 10.0), batch_size=Choice(10)))
        True
        """
        return math.isinf(self.size) and self.holds(other)

    def holds(self, other: SearchSpace) -> bool:
        """Whether all of another space is in this one: the same settings, in ranges as wide."""
        mine, others = dict(self.ranges), dict(other.ranges)
        return list(mine) == list(others) and all(_holds(mine[name], others[name]) for name in mine)

    def to_plain(self) -> dict[str, Any]:
        """The space as plain data: {"learning_rate": {"log_uniform": [0.01, 1]}}."""
        names = {kind: name for name, kind in KINDS.items()}
        return {name: {names[type(kind)]: _ends(kind)} for name, kind in self.ranges}

    def to_json(self) -> str:
        """The space as JSON, in its own order."""
        return json.dumps(self.to_plain())

    @classmethod
    def from_json(cls, text: str) -> SearchSpace:
        """Read a space back; SpecError where it is none."""
        try:
            plain = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SpecError(f"this is no search space ({error}): {_EXPECTED}") from error
        return cls.from_plain(plain)

    @classmethod
    def from_plain(cls, plain: Any) -> SearchSpace:
        """Read a space back from `to_plain`'s form; SpecError where it is none."""
        if not isinstance(plain, dict):
            raise SpecError(f"this is no search space: {_EXPECTED}")
        return cls(tuple((name, _from_plain(name, declared)) for name, declared in plain.items()))


def _problem(spec: ModelSpec, values: Values) -> str:
    """What a point makes in the place of a network that can be trained; nothing where it does."""
    try:
        parameters = apply(spec, values).parameters
    except SpecError as error:
        return f"no {spec.name}: {error}"
    if parameters <= MOST_PARAMETERS:
        return ""
    return (
        f"{spec.name} a network of {parameters:,} parameters, and {MOST_PARAMETERS:,} at most are "
        "searched"
    )


def _holds(outer: Range, inner: Range) -> bool:
    """Whether a range is of the same kind as another, and has all of its values."""
    if isinstance(outer, Choice) and isinstance(inner, Choice):
        return all(value in outer.values for value in inner.values)
    if isinstance(outer, Choice) or isinstance(inner, Choice) or type(outer) is not type(inner):
        return False
    return bool(outer.low <= inner.low and inner.high <= outer.high)


def _steps(kind: Range, steps: int) -> int:
    """How many points of a range a grid has."""
    return len(kind.values) if isinstance(kind, Choice) else int(min(steps, kind.size))


def searchable(spec: NetworkSpec) -> ModelSpec:
    """The declaration of a network whose settings can be searched; SpecError for another."""
    if isinstance(spec, ModelSpec):
        return spec
    if spec.members:
        raise SpecError(f"{spec.name} is not one stack of layers: search one of its members")
    raise SpecError(f"{spec.name} is a Keras function, whose settings cannot be searched")


def apply(spec: ModelSpec, values: Mapping[str, Any]) -> ModelSpec:
    """A copy of a network's declaration with the values of a point of the space.

    Args:
        spec: One stack of layers.
        values: Settings of its recipe by name; `units` is given to all hidden fully connected
            layers.

    Raises:
        SpecError: The network is no stack of layers, has no such layer, or a value does not fit.
    """
    searchable(spec)
    settings = {name: value for name, value in values.items() if name != UNITS}
    if UNITS in values:
        *hidden, last = spec.layers
        if not any(isinstance(layer, FullyConnected) for layer in hidden):
            raise SpecError(f"{spec.name} has no hidden fully connected layer to give units to")
        settings["layers"] = (*(_resized(layer, values[UNITS]) for layer in hidden), last)
    return spec.with_settings(**settings)


def _resized(layer: Any, units: int) -> Any:
    return replace(layer, units=units) if isinstance(layer, FullyConnected) else layer


def _ends(kind: Range) -> list[Any]:
    return list(kind.values) if isinstance(kind, Choice) else [kind.low, kind.high]


def _from_plain(name: str, declared: Any) -> Range:
    if not isinstance(declared, dict) or len(declared) != 1:
        raise SpecError(
            f'{name} must be one range, as in {{"log_uniform": [0.01, 1]}}, not {declared!r}'
        )
    ((kind, ends),) = declared.items()
    if kind not in KINDS:
        raise SpecError(
            f"{name}: there is no range {kind!r}.{nearest(kind, KINDS)} Ranges: {', '.join(KINDS)}."
        )
    if not isinstance(ends, list) or (kind != "choice" and len(ends) != 2):
        raise SpecError(f"{name}: {kind} takes two ends in a list, not {ends!r}")
    return KINDS[kind](*ends)
