"""Comparisons of trials: whether the cost falls, which is better, and how sure that is."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from tuning.trial import Execution, Trial


def cost_falls(trial: Trial) -> bool:
    """Whether the training cost fell in every epoch, in every execution."""
    return bool(trial.executions) and all(
        not execution.diverged and _all_fall(execution.costs) for execution in trial.executions
    )


def _all_fall(costs: Sequence[float | None]) -> bool:
    known = [cost for cost in costs if cost is not None]
    return len(known) == len(costs) and all(later < cost for cost, later in pairwise(known))


def falls(trial: Trial) -> str:
    """In how many epochs the training cost fell, in words."""
    if not trial.executions:
        return trial.error
    execution = trial.executions[0]
    costs = [cost for cost in execution.costs if cost is not None]
    if execution.diverged or len(costs) < len(execution.costs):
        return f"it diverged after {execution.epochs} epochs"
    count = sum(later < cost for cost, later in pairwise(costs))
    path = " ".join(f"{cost:.3g}" for cost in costs)
    return f"the cost fell in {count} of {len(costs) - 1} epochs ({path})"


def better(best: Trial, trials: Sequence[Trial]) -> tuple[Trial, bool]:
    """The trial with the highest score, of equals `best`; and whether that is another one.

    Args:
        best: The best so far.
        trials: Those that challenge it, at least one.
    """
    highest = max(trials, key=lambda trial: trial.score)
    return (highest, True) if highest.score > best.score else (best, False)


def compared(best: Trial, trials: Sequence[Trial], name: str = "") -> str:
    """The best trial beside the others, in words, and whether chance could part them.

    Args:
        best: The best trial; it may be among the others.
        trials: Those it is compared with.
        name: The setting in which they differ, whose values are shown; empty tells the trials'
            numbers.
    """
    others = [trial for trial in trials if trial.number != best.number]
    label = f" at {name} = " if name else " for trial "
    message = ", ".join(
        f"{percent(other)}{label}{short(other.values[name]) if name else other.number}"
        for other in others
    )
    close = [other for other in others if best.score - other.score < margin(best)]
    doubt = ", not distinguishable" if close else ""
    return f"{percent(best)}, against {message}{doubt}" if others else percent(best)


def not_told_apart(trials: Sequence[Trial], name: str) -> list[Any]:
    """The values of a setting whose trials are within chance of the best one, without its own.

    Args:
        trials: At least one, each with a value of the setting.
        name: The setting.
    """
    best = max(trials, key=lambda trial: trial.score)
    close = [trial.values[name] for trial in trials if best.score - trial.score < margin(best)]
    return [value for value in close if value != best.values[name]]


def margin(trial: Trial) -> float:
    """The difference of two scores near this one that chance makes, 1 time in 20 or more often.

    0 where nobody knows of how many images the score is: nothing is said of chance then.
    """
    if not trial.validated:
        return 0.0
    return 1.96 * math.sqrt(2 * max(trial.score * (1 - trial.score), 1e-4) / trial.validated)


def right(trial: Trial) -> int:
    """How many validation images a trial has right, of those that it was scored on."""
    return round(trial.score * (trial.validated or 0))


def more_than_guessing(count: int, chance: float) -> int | None:
    """How many right answers one guess in a thousand reaches, and one more.

    Args:
        count: Of the answers.
        chance: Of each to be right by a guess.

    Returns:
        1 to `count`; None where all of so few may be right by a guess.
    """
    from scipy.stats import binom  # slow to import

    needed = int(binom.isf(0.001, count, chance)) + 1
    return needed if needed <= count else None


def seconds(trial: Trial) -> float:
    """The time of a trial's epochs, without what comes before the first.

    Infinite for a trial that diverged or was not trained: it never reached the end.
    """
    if trial.failed or not trial.executions:
        return math.inf
    return statistics.mean(
        math.inf if execution.diverged else execution.epochs * _seconds_an_epoch(execution)
        for execution in trial.executions
    )


def accuracy_after(trial: Trial, clock: float) -> float:
    """The best validation accuracy that a trial had reached by some time.

    Args:
        trial: One that has ended.
        clock: Seconds of epochs; those before the first epoch do not count.

    Returns:
        0..1, a mean over its executions; 0 where no epoch was over, or nothing ran. An execution
        that diverged counts as 0: its last weights are of no use.
    """
    if trial.failed or not trial.executions:
        return 0.0
    return statistics.mean(_reached(execution, clock) for execution in trial.executions)


def _reached(execution: Execution, clock: float) -> float:
    if execution.diverged:
        return 0.0
    epochs = int(clock / _seconds_an_epoch(execution) + 1e-6)
    return max(execution.curve[:epochs], default=0.0)


def _seconds_an_epoch(execution: Execution) -> float:
    # The record has four decimals: what is 0 there took no longer than half of the last one.
    return max(execution.seconds_an_epoch, 5e-5)


def percent(trial: Trial) -> str:
    """Its score."""
    return f"{100 * trial.score:.2f} %"


def short(value: object) -> str:
    """A value of a setting; of a real number, four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
