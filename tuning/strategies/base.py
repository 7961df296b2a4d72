"""Strategies: which point of the space comes next, read off the trials so far and nothing else.

So that a search that was cut off goes on as the unbroken one would have, a strategy keeps no state.
"""

from __future__ import annotations

import argparse
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

from tuning.space import SearchSpace, Values
from tuning.trial import Suggestion, Trial
from zoo.errors import SpecError
from zoo.spec import ModelSpec
from zoo.utils.extras import check_extras


class Wait:
    """The answer of a strategy that must see the end of running trials before it can go on."""


WAIT = Wait()


@dataclass(frozen=True)
class Decision:
    """What a strategy says of one step: at which stage, in which words, and by which trials."""

    stage: str
    text: str
    trials: tuple[int, ...]


class Strategy(ABC):
    """What a search asks: the next point, given all trials in the order of their numbers.

    Each is a frozen dataclass with a `space`, and a `spec` if it needs to know the network; its
    further fields are settings, which are plain data.

    Attributes:
        space: The space that is searched.
        extendable: Settings that may change while a search goes on, as a number of trials may.
        widenable: Whether the space may become wider while a search goes on: what is suggested
            does not depend on where in the space the points so far were.
        replays: Whether it suggests all points so far again to go on, and so all must be its own.
    """

    space: SearchSpace
    extendable: ClassVar[tuple[str, ...]] = ()
    widenable: ClassVar[bool] = False
    replays: ClassVar[bool] = False

    @abstractmethod
    def suggest(self, trials: Sequence[Trial]) -> Suggestion | Wait | None:
        """The suggestion for trial number len(trials).

        Args:
            trials: All trials so far, ended or not, by their numbers.

        Returns:
            WAIT where running trials must end first; None when the search is over.
        """

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages of extras that `suggest` needs; a report needs none of them."""
        return ()

    def check_packages(self) -> None:
        """RunError where one of its packages is not installed."""
        check_extras(*self.packages)

    @property
    def measures_latency(self) -> bool:
        """Whether it decides by the latency of networks, which is measured after each trial."""
        return False

    @property
    def total(self) -> int | None:
        """How many trials there will be, if that is known."""
        return None

    def explanation(self, trials: Sequence[Trial]) -> Sequence[Decision]:
        """Every decision so far, in words; nothing from a strategy that does not explain itself."""
        return ()

    def begin_with(self, points: tuple[Values, ...]) -> Self:
        """The strategy that tries these points first, the best one in front.

        Raises:
            SpecError: It decides itself where it begins.
        """
        raise SpecError(
            f"{type(self).__name__.lower()} decides itself where it begins: --start-from is for "
            "broad, random, halving, hyperband, bayesian, tpe and pareto"
        )

    @classmethod
    def begun_with(cls, plain: Mapping[str, Any]) -> tuple[Values, ...]:
        """The points that `begin_with` gave a strategy of these settings; none without it."""
        return ()

    def to_plain(self) -> dict[str, Any]:
        """The kind and the settings as plain data."""
        settings = {name: getattr(self, name) for name in _settings(type(self))}
        return {"kind": type(self).__name__, **settings}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], spec: ModelSpec, space: SearchSpace) -> Self:
        """The strategy of these settings.

        Args:
            plain: The settings by name, without the kind.
            spec: The network that is searched, for a strategy that needs to know it.
            space: The space of the search.

        Raises:
            TypeError: A setting is unknown or missing.
            SpecError: A value does not fit.
        """
        return cls(**_surroundings(cls, spec, space), **plain)

    @classmethod
    def from_options(cls, options: argparse.Namespace, spec: ModelSpec, space: SearchSpace) -> Self:
        """The strategy that a command line asks for: a setting is the option of its name.

        Args:
            options: What was parsed, with `seed` and `budget` as every strategy has them.
            spec: The network that is searched.
            space: The space of the search.
        """
        given = {name: getattr(options, name) for name in _settings(cls) if hasattr(options, name)}
        return cls.from_plain(given, spec, space)


class Startable(Strategy):
    """A strategy that tries the points of its `start` first, and its own after them."""

    start: tuple[Values, ...] = ()

    def begin_with(self, points: tuple[Values, ...]) -> Self:
        """The strategy that tries these points first; SpecError where it has no field for them."""
        if "start" not in {field.name for field in fields(self)}:  # type: ignore[arg-type]
            return super().begin_with(points)
        return replace(self, start=points)  # type: ignore[type-var]

    @classmethod
    def begun_with(cls, plain: Mapping[str, Any]) -> tuple[Values, ...]:
        """The points that a strategy of these settings tries first."""
        return tuple(plain.get("start", ()))

    def to_plain(self) -> dict[str, Any]:
        """The kind and the settings as plain data; points to begin with, where there are any."""
        plain = super().to_plain()
        start = [dict(values) for values in plain.pop("start", ())]
        return {**plain, "start": start} if start else plain

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], spec: ModelSpec, space: SearchSpace) -> Self:
        """The strategy of these settings; TypeError or SpecError where they do not fit."""
        start = {"start": tuple(plain["start"])} if "start" in plain else {}
        return super().from_plain({**plain, **start}, spec, space)


def _settings(kind: type) -> list[str]:
    return [field.name for field in fields(kind) if field.name not in ("space", "spec")]


def _surroundings(kind: type, spec: ModelSpec, space: SearchSpace) -> dict[str, Any]:
    needed = {field.name for field in fields(kind)}
    return {"space": space} | ({"spec": spec} if "spec" in needed else {})
