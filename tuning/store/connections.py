"""The connections of this process to Optuna's storages in PostgreSQL."""

from __future__ import annotations

import atexit
import contextlib
import os
import warnings
from typing import Any

# Seconds between signs of life of a trial's process, and after which it is presumed dead.
BEAT, GRACE = 5, 20

# Those of this process, by address, study and process: a forked one needs its own.
_CONNECTIONS: dict[tuple[str, str, int], tuple[Any, int]] = {}


def disconnect() -> None:
    """Close all connections of this process; what asks again opens another."""
    for storage, _ in _CONNECTIONS.values():
        storage.remove_session()
        storage.engine.dispose()
    _CONNECTIONS.clear()


atexit.register(disconnect)


def connected(url: str, study: str) -> tuple[Any, int]:
    """Optuna's storage at an address, and the number of a study, which is made if there is none.

    Args:
        url: The address, with its driver.
        study: The name of the study.

    Returns:
        Both; the same ones to whoever asks again in this process.
    """
    key = (url, study, os.getpid())
    if key not in _CONNECTIONS:
        _CONNECTIONS[key] = _connect(url, study)
    return _CONNECTIONS[key]


def _connect(url: str, study: str) -> tuple[Any, int]:
    import optuna
    from optuna.storages import RDBStorage
    from optuna.study import StudyDirection

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    options = {"pool_pre_ping": True, "connect_args": {"connect_timeout": 5}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        storage = RDBStorage(
            url, engine_kwargs=options, heartbeat_interval=BEAT, grace_period=GRACE
        )
    with contextlib.suppress(optuna.exceptions.DuplicatedStudyError):
        storage.create_new_study([StudyDirection.MAXIMIZE], study)
    return storage, storage.get_study_id_from_name(study)


def has_beaten(storage: Any, trial: int) -> bool:
    """Whether a trial's process has ever shown that it lives.

    Args:
        storage: Optuna's, as `connected` gives it.
        trial: Optuna's number of the trial.
    """
    import sqlalchemy

    text = sqlalchemy.text("SELECT count(*) FROM trial_heartbeats WHERE trial_id = :trial")
    with storage.engine.connect() as connection:
        return bool(connection.execute(text, {"trial": trial}).scalar())
