"""The events of a search as attributes of the trials of a study of Optuna's."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tuning.store.events import ended_event
from tuning.store.journal import Event, Journal
from tuning.trial import TrialResult
from zoo.errors import RunError

if TYPE_CHECKING:
    from tuning.store.database import DatabaseStore

STARTED, ENDED = "zoo:started", "zoo:ended"


class StudyJournal(Journal):
    """The events of a study."""

    def __init__(self, store: DatabaseStore):
        super().__init__(store.project / "journal.jsonl")
        self.store = store

    def read(self) -> list[Event]:
        """All events so far: the beginnings by number, then the ends in the order of their time.

        Raises:
            RunError: A trial of the study is none of a search; it is named.
        """
        storage, study = self.store.connection()
        trials = storage.get_all_trials(study, deepcopy=False)
        events = [self._start_of(trial) for trial in trials]
        ended = [trial for trial in trials if trial.state.is_finished()]
        ended.sort(key=lambda trial: (trial.datetime_complete, trial.number))
        return events + [_end_of(trial) for trial in ended]

    def _start_of(self, trial: Any) -> Event:
        if STARTED not in trial.user_attrs:
            raise RunError(
                f"trial {trial.number} of the study {self.store.study!r} in the database is none "
                "of this search: choose another name for --project"
            )
        return dict(json.loads(trial.user_attrs[STARTED]))

    @contextlib.contextmanager
    def writing(self) -> Iterator[Any]:
        """Hold the study alone, with its events, and add to them."""
        with self.store.locked():
            yield _Writer(self.store, self.read())


class _Writer:
    """A study that is held: `events` as they stood, and `add` for more."""

    def __init__(self, store: DatabaseStore, events: list[Event]):
        self.store, self.events = store, events

    def add(self, event: Event) -> None:
        """Add one event."""
        from optuna.trial import TrialState, create_trial

        storage, study = self.store.connection()
        text = json.dumps(event, allow_nan=False)
        if event["event"] == "started":
            attributes = {STARTED: text, **event["values"]}
            template = create_trial(state=TrialState.RUNNING, user_attrs=attributes)
            storage.record_heartbeat(storage.create_new_trial(study, template_trial=template))
        else:
            trial = storage.get_trial_id_from_study_id_trial_number(study, event["trial"])
            storage.set_trial_user_attr(trial, ENDED, text)
            storage.set_trial_state_values(trial, TrialState.COMPLETE, [event["result"]["score"]])
        self.events.append(event)


def _end_of(trial: Any) -> Event:
    if ENDED in trial.user_attrs:
        return dict(json.loads(trial.user_attrs[ENDED]))
    # By Optuna's own tools: it cannot run again, since Optuna lets no trial begin twice.
    error = f"ended outside this search, as {trial.state.name}, and without a result"
    return ended_event(trial.number, TrialResult(0.0, error=error))
