"""The registry of strategies: one file adds one, with its name, its options and its JSON.

    @register_strategy("mine", "what it does", options=(Option("--width", count, 3, "of a step"),))
    @dataclass(frozen=True)
    class Mine(Strategy):
        space: SearchSpace
        width: int = 3
        ...

A strategy is a frozen dataclass. `python -m tuning --import MODULE mine mlp30 --width 4` finds it;
search.json holds its settings, and a report reads it back from there.
"""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tuning.space import SearchSpace
from tuning.strategies.base import Strategy
from zoo.errors import SpecError
from zoo.spec import ModelSpec
from zoo.utils.whole import whole_number

# The modules of this package that register a strategy, in the order of the command line's help.
BUILT_IN = ("broad", "grid", "random", "halving", "hyperband", "bayesian", "tpe", "pareto", "cmaes")

Kind = TypeVar("Kind", bound=type[Strategy])


@dataclass(frozen=True)
class Option:
    """An option that a strategy adds to the command line.

    Attributes:
        flag: As it is typed, for example '--steps'.
        parse: From the text to a value; argparse.ArgumentTypeError for what it refuses.
        default: The value of an option that is not given.
        help: A few words.
        metavar: What stands for the value in the help.
        repeated: Whether it may be given several times; the value is then a list.
    """

    flag: str
    parse: Callable[[str], Any]
    default: Any
    help: str
    metavar: str | None = None
    repeated: bool = False

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Add the option to a parser."""
        action: dict[str, Any] = {"action": "append"} if self.repeated else {}
        default = list(self.default) if self.repeated else self.default
        parser.add_argument(
            self.flag,
            type=self.parse,
            default=default,
            help=self.help,
            metavar=self.metavar,
            **action,
        )


@dataclass(frozen=True)
class StrategyEntry:
    """A registered strategy.

    Attributes:
        name: The command that searches by it.
        help: What it does, in a line.
        kind: Its class.
        options: What it adds to the command line.
        batch_trials: How many trials it lets one program train at once by default: 1 where it
            learns from each trial before it suggests the next.
    """

    name: str
    help: str
    kind: type[Strategy]
    options: tuple[Option, ...] = ()
    batch_trials: int = 1


_ENTRIES: dict[str, StrategyEntry] = {}


def register_strategy(
    name: str, help: str, *, options: Sequence[Option] = (), batch_trials: int = 1
) -> Callable[[Kind], Kind]:
    """Register the class that follows as a strategy.

    Args:
        name: The command that searches by it.
        help: What it does, in a line.
        options: What it adds to the command line.
        batch_trials: How many trials one program may train at once by default.

    Raises:
        SpecError: Another class has the name already.
    """

    def register(kind: Kind) -> Kind:
        known = _ENTRIES.get(name)
        if known and (known.kind.__module__, known.kind.__name__) != (
            kind.__module__,
            kind.__name__,
        ):
            raise SpecError(f"there is a strategy {name!r} already: choose another name")
        _ENTRIES[name] = StrategyEntry(name, help, kind, tuple(options), batch_trials)
        return kind

    return register


def strategies() -> dict[str, StrategyEntry]:
    """All registered strategies by name."""
    for module in BUILT_IN:
        importlib.import_module(f"tuning.strategies.{module}")
    first = {name: _ENTRIES[name] for name in BUILT_IN if name in _ENTRIES}
    return first | _ENTRIES


def read_strategy(plain: Mapping[str, Any], spec: ModelSpec, space: SearchSpace) -> Strategy | None:
    """The strategy that search.json tells of; None where this version does not know it.

    Args:
        plain: Its kind and its settings.
        spec: The network that is searched.
        space: The space of the search.
    """
    settings = dict(plain)
    name = settings.pop("kind", None)
    for entry in strategies().values():
        if entry.kind.__name__ == name:
            try:
                return entry.kind.from_plain(settings, spec, space)
            except (TypeError, ValueError):  # settings of another version
                return None
    return None


def count(text: str) -> int:
    """A whole number from 1 to 1,000,000,000, for an option.

    >>> count("12")
    12
    """
    number = whole_number(text, least=1, most=10**9)
    if number is None:
        raise argparse.ArgumentTypeError(
            f"must be a whole number from 1 to {10**9:,}, not {text[:40]!r}"
        )
    return number


def setting(text: str) -> tuple[str, Any]:
    """A setting and its value, for an option.

    >>> setting("l2=5"), setting("cost=quadratic")
    (('l2', 5), ('cost', 'quadratic'))
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"must be SETTING=VALUE, not {text!r}")
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError):
        return name, value
