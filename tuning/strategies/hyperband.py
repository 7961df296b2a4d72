"""Hyperband (L. Li et al. 2017), decided by keras-tuner's own oracle: many points, few epochs each.

Of the points in a rung, the best third goes on for three times the epochs, and so on up to the full
number; brackets differ in how many points they start with, and for how long. keras-tuner's oracle
remembers its brackets; here they are rebuilt from the trials whenever it is asked, so that it
decides the same whatever was killed in between.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from tuning.fidelity import FULL, Fidelity
from tuning.space import SearchSpace, Values
from tuning.strategies.base import WAIT, Startable, Wait
from tuning.strategies.registry import Option, count, register_strategy
from tuning.trial import Suggestion, Trial
from zoo.errors import SpecError
from zoo.spec import ModelSpec


@register_strategy(
    "hyperband",
    "many points for few epochs, the best of them for more (keras-tuner's)",
    options=(
        Option("--factor", count, 3, "of epochs, rung by rung (default 3)"),
        Option("--iterations", count, 1, "of all brackets (default 1)"),
    ),
    batch_trials=8,
)
@dataclass(frozen=True)
class Hyperband(Startable):
    """The strategy: up to `epochs` a run, of which each rung runs `factor` times the last one's.

    A run that goes on is taken up where it paused. It is paused, not cut short: a schedule over its
    epochs is that of the full run. Points of `start` enter first.
    """

    space: SearchSpace
    epochs: int
    factor: int = 3
    iterations: int = 1
    seed: int = 0
    start: tuple[Values, ...] = ()

    extendable: ClassVar[tuple[str, ...]] = ("iterations",)

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("factor", 2), ("iterations", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise SpecError(f"Hyperband's {name} are {least} or more, not {value!r}")

    @classmethod
    def from_options(cls, options: argparse.Namespace, spec: ModelSpec, space: SearchSpace) -> Self:
        """Read factor, iterations and seed from the command line."""
        epochs = spec.recipe.epochs
        return cls(space, epochs, options.factor, options.iterations, options.seed)

    def suggest(self, trials: Sequence[Trial]) -> Suggestion | Wait | None:
        """Suggest what keras-tuner's brackets ask for after the trials so far."""
        from tuning.strategies.hyperband_brackets import Brackets

        chosen = Brackets(self, trials).populate_space(str(len(trials)))
        if chosen["status"] != "RUNNING":
            return WAIT if chosen["status"] == "IDLE" else None
        suggested = chosen["values"]
        values = {name: suggested[name] for name, _ in self.space.ranges}
        epochs, after = suggested["tuner/epochs"], suggested.get("tuner/trial_id")
        fidelity = FULL if epochs == self.epochs else Fidelity(until=epochs)
        return Suggestion(values, fidelity, None if after is None else int(after))

    @property
    def total(self) -> int:
        """All trials of all rungs."""
        from tuning.strategies.hyperband_brackets import Brackets

        oracle = Brackets(self, [])
        rungs = [(bracket, rung) for bracket in range(oracle._current_bracket + 1)
                 for rung in range(bracket + 1)]  # fmt: skip
        return self.iterations * sum(oracle._get_size(*rung) for rung in rungs)
