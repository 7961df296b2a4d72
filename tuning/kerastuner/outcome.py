"""What came of a trial, from keras-tuner's record of it to the journal's and back.

A strategy maximises: of an objective that is to be small, the journal holds the negative.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial as KerasTrial

from tuning.kerastuner.entries import active_values
from tuning.kerastuner.hypermodel import to_keras_tuner
from tuning.kerastuner.objective import WORST_COST
from tuning.kerastuner.shown import PRIVATE, ShownTrial
from tuning.kerastuner.supervision import trial_id
from tuning.store.events import explained
from tuning.trial import Suggestion, Trial, TrialResult
from zoo.errors import RunError

# Among keras-tuner's values of a trial that has ended: its result, as JSON.
RESULT = f"{PRIVATE}result"

ENDED = ("COMPLETED", "FAILED")
NO_NUMBER = "its score was not a number"


def as_keras(trial: Trial, hp: keras_tuner.HyperParameters, objective: Any) -> KerasTrial:
    """A trial of the journal in keras-tuner's terms.

    Args:
        trial: One that runs or has ended; a failed one becomes FAILED, with the reason.
        hp: All entries known; those that the trial has no value of are at their default.
        objective: keras-tuner's, with a name and a direction; of one that is to be small, the
            journal's score is the negative.
    """
    point = hp.copy()
    values = {**{entry.name: entry.default for entry in reversed(hp.space)}, **trial.values}
    active = active_values(hp, values)
    planned = to_keras_tuner(Suggestion(trial.values, trial.fidelity, trial.after))
    point.values = {**active, **{name: planned[name] for name in planned if name not in values}}
    if trial.result is None:
        return ShownTrial(point, trial_id(trial.number), "RUNNING")
    if trial.failed:
        return ShownTrial(point, trial_id(trial.number), "FAILED", trial.error)
    shown = ShownTrial(point, trial_id(trial.number), "COMPLETED")
    shown.score = sign_of(objective) * trial.score
    shown.metrics.register(objective.name, objective.direction)
    shown.metrics.update(objective.name, shown.score)
    return shown


def result_of(
    trial: KerasTrial, objective: Any, seconds: float, others: Sequence[Trial]
) -> TrialResult:
    """The journal's record of a trial that has ended.

    Args:
        trial: With the status COMPLETED and a score, or with another and a message.
        objective: What is to be large or small.
        seconds: How long it took.
        others: All trials so far: one that failed counts as the worst of them.
    """
    if RESULT in trial.hyperparameters.values:
        return _checked(trial.hyperparameters.values[RESULT])
    sign = sign_of(objective)
    if trial.status == "COMPLETED":
        return TrialResult(sign * float(trial.score), seconds=seconds)
    known = [other.score for other in others if other.result]
    worst = min([0.0 if sign > 0 else -WORST_COST, *known])
    message = (trial.message or "").strip() or NO_NUMBER
    return TrialResult(worst, seconds=seconds, error=message.splitlines()[-1])


def sign_of(objective: Any) -> int:
    """1 for an objective that is to be large, -1 for one that is to be small."""
    return 1 if objective.direction == "max" else -1


def _checked(text: str) -> TrialResult:
    """A result that came from a worker; RunError where it is none."""
    try:
        result = TrialResult.from_plain(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise RunError(f"a worker's result is damaged ({explained(error)})") from error
    if 0 <= result.score <= 1 and math.isfinite(result.seconds):
        return result
    raise RunError("a worker's result is damaged: a score is in 0..1, and seconds are finite")
