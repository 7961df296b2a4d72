"""What a chief does with the trials of its workers: watches them, and takes back what falls silent.

The trials that an oracle has given away are held in its name, so that no other process runs them;
a second oracle of one process, as of a notebook's cell that is run again, takes them over.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial as KerasTrial

from tuning.kerastuner.chief import LINGER
from tuning.store.trials import Budget, TrialStore
from tuning.strategies.base import Strategy
from tuning.trial import Trial
from zoo.errors import RunError

# The oracles of this process that hold trials, by their folders.
_HOLDERS: dict[Path, weakref.WeakSet[SupervisedOracle]] = {}


class SupervisedOracle(keras_tuner.Oracle):
    """Knows who runs which trial, and when each was last heard of."""

    budget: Budget

    def __init__(self, **options: Any):
        super().__init__(**options)
        self._lock = threading.RLock()
        self._holds: dict[str, contextlib.ExitStack] = {}
        self._began: dict[str, float] = {}
        self._heard: dict[str, float] = {}  # trial or tuner -> when it was last heard of
        self._unknown_heard = -math.inf  # when a tuner spoke that is not among tuner_ids
        self._over: tuple[int, bool] = (-1, False)

    @property
    def store(self) -> TrialStore:
        """The trials' files, in the folder that keras-tuner names."""
        return TrialStore(Path(self._directory) / self._project_name)

    # --- what the chief asks ----------------------------------------------------------------------

    def resume_orphans(self) -> None:
        """Answer for the trials that an earlier chief left: their workers may be at them still."""
        with self._lock:
            for trial in self.store.trials():
                stack, name = contextlib.ExitStack(), trial_id(trial.number)
                if trial.result is None:
                    with contextlib.suppress(BlockingIOError):
                        stack.enter_context(self.store.hold(trial.number))
                        self._begin(trial, f"of trial {name}", stack)

    def let_go(self) -> None:
        """Answer for no trial any more: whoever asks next takes those that run up."""
        with self._lock:
            for name in list(self._holds):
                self._let_go(name)

    def expire_workers(self, seconds: float) -> list[str]:
        """Let go of trials and tuners not heard of for so long; the names of those trials."""
        with self._lock:
            now, dropped = time.monotonic(), []
            for tuner_id, trial in list(self.ongoing_trials.items()):
                if now - self._heard[trial.trial_id] > seconds:
                    self._let_go(trial.trial_id)
                    self.tuner_ids.discard(tuner_id)
                    dropped.append(trial.trial_id)
            for tuner_id in list(self.tuner_ids - set(self.ongoing_trials)):
                if now - self._heard[tuner_id] > seconds:
                    self.tuner_ids.discard(tuner_id)
            return dropped

    def is_over(self) -> bool:
        """Whether all trials have ended, none will begin, and every tuner has been told so."""
        with self._lock:
            if self.ongoing_trials or self.tuner_ids:
                return False
            if time.monotonic() - self._unknown_heard < LINGER:
                return False
            trials = self.store.trials()
            if not all(trial.result for trial in trials):
                return False
            if self._over[0] != len(trials):
                done = self.budget.spent_by(trials) or self._decider().suggest(trials) is None
                self._over = len(trials), done
            return self._over[1]

    # --- inside -----------------------------------------------------------------------------------

    def _decider(self) -> Strategy:
        """The strategy over what is known of the space."""
        raise NotImplementedError

    def _as_keras(self, trial: Trial) -> KerasTrial:
        raise NotImplementedError

    def _take_over(self, tuner_id: str) -> None:
        """Take the trial of this tuner from an earlier oracle of this process: it is the same one.

        A cell of a notebook that was interrupted and is run again makes a second oracle, while the
        first one is alive.
        """
        holders = _HOLDERS.setdefault(self.store.project.resolve(), weakref.WeakSet())
        for other in holders:
            if other is not self and tuner_id in other.ongoing_trials:
                with other._lock:
                    other._let_go(other.ongoing_trials[tuner_id].trial_id)
        holders.add(self)

    def _check_alone(self, tuner_id: str) -> None:
        # One that was killed and is back takes longer to start than a living one to say a word.
        name = self.ongoing_trials[tuner_id].trial_id
        heard = self._heard[name]
        if heard > self._began[name] and time.monotonic() - heard < 2:
            raise RunError(
                f"another worker calls itself {tuner_id!r}: give each its own KERASTUNER_TUNER_ID"
            )

    def _begin(self, trial: Trial, tuner_id: str, stack: contextlib.ExitStack) -> KerasTrial:
        name = trial_id(trial.number)
        keras_trial = self.trials[name] = self._as_keras(trial)
        self._holds[name], self.ongoing_trials[tuner_id] = stack, keras_trial
        self._began[name] = self._heard[name] = time.monotonic()
        if name not in self.start_order:
            self.start_order.append(name)
        self._display.on_trial_begin(keras_trial)
        return keras_trial

    def _let_go(self, name: str) -> None:
        for tuner_id, trial in list(self.ongoing_trials.items()):
            if trial.trial_id == name:
                del self.ongoing_trials[tuner_id]
                self._hear(tuner_id)
        if name in self._holds:
            self._holds.pop(name).close()

    def _hear(self, name: str) -> None:
        self._heard[name] = time.monotonic()

    def _hear_of(self, name: str) -> None:
        """Hear of a trial from its worker, who is unknown where an earlier chief gave it away."""
        self._hear(name)
        known = (self.ongoing_trials.get(tuner_id) for tuner_id in self.tuner_ids)
        if not any(trial and trial.trial_id == name for trial in known):
            self._unknown_heard = time.monotonic()


def trial_id(number: int) -> str:
    """keras-tuner's name of a trial.

    >>> trial_id(7)
    '0007'
    """
    return f"{number:04}"
