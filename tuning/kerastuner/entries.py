"""The entries that a model of keras-tuner's asks for, as a space that may grow in a search.

keras-tuner finds settings as a model is built and fitted, under any name. A strategy of ours is
made anew over what is known, and sees each earlier trial at the values that it really had: at the
defaults of what was found later.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner.engine import hyperparameters as kinds

from tuning.ranges import Choice, Integer, LogUniform, Range, Uniform
from tuning.space import SearchSpace, Values
from tuning.strategies.base import WAIT, Strategy, Wait
from tuning.strategies.grid import Grid
from tuning.strategies.random import random_point
from tuning.strategies.registry import strategies
from tuning.trial import Suggestion, Trial
from zoo.errors import SpecError, nearest
from zoo.utils.atomic import atomic_write
from zoo.utils.regular import readable

Maker = Callable[[SearchSpace], Strategy]

# How many whole numbers stand for a logarithmic range of them.
_LOGARITHMIC = 64

# How often another point is drawn for one that was tried, in a space too large to look at each.
_DRAWS = 1000

# Of a space with no more points than this, each is looked at for one that was not tried.
_LISTED = 10_000


@dataclass(frozen=True)
class OpenSpace(SearchSpace):
    """A space whose settings have any names, as those of a model of keras-tuner's; maybe none."""

    def __post_init__(self) -> None:
        """Nothing to check: keras-tuner has checked its entries."""


def space_of(hp: keras_tuner.HyperParameters) -> OpenSpace:
    """The entries of keras-tuner's space, one a name: the first of those that share it."""
    ranges: dict[str, Range] = {}
    for entry in hp.space:
        ranges.setdefault(entry.name, range_of(entry))
    return OpenSpace(tuple(ranges.items()))


def range_of(entry: Any) -> Range:
    """An entry of keras-tuner's space as a range.

    A range with steps is the choice among them, and a logarithmic range of whole numbers one among
    64 of them.
    """
    if isinstance(entry, kinds.Fixed):
        return Choice(entry.value)
    if isinstance(entry, kinds.Boolean):
        return Choice(False, True)
    if isinstance(entry, kinds.Choice):
        return Choice(*entry.values)
    low, high = entry.min_value, entry.max_value
    whole = isinstance(entry, kinds.Int)
    if not low < high:
        return Choice(low)
    if entry.step is not None and (entry.step != 1 or not whole or entry.sampling != "linear"):
        return Choice(*dict.fromkeys(entry.values))
    if entry.sampling != "log":
        return Integer(low, high) if whole else Uniform(low, high)
    if not whole:
        return LogUniform(low, high)
    spread = LogUniform(low, high)
    numbers = (round(spread.quantile(step / _LOGARITHMIC)) for step in range(_LOGARITHMIC + 1))
    return Choice(*dict.fromkeys(numbers))


def defaults_of(hp: keras_tuner.HyperParameters) -> Values:
    """The default of each entry, by its name."""
    values: Values = {}
    for entry in hp.space:
        values.setdefault(entry.name, entry.default)
    return values


def strategy_maker(strategy: str | Maker, seed: int) -> Maker:
    """What makes a strategy over a space, from its name.

    Args:
        strategy: A name, or what makes one, which is returned as it is.
        seed: Of the strategy's points, where it has a setting of this name.

    Raises:
        SpecError: There is none of the name, or it needs to know the network.
    """
    if not isinstance(strategy, str):
        return strategy
    known = strategies()
    if strategy not in known:
        hint = nearest(strategy, known)
        raise SpecError(f"there is no strategy {strategy!r}.{hint} Strategies: {', '.join(known)}.")
    kind = known[strategy].kind
    if kind.replays:
        raise SpecError(
            f"{strategy} plays its own points again to go on, and a model of keras-tuner's has "
            "trials of other points, as its defaults: search with tuning.Search, or take 'tpe'"
        )
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    needed = [
        field.name
        for field in fields(kind)  # type: ignore[arg-type]
        if field.name != "space" and (field.default, field.default_factory) == (MISSING, MISSING)
    ]
    if needed or "spec" in names:
        given = ", ".join(f"{name}=..." for name in dict.fromkeys([*needed, *{"spec"} & names]))
        raise SpecError(
            f"{strategy} needs more than a space: give it made, as "
            f"StrategyOracle({kind.__name__}(space=..., {given}))"
        )
    settings: dict[str, Any] = {"seed": seed} if "seed" in names else {}
    make: Any = kind
    return lambda space: make(space=space, **settings)


def _nearest(value: Any, kind: Range) -> Any:
    """A value of the range: a default may lie outside, or between the steps that are taken."""
    if not _is_number(value):
        return value
    if not isinstance(kind, Choice):
        return min(max(value, kind.low), kind.high)
    return value if value in kind.values else min(kind.values, key=lambda each: abs(each - value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True)
class GrowingStrategy(Strategy):
    """A strategy over a space of which more may be found.

    Attributes:
        space: What is known so far.
        make: Makes the strategy that decides.
        entries: What is known so far in keras-tuner's terms, with defaults and conditions.
    """

    space: SearchSpace
    make: Maker
    entries: keras_tuner.HyperParameters

    def suggest(self, trials: Sequence[Trial]) -> Suggestion | Wait | None:
        """Suggest the next point; none twice, as a model sees it, where there is another."""
        if not self.space.ranges:
            # One model at its defaults; what it asks for is then the space.
            ended = all(trial.result for trial in trials)
            return (None if ended else WAIT) if trials else Suggestion({})
        defaults = defaults_of(self.entries)
        seen = [
            replace(
                trial,
                values={
                    name: trial.values.get(name, _nearest(defaults[name], kind))
                    for name, kind in self.space.ranges
                },
            )
            for trial in trials
        ]
        strategy = self.make(self.space)
        if isinstance(strategy, Grid):
            points = (self.space.grid_point(n, strategy.steps) for n in range(strategy.total))
            return self._untried(Suggestion({}), points, seen)
        suggestion = strategy.suggest(seen)
        if not isinstance(suggestion, Suggestion) or suggestion.after is not None:
            return suggestion
        others = self._points(len(seen))
        return self._untried(suggestion, itertools.chain([suggestion.values], others), seen)

    def _points(self, seed: int) -> Iterator[Values]:
        """Random points: each of a small space once, and as many as are looked at of another."""
        if self.space.size > _LISTED:
            yield from (random_point(self.space, number, number) for number in range(_DRAWS))
            return
        order = np.random.default_rng(seed).permutation(int(self.space.size))
        yield from (self.space.point(int(number)) for number in order)

    def _untried(
        self, plan: Suggestion, points: Iterable[Values], trials: Sequence[Trial]
    ) -> Suggestion | None:
        """The plan at the first point that differs from all trials in a setting that is in use.

        Trials on another problem do not count: a point goes up to a larger one. None where no point
        is left.
        """
        before = [trial for trial in trials if trial.fidelity == plan.fidelity]
        tried = [active_values(self.entries, trial.values) for trial in before]
        for point in points:
            if active_values(self.entries, point) not in tried:
                return replace(plan, values=point)
        return None


@dataclass(frozen=True)
class PopulatedStrategy(Strategy):
    """The strategy of an oracle's own `populate_space`.

    Attributes:
        populate: It, from the name of a trial to its values.
    """

    populate: Callable[[str], dict[str, Any]]

    def suggest(self, trials: Sequence[Trial]) -> Suggestion | Wait | None:
        """Suggest what the oracle answers for the trial."""
        answer = self.populate(f"{len(trials):04}")
        if answer["status"] == "RUNNING":
            return Suggestion(dict(answer["values"]))
        return WAIT if answer["status"] == "IDLE" else None


def active_values(hp: keras_tuner.HyperParameters, values: Values) -> Values:
    """Those values that are in use: of conditional entries, the ones whose conditions hold.

    Args:
        hp: The entries and their conditions.
        values: A value of each entry, in use or not.
    """
    # As keras-tuner's `is_active` has it, which looks at the values of a copy of the entries.
    active = {
        entry.name
        for entry in hp.space
        if all(condition.is_active(values) for condition in entry.conditions)
    }
    inactive = {entry.name for entry in hp.space} - active
    return {name: value for name, value in values.items() if name not in inactive}


def write_entries(path: Path, hp: keras_tuner.HyperParameters) -> None:
    """Keep the entries found so far, for the process that goes on with the search.

    Args:
        path: Of the JSON file, which is replaced; its folder is made if need be.
        hp: The entries.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(hp.get_config()["space"]) + "\n", encoding="utf-8")


def read_entries(path: Path) -> list[Any]:
    """The entries that `write_entries` kept; none where there is no file, or a damaged one."""
    try:
        plain = json.loads(readable(path).read_text(encoding="utf-8"))
        return keras_tuner.HyperParameters.from_config({"space": plain, "values": {}}).space
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, KeyError, AttributeError):
        return []  # the models ask for them again
