"""What an oracle knows of its trials: what their tuners report, and what the journal holds."""

from __future__ import annotations

import itertools
import math
import time
from typing import Any

from keras_tuner.engine.trial import Trial as KerasTrial

from tuning.kerastuner.outcome import ENDED, NO_NUMBER, RESULT, as_keras, result_of
from tuning.kerastuner.shown import public
from tuning.kerastuner.supervision import SupervisedOracle, trial_id
from tuning.trial import Trial
from zoo.errors import RunError


class RecordedOracle(SupervisedOracle):
    """Keeps keras-tuner's records of trials in step with the journal.

    `failure` is the error by which too many failed trials in a row ended the search.
    """

    failure: RuntimeError | None = None

    def get_trial(self, trial_id: str) -> KerasTrial:
        """A trial; a worker that asks for the one it runs shows that it lives."""
        with self._lock:
            self._hear_of(trial_id)
            return self._known(trial_id)

    def get_best_trials(self, num_trials: int = 1) -> list[KerasTrial]:
        """The trials with the best scores on the most of the problem, best first, then the others.

        Scores on less of it do not compare, and a run that is paused there holds no weights.
        """
        with self._lock:
            self._catch_up()
            ranks = {trial_id(trial.number): trial.fidelity.rank for trial in self.store.trials()}
            best = super().get_best_trials(len(self.trials))
            best.sort(key=lambda each: ranks[each.trial_id], reverse=True)
            best.sort(key=lambda each: each.status != "COMPLETED")
            return best[:num_trials]

    # --- inside -----------------------------------------------------------------------------------

    def _known(self, name: str) -> KerasTrial:
        """A trial by its name; also one that another process began or ended, as a chief before."""
        if name not in self.trials:
            self._catch_up()
        if name not in self.trials:
            raise RunError(f"there is no trial {name} in this search")
        return self.trials[name]

    def _note(self, name: str, metrics: dict[str, float], step: int) -> KerasTrial:
        mine = self._known(name)
        self._check_objective_found(metrics)
        known = mine.metrics
        own = {self.objective.name: self.objective.direction}
        directions = getattr(self.objective, "name_to_direction", {}) | own
        for metric, value in metrics.items():
            if not known.exists(metric):
                known.register(metric, directions.get(metric))
            if math.isfinite(value):
                known.update(metric, value, step=step)
        return mine

    def _settle(self, trial: KerasTrial) -> None:
        """Bring our own record of a trial to what its worker says."""
        mine = self._known(trial.trial_id)
        mine.hyperparameters, mine.status = trial.hyperparameters, trial.status
        mine.message = trial.message
        if mine.status == "RUNNING":  # nobody says that it failed
            mine.status = "COMPLETED"
        self.update_space(trial.hyperparameters)
        if mine.status != "COMPLETED" or RESULT in trial.hyperparameters.values:
            return
        name = self.objective.name
        if mine.metrics.exists(name) and mine.metrics.get_history(name):
            self.score_trial(mine)
        if mine.score is None or not math.isfinite(mine.score):
            mine.status, mine.message = "INVALID", mine.message or NO_NUMBER

    def _end(self, mine: KerasTrial, others: list[Trial]) -> None:
        name = mine.trial_id
        seconds = max(time.monotonic() - self._began.get(name, math.inf), 0.0)
        result = result_of(mine, self.objective, seconds, others)
        self.store.end(int(name), result)
        self._let_go(name)
        if mine.status == "INVALID":
            mine.status = "FAILED"
        if RESULT in mine.hyperparameters.values or others[int(name)].result:
            del self.trials[name]  # as the journal has it: the first result is the one that counts
        self._catch_up()

    def _catch_up(self) -> None:
        """Take over from the journal what began or ended elsewhere."""
        running = {trial.trial_id for trial in self.ongoing_trials.values()}
        for trial in self.store.trials():
            name = trial_id(trial.number)
            if name not in self.start_order:
                self.start_order.append(name)
            mine = self.trials.get(name)
            if name not in running and (mine is None or mine.status not in ENDED):
                self.trials[name] = self._as_keras(trial)
        ended = [event["trial"] for event in self.store.journal.read() if event["event"] == "ended"]
        self.end_order = [trial_id(number) for number in dict.fromkeys(ended)]

    def _check_consecutive_failures(self) -> None:
        failures = itertools.takewhile(
            lambda name: self.trials[name].status == "FAILED", reversed(self.end_order)
        )
        limit, failed = self.max_consecutive_failed_trials, list(failures)
        if limit is not None and len(failed) >= limit:
            self.failure = RuntimeError(
                f"Number of consecutive failures exceeded the limit of {limit}.\n"
                + (self.trials[failed[0]].message or "")
            )
            raise self.failure

    def _as_keras(self, trial: Trial) -> KerasTrial:
        return as_keras(trial, self.hyperparameters, self.objective)

    def _duplicate(self, values: dict[str, Any]) -> bool:
        return any(public(each.hyperparameters).values == values for each in self.trials.values())
