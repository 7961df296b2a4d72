"""A study in a database and the folder of its search: one identity, and a copy of the events."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from tuning.store.database import DatabaseStore
from tuning.store.identity import SearchIdentity, check_same, read_identity
from tuning.store.journal import Event, Journal
from tuning.store.trials import TrialStore
from zoo.errors import RunError
from zoo.utils.atomic import atomic_write
from zoo.utils.locks import file_lock


def settle(
    store: TrialStore,
    mine: SearchIdentity,
    extendable: Collection[str],
    widens: Callable[[dict[str, Any]], bool] = lambda space: False,
) -> None:
    """Begin a study, or check that the one there is of this search.

    Args:
        store: Of the study.
        mine: What is searched.
        extendable: Settings of the strategy that may differ from those there.
        widens: As for `tuning.store.identity.settle_identity`.

    Raises:
        RunError: It is of another search, the folder's own journal holds events that it lacks, or
            the database does not answer.
    """
    if not isinstance(store, DatabaseStore):
        return
    if _journal(store).read():
        _check_nothing_is_lost(store, store.events())
    strategy = {name: value for name, value in mine.strategy.items() if name not in extendable}
    plain = json.loads(json.dumps(replace(mine, strategy=strategy, study="").to_plain()))
    there = store.study_identity(plain, widens)
    where = f"the study {store.study!r} in the database"
    check_same(there, plain, where, "Choose another name for --project.")


def copy_events(store: TrialStore) -> None:
    """Write the events of a database into the folder's own journal, for reports.

    Args:
        store: Of the study; nothing is written for a store that is none.

    Raises:
        RunError: The journal there holds events that the study lacks; it stays as it is.
    """
    if not isinstance(store, DatabaseStore):
        return
    events, path = store.events(), _journal(store).path
    with file_lock(path.with_name(f"{path.name}.lock"), wait=True):
        _check_nothing_is_lost(store, events)
        with atomic_write(path) as temporary:
            text = "".join(json.dumps(event) + "\n" for event in events)
            temporary.write_text(text, encoding="utf-8")


def _journal(store: DatabaseStore) -> Journal:
    """The journal in the folder: of a search that has a study, a copy of its events."""
    return Journal(store.project / "journal.jsonl")


def _check_nothing_is_lost(store: DatabaseStore, events: Sequence[Event]) -> None:
    journal, known = _journal(store), {json.dumps(event, sort_keys=True) for event in events}
    own = [event for event in journal.read() if json.dumps(event, sort_keys=True) not in known]
    identity = store.project / "search.json"
    if own and identity.exists() and read_identity(identity).study == store.study:
        raise RunError(
            f"{journal.path} has {len(own)} events of the study {store.study!r} that this database "
            "lacks: name the database that holds the search, or choose another folder"
        )
    if own:
        raise RunError(
            f"{journal.path} holds {len(own)} events that the study {store.study!r} in the "
            "database lacks, as of a search without --storage: go on without it, or choose "
            "another folder"
        )
