"""What the stages of the broad strategy share: the values held to, the trials, the words."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from tuning.fidelity import Fidelity
from tuning.space import Choice, Integer, LogUniform, SearchSpace, Uniform, Values
from tuning.strategies import comparison
from tuning.strategies.base import Decision
from tuning.trial import Suggestion, Trial

Steps = Generator[list[Suggestion], list[Trial], Any]


class BroadBase:
    """The values that a search holds to, what was trained, and what was said."""

    def __init__(self, space: SearchSpace, values: Values):
        self.ranges = dict(space.ranges)
        self.values = values
        self.decisions: list[Decision] = []
        self.trained: dict[tuple[Fidelity, str], Trial] = {}

    def _try(self, problem: Fidelity, changes: Sequence[Values], again: bool = False) -> Steps:
        """The trials of these changes; what was trained before is not, unless `again`."""
        plans = {
            (problem, key_of(values)): Suggestion(values, problem)
            for values in ({**self.values, **change} for change in changes)
        }
        fresh = {key: plan for key, plan in plans.items() if again or key not in self.trained}
        if fresh:
            trials = yield list(fresh.values())
            self.trained |= zip(fresh, trials, strict=True)
        return [self.trained[key] for key in plans]

    def _neighbours(self, name: str, value: Any, factor: float) -> list[Any]:
        kind = self.ranges[name]
        if isinstance(kind, Choice):
            return [other for other in kind.values if other != value]
        if not is_number(value):
            return [kind.quantile(0.5)]
        steps = (value * factor, value / factor) if value > 0 else _quarters(kind, value)
        return [
            other
            for other in dict.fromkeys(self._within(name, step) for step in steps)
            if other != value
        ]

    def _within(self, name: str, value: float) -> Any:
        kind = self.ranges.get(name)
        if kind is None:
            return value
        if isinstance(kind, Choice):
            return min(kind.values, key=lambda choice: abs(choice - value))
        bounded = min(max(value, kind.low), kind.high)
        return round(bounded) if isinstance(kind, Integer) else float(f"{bounded:.4g}")

    def _say(self, stage: str, text: str, trials: Sequence[Trial]) -> None:
        self.decisions.append(Decision(stage, text, tuple(trial.number for trial in trials)))

    def _say_best(self, name: str, problem: Fidelity, best: Trial, trials: Sequence[Trial]) -> None:
        message = (
            f"{text_of({name: best.values[name]})} kept: {comparison.compared(best, trials, name)}."
        )
        self._say(f"{name}, on {problem}", message, trials)


def is_number(value: Any) -> bool:
    """Whether a value can be a point of a range of numbers; a flag cannot."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _quarters(kind: Uniform | Integer, value: float) -> list[float]:
    """A quarter of a range up and down from 0 or less, where a factor leads nowhere."""
    if isinstance(kind, LogUniform):
        return [kind.quantile(0.25)]  # all of it lies above
    step = (kind.high - kind.low) / 4
    step = max(round(step), 1) if isinstance(kind, Integer) else step
    return [value + step, value - step]


def text_of(values: Mapping[str, Any]) -> str:
    """Settings and their values, in words."""
    return ", ".join(
        f"{name} = {value:.4g}" if isinstance(value, float) else f"{name} = {value}"
        for name, value in values.items()
    )


def key_of(value: Any) -> str:
    """What is the same for the same values, in whatever order."""
    return repr(sorted(value.items())) if isinstance(value, dict) else repr(value)
