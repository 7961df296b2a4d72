"""A study in a database and the folder of its search: one identity, and a copy of the events."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from tuning.store.database import DatabaseStore
from tuning.store.identity import SearchIdentity, check_same
from tuning.store.trials import TrialStore
from zoo.utils.atomic import atomic_write


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
        RunError: It is of another search, or the database does not answer.
    """
    if not isinstance(store, DatabaseStore):
        return
    strategy = {name: value for name, value in mine.strategy.items() if name not in extendable}
    plain = json.loads(json.dumps(replace(mine, strategy=strategy).to_plain()))
    there = store.study_identity(plain, widens)
    where = f"the study {store.study!r} in the database"
    check_same(there, plain, where, "Choose another name for --project.")


def copy_events(store: TrialStore) -> None:
    """Write the events of a database into the folder's own journal, for reports."""
    if isinstance(store, DatabaseStore):
        text = "".join(json.dumps(event) + "\n" for event in store.journal.read())
        with atomic_write(store.project / "journal.jsonl") as temporary:
            temporary.write_text(text, encoding="utf-8")
