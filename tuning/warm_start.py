"""A warm start: the best points of another search, tried first in this one.

The points are trained again, since the other search may have been of another network or other
data: what carries over is where to look.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuning.ranges import Choice, Range, as_stored
from tuning.space import SearchSpace, Values
from tuning.store.database import DatabaseStore, study_of
from tuning.store.identity import journal_of, read_identity
from tuning.store.trials import TrialStore
from tuning.strategies.base import Strategy
from zoo.errors import RunError, SpecError
from zoo.spec import ModelSpec

# How many points of the other search are tried.
POINTS = 5


@dataclass(frozen=True)
class WarmStart:
    """Points to begin with, and in words what of the other search did not fit."""

    points: tuple[Values, ...]
    remarks: tuple[str, ...]


def warm_start(project: Path, space: SearchSpace, spec: ModelSpec, most: int = POINTS) -> WarmStart:
    """The best points of another search as points of a space.

    A setting that the other search did not have keeps the recipe's value, or the middle of its
    range where that does not hold it; one that this space does not have is left out; a point with a
    value outside a range is left out as a whole.

    Args:
        project: The folder of the other search.
        space: The space of this one.
        spec: The network of this one, with its recipe.
        most: How many points at most.

    Raises:
        RunError: The folder holds no search, or a damaged one.
        SpecError: No point fits; the reasons are named.
    """
    try:
        identity = read_identity(project / "search.json")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RunError(f"{project} holds no search to start from") from error
    journal_of(project, identity)  # raises where a database alone has the trials
    trials = [trial for trial in TrialStore(project).trials() if trial.score > 0]
    ranges, known = dict(space.ranges), list(identity.space)
    if not set(ranges) & set(known):
        raise SpecError(
            f"{project} has searched {', '.join(known)}, and nothing of this space: "
            f"{', '.join(ranges)}"
        )
    remarks = [f"{name} is not searched here: left out" for name in known if name not in ranges]
    added = {name: _own(name, kind, spec) for name, kind in space.ranges if name not in known}
    remarks += [f"{name} was not searched there: begins at {added[name]!r}" for name in added]
    trials.sort(key=lambda trial: (trial.fidelity.rank, trial.score, -trial.number), reverse=True)
    points: list[Values] = []
    for trial in trials:
        if len(points) == most:
            break
        values = {**added, **{name: trial.values[name] for name in ranges if name in trial.values}}
        outside = [name for name, kind in space.ranges if not _within(kind, values[name])]
        if outside:
            name = outside[0]
            remarks.append(f"trial {trial.number} is left out: {name} = {values[name]!r} is no "
                           "value of this space")  # fmt: skip
        elif values not in points:
            points.append({name: values[name] for name in ranges})
    if not points:
        reasons = "; ".join(remarks[-3:]) if trials else "no trial in it has learned anything"
        raise SpecError(f"no point of {project} fits this space: {reasons}")
    return WarmStart(tuple(points), tuple(remarks))


def warm_strategy(
    strategy: Strategy,
    source: Path,
    project: Path,
    spec: ModelSpec,
    say: Callable[[str], None],
    storage: str = "",
) -> Strategy:
    """The strategy with points of another search in front.

    Args:
        strategy: What decides after them.
        source: The folder of the other search.
        project: The folder of this one; once it has begun, the points that it began with stay.
        spec: The network.
        say: Is told what did not fit.
        storage: The address of a database that holds this search, as `check_url` returns it.

    Raises:
        RunError: As for `warm_start`.
        SpecError: As for `warm_start`, and for a strategy that decides itself where it begins.
    """
    if points := stored_start(project, strategy, storage):
        return strategy.begin_with(points)
    found = warm_start(source, strategy.space, spec)
    warm = strategy.begin_with(found.points)
    for remark in found.remarks:
        say(f"{source}: {remark}")
    return warm


def stored_start(project: Path, strategy: Strategy, storage: str = "") -> tuple[Values, ...]:
    """The points that a search began with; none where it has not begun, or with none.

    Args:
        project: The folder.
        strategy: What searches.
        storage: As for `warm_strategy`: a node that joins has no folder yet, but there is a study.
    """
    plain: Mapping[str, Any] = {}
    if storage:
        study = DatabaseStore(project, None, storage, study_of(project))
        plain = study.known_identity().get("strategy", {})
    if not plain:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            plain = read_identity(project / "search.json").strategy
    same = plain.get("kind") == type(strategy).__name__  # another one is refused when it is opened
    return strategy.begun_with(plain) if same else ()


def _own(name: str, kind: Range, spec: ModelSpec) -> Any:
    value = as_stored(getattr(spec.recipe, name, None))
    return value if value is not None and _within(kind, value) else kind.quantile(0.5)


def _within(kind: Range, value: Any) -> bool:
    if isinstance(kind, Choice):
        return as_stored(value) in kind.values
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and kind.low <= value <= kind.high
