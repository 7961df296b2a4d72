"""The record of a search in PostgreSQL, by Optuna's storage: nodes that share no disk work on one.

A search is a study of Optuna's, a trial of it a trial there, with our events as its attributes; so
Optuna's own tools read it, too. Who may write holds an advisory lock of the database. Who runs a
trial shows every few seconds that it lives, and a trial without such a sign is run again.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tuning.store import connections
from tuning.store.connections import connected, has_beaten
from tuning.store.journal import Event, Journal
from tuning.store.study_journal import StudyJournal
from tuning.store.trials import ENDLESS, Budget, TrialStore
from tuning.strategies.base import Strategy, Wait
from tuning.trial import Trial, TrialResult
from zoo.errors import RunError, SpecError
from zoo.utils.extras import check_extras

# Seconds without an answer of the database before a command gives up.
PATIENCE = 60

IDENTITY = "zoo:search"

# The trials that this process runs: by address, study, number and process.
_HELD: set[tuple[str, str, int, int]] = set()

Answer = TypeVar("Answer")


def check_url(url: str) -> str:
    """The address of a database, with the driver that is used.

    Raises:
        SpecError: It is no address of PostgreSQL, or a package is missing, which is named.
    """
    scheme, _, rest = url.partition("://")
    if scheme.split("+")[0] not in ("postgresql", "postgres") or not rest:
        raise SpecError(
            "--storage takes the address of a PostgreSQL database, as in "
            f"postgresql://user@host/name, not {scheme or url!r}"
        )
    check_extras("optuna", "psycopg", extra="storage")
    return f"postgresql+psycopg://{rest}"


def study_of(project: Path) -> str:
    """The name of the study of a project's folder: the folder's own, also where it is given as '.'.

    Raises:
        SpecError: It has none.
    """
    name = project.name if project.name not in ("", "..") else project.resolve().name
    if not name:
        raise SpecError(f"--project {project} has no name for a study: choose another folder")
    return name


@dataclass(frozen=True)
class DatabaseStore(TrialStore):
    """The trials of a search in a database; their runs are in the folder of each node.

    Attributes:
        url: The address, as `check_url` returns it.
        study: The name of the study.
        patience: After how many seconds without an answer it is given up.
    """

    url: str = ""
    study: str = ""
    patience: float = PATIENCE

    @property
    def journal(self) -> Journal:
        """The events, in the database."""
        return StudyJournal(self)

    def study_identity(
        self, mine: dict[str, Any], widens: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        """What the study is a search of: `mine`, if it has just begun.

        Args:
            mine: Of this search, as plain data.
            widens: Whether the study may go on from its space over that of `mine`, which it then
                notes.

        Raises:
            RunError: The study is somebody's own, and none of a search.
        """

        def settle() -> dict[str, Any]:
            storage, study = self.connection()
            with self.locked():
                there = self._identity() or mine
                if there["space"] != mine["space"] and widens(there["space"]):
                    there["space"] = mine["space"]
                if there == mine:
                    storage.set_study_user_attr(study, IDENTITY, json.dumps(mine))
            return dict(there)

        return self._patiently(settle)

    def known_identity(self) -> dict[str, Any]:
        """What the study is a search of, as plain data; empty where it has not begun.

        Raises:
            RunError: The study is somebody's own, and none of a search.
        """
        return self._patiently(self._identity)

    def events(self) -> list[Event]:
        """All events so far, as `StudyJournal.read` has them."""
        return self._patiently(self.journal.read)

    def trials(self) -> list[Trial]:
        """All trials so far, ended or not, by their numbers."""
        return self._patiently(super().trials)

    @contextlib.contextmanager
    def claim(self, strategy: Strategy, budget: Budget = ENDLESS) -> Iterator[Trial | Wait | None]:
        """As `TrialStore.claim`."""
        with contextlib.ExitStack() as stack:
            claim = super().claim
            yield self._patiently(lambda: stack.enter_context(claim(strategy, budget)))

    @contextlib.contextmanager
    def claim_batch(
        self, first: Trial, strategy: Strategy, budget: Budget, most: int
    ) -> Iterator[list[Trial]]:
        """As `TrialStore.claim_batch`."""
        with contextlib.ExitStack() as stack:
            claim = super().claim_batch
            yield self._patiently(lambda: stack.enter_context(claim(first, strategy, budget, most)))

    def end(self, number: int, result: TrialResult) -> None:
        """As `TrialStore.end`."""
        self._patiently(functools.partial(super().end, number, result))

    @contextlib.contextmanager
    def hold(self, number: int) -> Iterator[None]:
        """Show that a trial's process lives; BlockingIOError where another one's does.

        Only who holds the lock of the study asks, so that one process at most gets the trial.
        """
        key = (self.url, self.study, number, os.getpid())
        if key in _HELD:  # signs of life may have been missing while the database was away
            raise BlockingIOError
        self._check_silent(number)
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(connections.BEAT):
                with contextlib.suppress(Exception):  # the database may be back for the next one
                    self._beat(number)

        thread = threading.Thread(target=beat, daemon=True)
        _HELD.add(key)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            _HELD.discard(key)

    def connection(self) -> tuple[Any, int]:
        """Optuna's storage and the number of the study."""
        return connected(self.url, self.study)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the study: the database lets it go when the connection breaks."""
        import sqlalchemy

        storage, _ = self.connection()
        key = zlib.crc32(self.study.encode())
        with storage.engine.connect() as connection:
            connection.execute(sqlalchemy.text(f"SELECT pg_advisory_xact_lock({key})"))
            yield
            connection.rollback()  # which lets it go

    def _identity(self) -> dict[str, Any]:
        from optuna.study import StudyDirection

        storage, study = self.connection()
        known = storage.get_study_user_attrs(study)
        if IDENTITY in known:
            return dict(json.loads(known[IDENTITY]))
        maximises = storage.get_study_directions(study) == [StudyDirection.MAXIMIZE]
        if known or not maximises or storage.get_n_trials(study):
            raise RunError(
                f"the study {self.study!r} in the database is none of a search: choose another "
                "name for --project"
            )
        return {}

    def _check_silent(self, number: int) -> None:
        storage, study = self.connection()
        known = {each.number: each for each in storage.get_all_trials(study, deepcopy=False)}
        if number in known:
            trial = known[number]._trial_id
            # One without any sign was begun by a process that died before it could give one.
            if trial not in storage._get_stale_trial_ids(study) and has_beaten(storage, trial):
                raise BlockingIOError
            storage.record_heartbeat(trial)

    def _beat(self, number: int) -> None:
        storage, study = self.connection()
        storage.record_heartbeat(storage.get_trial_id_from_study_id_trial_number(study, number))

    def _patiently(self, ask: Callable[[], Answer]) -> Answer:
        """Ask the database, again and again while it is away.

        Raises:
            RunError: It has not answered for `patience` seconds.
        """
        from optuna.exceptions import StorageInternalError
        from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

        deadline = time.monotonic() + self.patience
        while True:
            try:
                return ask()
            except (DBAPIError, InterfaceError, OperationalError, StorageInternalError) as error:
                if time.monotonic() >= deadline:
                    raise RunError(
                        f"the database of --storage has not answered for {self.patience:g} s "
                        f"({_first_line(error)}). What has ended is in it; when it is back, the "
                        "same command goes on"
                    ) from error
            time.sleep(0.5)


def _first_line(error: BaseException) -> str:
    return str(error.__cause__ or error).strip().splitlines()[0]
