"""Our strategies as keras-tuner's oracles, so that its tuners, chief and workers follow them.

    oracle = StrategyOracle(Grid(space))
    tuner = tuning.Tuner(oracle, "mlp30", space, directory="runs", project_name="grid-mlp30")

Its state is the journal in the project's folder, the same as of `python -m tuning`: what was killed
goes on, and the same reports read it. keras-tuner's own files, which it writes in place and which
a kill can tear, are not needed and not written.
"""

from __future__ import annotations

import contextlib
import json
import math
import threading
import time
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial as KerasTrial

from tuning.kerastuner.hypermodel import to_keras_tuner
from tuning.store.events import explained
from tuning.store.trials import ENDLESS, Budget, TrialStore
from tuning.strategies.base import Strategy
from tuning.strategies.keras_tuner_space import hyperparameters
from tuning.trial import Suggestion, Trial, TrialResult
from zoo.errors import RunError, SpecError

# Among keras-tuner's values of a trial that has ended: its result, as JSON.
RESULT = "zoo/result"

# Seconds before an answer of "not yet": keras-tuner asks again at once.
PAUSE = 0.5


class StrategyOracle(keras_tuner.Oracle):
    """Any strategy, for any tuner of keras-tuner's whose objective is a score to maximise.

    A trial that fails, or whose score is not a number, scores 0 and ends nothing. Several processes
    may have the same project. Strategies that read more of a trial than its score, as `Broad` does,
    need `tuning.Tuner`.
    """

    def __init__(
        self, strategy: Strategy, objective: Any = "val_accuracy", budget: Budget = ENDLESS
    ):
        super().__init__(
            objective=objective,
            hyperparameters=hyperparameters(strategy.space),
            max_consecutive_failed_trials=None,
            seed=1,  # draws nothing; without one, keras-tuner would draw one
        )
        if self.objective.direction != "max":
            raise SpecError(f"a strategy maximises a score: {self.objective.name} is to be small")
        self.strategy, self.budget = strategy, budget
        self.search_values: dict[str, Any] = {}  # what workers are told of the search
        self._lock = threading.RLock()
        self._holds: dict[str, contextlib.ExitStack] = {}
        self._began: dict[str, float] = {}
        self._heard: dict[str, float] = {}  # trial or tuner -> when it was last heard of
        self._over: tuple[int, bool] = (-1, False)

    @property
    def store(self) -> TrialStore:
        """The trials' files, in the folder that keras-tuner names."""
        return TrialStore(Path(self._directory) / self._project_name)

    # --- what tuners ask --------------------------------------------------------------------------

    def create_trial(self, tuner_id: str) -> KerasTrial:
        """The next trial for a tuner: the one it has, one that was left behind, or a new one."""
        with self._lock:
            self._hear(tuner_id)
            if tuner_id in self.ongoing_trials:
                self._check_alone(tuner_id)
                return self.ongoing_trials[tuner_id]
            self.tuner_ids.add(tuner_id)
            stack = contextlib.ExitStack()
            taken = stack.enter_context(self.store.claim(self.strategy, self.budget))
            if isinstance(taken, Trial):
                return self._begin(taken, tuner_id, stack)
            stack.close()
            over = taken is None and not self.ongoing_trials
            if over:
                self.tuner_ids.discard(tuner_id)
        if not over:
            time.sleep(PAUSE)
        return KerasTrial(self.get_space(), "", "STOPPED" if over else "IDLE")

    def update_trial(self, trial_id: str, metrics: dict[str, float], step: int = 0) -> KerasTrial:
        """Note the metrics of a trial that runs, if they are numbers."""
        with self._lock:
            self._check_objective_found(metrics)
            for name, value in metrics.items():
                if not math.isfinite(value):
                    continue
                if not self.trials[trial_id].metrics.exists(name):
                    direction = "max" if name == self.objective.name else None
                    self.trials[trial_id].metrics.register(name, direction)
                self.trials[trial_id].metrics.update(name, value, step=step)
            return self.trials[trial_id]

    def end_trial(self, trial: KerasTrial) -> None:
        """Note a trial's result, in the journal first; of a trial that has one, nothing."""
        with self._lock:
            if not any(each.number == int(trial.trial_id) for each in self.store.trials()):
                raise RunError(f"there is no trial {trial.trial_id} in this search")
            self.store.end(int(trial.trial_id), self._result_of(trial))
            self._let_go(trial.trial_id)
            self._catch_up()
            self._display.on_trial_end(self.trials[trial.trial_id])

    def get_trial(self, trial_id: str) -> KerasTrial:
        """A trial; a worker that asks for the one it runs shows that it lives."""
        self._hear(trial_id)
        if trial_id not in self.trials:
            self._catch_up()
        return self.trials[trial_id]

    def get_best_trials(self, num_trials: int = 1) -> list[KerasTrial]:
        """The trials with the highest scores, best first."""
        self._catch_up()
        return super().get_best_trials(num_trials)

    def get_space(self) -> keras_tuner.HyperParameters:
        """The space, and beside it what workers are told of the search."""
        space = super().get_space()
        space.values.update(self.search_values)
        return space

    def save(self) -> None:
        """Nothing: the journal has it all."""

    def reload(self) -> None:
        """Read the journal."""
        self._catch_up()

    # --- what the chief asks ----------------------------------------------------------------------

    def resume_orphans(self) -> None:
        """Answer for the trials that an earlier chief left: their workers may be at them still."""
        with self._lock:
            for trial in self.store.trials():
                stack, name = contextlib.ExitStack(), _id(trial.number)
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
            trials = self.store.trials()
            if not all(trial.result for trial in trials):
                return False
            if self._over[0] != len(trials):
                done = self.budget.spent_by(trials) or self.strategy.suggest(trials) is None
                self._over = len(trials), done
            return self._over[1]

    # --- inside -----------------------------------------------------------------------------------

    def _check_alone(self, tuner_id: str) -> None:
        # One that was killed and is back takes longer to start than a living one to say a word.
        name = self.ongoing_trials[tuner_id].trial_id
        heard = self._heard[name]
        if heard > self._began[name] and time.monotonic() - heard < 2:
            raise RunError(
                f"another worker calls itself {tuner_id!r}: give each its own KERASTUNER_TUNER_ID"
            )

    def _begin(self, trial: Trial, tuner_id: str, stack: contextlib.ExitStack) -> KerasTrial:
        name = _id(trial.number)
        keras_trial = self.trials[name] = self._as_keras(trial)
        self._holds[name], self.ongoing_trials[tuner_id] = stack, keras_trial
        self._began[name] = self._heard[name] = time.monotonic()
        self._display.on_trial_begin(keras_trial)
        return keras_trial

    def _let_go(self, name: str) -> None:
        for tuner_id, trial in list(self.ongoing_trials.items()):
            if trial.trial_id == name:
                del self.ongoing_trials[tuner_id]
                self._hear(tuner_id)
        if name in self._holds:
            self._holds.pop(name).close()

    def _catch_up(self) -> None:
        running = {trial.trial_id for trial in self.ongoing_trials.values()}
        for trial in self.store.trials():
            if _id(trial.number) not in running:
                self.trials[_id(trial.number)] = self._as_keras(trial)

    def _hear(self, name: str) -> None:
        self._heard[name] = time.monotonic()

    def _as_keras(self, trial: Trial) -> KerasTrial:
        point = self.hyperparameters.copy()
        point.values = to_keras_tuner(Suggestion(trial.values, trial.fidelity, trial.after))
        keras_trial = KerasTrial(
            point, _id(trial.number), "COMPLETED" if trial.result else "RUNNING"
        )
        if trial.result:
            keras_trial.score = trial.score
            keras_trial.metrics.register(self.objective.name, "max")
            keras_trial.metrics.update(self.objective.name, trial.score)
        return keras_trial

    def _result_of(self, trial: KerasTrial) -> TrialResult:
        if RESULT in trial.hyperparameters.values:
            return _checked(trial.hyperparameters.values[RESULT])
        seconds = max(time.monotonic() - self._began.get(trial.trial_id, math.inf), 0.0)
        known = self.trials[trial.trial_id].metrics
        if trial.status == "COMPLETED" and known.exists(self.objective.name):
            best = float(known.get_best_value(self.objective.name))
            return TrialResult(best, seconds=seconds)
        message = (trial.message or "its score was not a number").strip()
        return TrialResult(0.0, seconds=seconds, error=message.splitlines()[-1])


def _id(number: int) -> str:
    return f"{number:04}"


def _checked(text: str) -> TrialResult:
    """A result that came from a worker; RunError where it is none."""
    try:
        result = TrialResult.from_plain(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise RunError(f"a worker's result is damaged ({explained(error)})") from error
    if 0 <= result.score <= 1 and math.isfinite(result.seconds):
        return result
    raise RunError("a worker's result is damaged: a score is in 0..1, and seconds are finite")
