"""Broad: the book's strategy for hyper-parameters (section 3.5), as an algorithm that says why.

First any signal at all, on a problem made so small that trials take no time; then the learning
rate by the training cost, lambda, the learning rate again, and the mini-batch size by the clock;
last the full problem. The state of the search is read off the trials so far, so that a search that
was cut off goes on, and says the same words again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from tuning.ranges import Choice, Range, as_stored
from tuning.space import UNITS, SearchSpace, Values, apply
from tuning.strategies.base import WAIT, Decision, Strategy, Wait
from tuning.strategies.broad_base import is_number, key_of
from tuning.strategies.broad_signal import ETA, LAMBDA
from tuning.strategies.broad_stages import BroadSearch
from tuning.strategies.registry import Option, register_strategy, setting
from tuning.trial import Suggestion, Trial
from zoo.errors import RunError, SpecError
from zoo.spec import ModelSpec, validation

# Where the book begins: nothing is learned there.
HOPELESS = {"learning_rate": 10.0, "l2": 1000.0}


@register_strategy(
    "broad",
    "the book's strategy: from no signal to the full problem, saying why at every step",
    options=(
        Option(
            "--start", setting, (), "default learning_rate=10, l2=1000: hopeless",
            "SETTING=VALUE", repeated=True,
        ),
    ),
    batch_trials=8,
)  # fmt: skip
@dataclass(frozen=True)
class Broad(Strategy):
    """The strategy, for one network over a space, from a starting point.

    Settings of the space that `start` leaves out start from the network's recipe, or in the middle
    of a range of numbers that does not hold the recipe's; without a start, it is the book's
    hopeless one. Ranges bound the search; a start that is given may lie outside.

    With `points`, as of an earlier search, the reduced problems are left out: the points are
    trained on the full one, and the last stage goes on from the best.

    Raises SpecError for a start of settings that are not searched.
    """

    spec: ModelSpec
    space: SearchSpace
    start: Mapping[str, Any] = field(default_factory=dict)
    points: tuple[Values, ...] = ()

    def __post_init__(self) -> None:
        names = [name for name, _ in self.space.ranges]
        validation.known_names(self.start, names, "the search space")
        hopeless = {name: value for name, value in HOPELESS.items() if name in names}
        object.__setattr__(self, "start", dict(self.start) or hopeless)
        object.__setattr__(self, "points", tuple(self.points))
        try:
            apply(self.spec, {**_settings(self.spec, self.space), **self.start})
        except SpecError as error:
            raise SpecError(
                f"the start makes no {self.spec.name}: {error}. Choose another, as by --start "
                "SETTING=VALUE"
            ) from error

    @classmethod
    def from_options(cls, options: argparse.Namespace, spec: ModelSpec, space: SearchSpace) -> Self:
        """Read the starting point from the command line."""
        return cls(spec, space, dict(options.start))

    def begin_with(self, points: tuple[Values, ...]) -> Self:
        """The strategy that begins on the full problem, with these points."""
        return replace(self, points=points)

    @classmethod
    def begun_with(cls, plain: Mapping[str, Any]) -> tuple[Values, ...]:
        """The points that a strategy of these settings begins with."""
        return tuple(plain.get("points", ()))

    def to_plain(self) -> dict[str, Any]:
        """The kind and the settings as plain data; points to begin with, where there are any."""
        plain = super().to_plain()
        points = [dict(values) for values in plain.pop("points")]
        return {**plain, "points": points} if points else plain

    def suggest(self, trials: Sequence[Trial]) -> Suggestion | Wait | None:
        """Suggest what the stages ask for next, after replaying the trials so far.

        Raises:
            RunError: The trials are those of an earlier version, which tried other points.
        """
        suggestion = self._replay(trials)[0]
        if isinstance(suggestion, RunError):
            raise suggestion
        return suggestion

    def explanation(self, trials: Sequence[Trial]) -> list[Decision]:
        """Every decision so far, in words."""
        return self._replay(trials)[1]

    def _replay(
        self, trials: Sequence[Trial]
    ) -> tuple[Suggestion | Wait | RunError | None, list[Decision]]:
        search = BroadSearch(
            self.spec, self.space, {**_settings(self.spec, self.space), **self.start}
        )
        steps, seen = search.steps(self.points), 0
        try:
            plans = next(steps)
            while True:
                batch = list(trials[seen : seen + len(plans)])
                for plan, trial in zip(plans, batch, strict=False):
                    if not _same(plan, trial):
                        return _foreign(trial), search.decisions
                if len(batch) < len(plans):
                    return plans[len(batch)], search.decisions
                if any(trial.result is None for trial in batch):
                    return WAIT, search.decisions
                seen += len(plans)
                plans = steps.send(batch)
        except StopIteration:
            return None, search.decisions


def _same(plan: Suggestion, trial: Trial) -> bool:
    values = json.dumps(plan.values, sort_keys=True)
    return (values, plan.fidelity) == (json.dumps(trial.values, sort_keys=True), trial.fidelity)


def _foreign(trial: Trial) -> RunError:
    return RunError(
        f"trial {trial.number} is none that broad would have tried: an earlier version began this "
        "search. Choose another --project"
    )


def _settings(spec: ModelSpec, space: SearchSpace) -> Values:
    """Where a setting starts that no start names: at the network's own, or in mid-range.

    The learning rate and lambda may start outside their ranges: steps lead into them from anywhere.
    """
    return {
        name: kind.quantile(0.5) if name == UNITS else _start(name, kind, spec)
        for name, kind in space.ranges
    }


def _start(name: str, kind: Range, spec: ModelSpec) -> Any:
    own = as_stored(getattr(spec.recipe, name))
    if name in (ETA, LAMBDA):
        return own
    if isinstance(kind, Choice):
        inside = key_of(own) in map(key_of, kind.values)
    else:
        inside = is_number(own) and kind.low <= own <= kind.high
    return own if inside else kind.quantile(0.5)
