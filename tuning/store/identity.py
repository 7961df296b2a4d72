"""What a folder's search is of: search.json, as a checked record, and its comparison."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from tuning.store.events import explained
from tuning.store.journal import Journal
from zoo.errors import RunError
from zoo.spec.serialization import differences
from zoo.utils.atomic import atomic_write
from zoo.utils.locks import file_lock
from zoo.utils.regular import readable


@dataclass(frozen=True)
class SearchIdentity:
    """What is searched, and how, as plain data.

    Attributes:
        network: The name of the network.
        spec: Its declaration.
        space: The search space.
        executions: Seeds a point.
        seed: The first of them.
        strategy: The kind and the settings of the strategy.
        data: The fingerprint of the data set.
        study: The name of the study in a database that holds the trials; empty where the folder's
            own journal does.
    """

    network: str
    spec: dict[str, Any]
    space: dict[str, Any]
    executions: Annotated[int, Meta(ge=1)]
    seed: Annotated[int, Meta(ge=0)]
    strategy: dict[str, Any] = field(default_factory=dict)
    data: str = ""
    study: str = ""

    def __post_init__(self) -> None:
        # As JSON gives them back: a recipe's tuples are lists there.
        for name in ("spec", "space", "strategy"):
            object.__setattr__(self, name, json.loads(json.dumps(getattr(self, name))))

    def to_plain(self) -> dict[str, Any]:
        """The record as plain data; without the study, where there is none."""
        plain = asdict(self)
        return plain if self.study else {name: plain[name] for name in plain if name != "study"}


def read_identity(path: Path) -> SearchIdentity:
    """Read a search.json.

    Raises:
        FileNotFoundError: There is none.
        RunError: It is damaged; the field is named where it is one.
    """
    try:
        return msgspec.convert(json.loads(readable(path).read_bytes()), SearchIdentity)
    except (ValueError, RecursionError) as error:
        raise RunError(
            f"{path} is damaged ({explained(error)}): delete it, and the command of this search "
            "writes it again and goes on"
        ) from error


def journal_of(project: Path, identity: SearchIdentity) -> Journal:
    """The trials of a search in its folder.

    Args:
        project: The folder.
        identity: What its search.json says.

    Raises:
        RunError: The trials are in a database, and no copy of them is there yet.
    """
    journal = Journal(project / "journal.jsonl")
    if identity.study and not journal.path.exists():
        raise RunError(
            f"the trials of {project} are in the study {identity.study!r} of a database: a copy "
            "comes into the folder when the search ends"
        )
    return journal


def check_identity(
    path: Path,
    mine: SearchIdentity,
    extendable: Collection[str] = (),
    widens: Callable[[dict[str, Any]], bool] = lambda space: False,
) -> SearchIdentity | None:
    """Check that a search.json is of the same search, and change nothing.

    Args:
        path: The file.
        mine: What is to be searched.
        extendable: As for `settle_identity`.
        widens: As for `settle_identity`.

    Returns:
        What it says; None where there is none.

    Raises:
        RunError: The file is damaged, or it is of another search.
    """
    if not path.exists():
        return None
    there = read_identity(path)
    if there.study not in ("", mine.study):
        step = f"name it {there.study!r} again" if mine.study else "search with --storage"
        raise RunError(
            f"the trials of {path.parent} are in the study {there.study!r} of a database: {step}, "
            "or choose another folder"
        )
    wide = there.space != mine.space and widens(there.space)
    kept = _without(replace(there, space=mine.space) if wide else there, extendable)
    advice = "Choose another folder, or delete that one."
    check_same(kept, _without(mine, extendable), str(path.parent), advice)
    return there


def settle_identity(
    path: Path,
    mine: SearchIdentity,
    extendable: Collection[str] = (),
    widens: Callable[[dict[str, Any]], bool] = lambda space: False,
) -> None:
    """Write search.json, or check that the one there is of the same search.

    Args:
        path: The file.
        mine: What is to be searched.
        extendable: Settings of the strategy that may differ from those there, as a number of
            trials may: the file then takes the new ones.
        widens: Whether the search may go on from the space there, which is given, over its own.

    Raises:
        RunError: The folder cannot be one, the file is damaged, or it is of another search.
    """
    try:
        with file_lock(path.with_name(f"{path.name}.lock"), wait=True):
            if check_identity(path, mine, extendable, widens) == mine:
                return
            with atomic_write(path) as temporary:
                temporary.write_text(json.dumps(mine.to_plain(), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise RunError(
            f"{path.parent} cannot be a search's folder ({error.strerror}): choose another"
        ) from error


def check_same(there: dict[str, Any], mine: dict[str, Any], where: str, advice: str) -> None:
    """Check that two records are of the same search.

    Args:
        there: What is known already, as plain data.
        mine: What is asked for, whose names are compared; `space` is one.
        where: Where `there` is from, as the error names it.
        advice: The next step, in the error.

    Raises:
        RunError: A name has another value; every difference in it is shown. Or the settings of the
            space come in another order, in which the same numbers are other points.
    """
    for name in mine:
        if there.get(name) != mine[name]:
            found = differences(there.get(name), mine[name], name)
            shown = "; ".join(
                f"{inner} is {_shown(old)} there and {_shown(new)} here"
                for inner, old, new in found
            )
            raise RunError(f"{where} holds a search with another {name}: {shown}. {advice}")
    order, asked = list(there["space"]), list(mine["space"])
    if order != asked:
        raise RunError(
            f"{where} holds a search whose space lists {', '.join(order)}, not {', '.join(asked)}: "
            "its points depend on the order. List them in that order."
        )


def _without(identity: SearchIdentity, extendable: Collection[str]) -> dict[str, Any]:
    plain = replace(identity, study="").to_plain()  # where the trials are is no part of the search
    strategy = plain["strategy"]
    plain["strategy"] = {name: strategy[name] for name in strategy if name not in extendable}
    return plain


def _shown(value: Any) -> str:
    return "absent" if value is None else json.dumps(value)
