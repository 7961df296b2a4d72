"""Broad: the book's strategy for hyper-parameters (section 3.5), as an algorithm that says why.

First any signal at all, on a problem made so small that trials take no time; then the learning
rate by the training cost, lambda, the learning rate again, and the mini-batch size by the clock;
last the full problem. The state of the search is read off the trials so far, so that a search that
was cut off goes on, and says the same words again.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from tuning.space import UNITS, SearchSpace, Values, apply
from tuning.strategies.base import WAIT, Decision, Strategy, Wait
from tuning.strategies.broad_stages import BroadSearch
from tuning.strategies.registry import Option, register_strategy, setting
from tuning.trial import Suggestion, Trial
from zoo.errors import SpecError
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

    Settings of the space that `start` leaves out start from the network's recipe; without a start,
    it is the book's hopeless one. Ranges bound the search; the start may lie outside. Raises
    SpecError for a start of settings that are not searched.
    """

    spec: ModelSpec
    space: SearchSpace
    start: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [name for name, _ in self.space.ranges]
        validation.known_names(self.start, names, "the search space")
        hopeless = {name: value for name, value in HOPELESS.items() if name in names}
        object.__setattr__(self, "start", dict(self.start) or hopeless)
        try:
            apply(self.spec, {**_settings(self.spec, self.space), **self.start})
        except SpecError as error:
            raise SpecError(f"the start makes no {self.spec.name}: {error}") from error

    @classmethod
    def from_options(cls, options: argparse.Namespace, spec: ModelSpec, space: SearchSpace) -> Self:
        """Read the starting point from the command line."""
        return cls(spec, space, dict(options.start))

    def suggest(self, trials: Sequence[Trial]) -> Suggestion | Wait | None:
        """Suggest what the stages ask for next, after replaying the trials so far."""
        return self._replay(trials)[0]

    def explanation(self, trials: Sequence[Trial]) -> list[Decision]:
        """Every decision so far, in words."""
        return self._replay(trials)[1]

    def _replay(self, trials: Sequence[Trial]) -> tuple[Suggestion | Wait | None, list[Decision]]:
        search = BroadSearch(
            self.spec, self.space, {**_settings(self.spec, self.space), **self.start}
        )
        steps, seen = search.steps(), 0
        try:
            plans = next(steps)
            while True:
                batch = list(trials[seen : seen + len(plans)])
                if len(batch) < len(plans):
                    return plans[len(batch)], search.decisions
                if any(trial.result is None for trial in batch):
                    return WAIT, search.decisions
                seen += len(plans)
                plans = steps.send(batch)
        except StopIteration:
            return None, search.decisions


def _settings(spec: ModelSpec, space: SearchSpace) -> Values:
    """Where a setting starts that no start names: at the network's own, or in mid-range."""
    return {
        name: kind.quantile(0.5) if name == UNITS else getattr(spec.recipe, name)
        for name, kind in space.ranges
    }
