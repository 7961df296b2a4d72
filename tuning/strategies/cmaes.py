"""CMA-ES: a normal distribution over the space that moves to where each generation did best.

Source: N. Hansen and A. Ostermeier, "Completely derandomized self-adaptation in evolution
strategies", 2001; the arithmetic is that of the package `cmaes`, which Optuna's sampler uses, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tuning.space import SearchSpace
from tuning.strategies.base import WAIT, Wait
from tuning.strategies.random import TRIALS_OPTION, Capped
from tuning.strategies.registry import Option, count, register_strategy
from tuning.trial import Suggestion, Trial
from zoo.errors import SpecError

POPULATION = 8

# Of the unit cube that the space is: about two thirds of the first points are in its inner half.
FIRST_DEVIATION = 0.25


@register_strategy(
    "cmaes",
    "generations of points around where the last one did best (CMA-ES)",
    options=(
        TRIALS_OPTION,
        Option("--population", count, POPULATION, f"points a generation (default {POPULATION})"),
    ),
    batch_trials=POPULATION,
)
@dataclass(frozen=True)
class CMAES(Capped):
    """The strategy: every setting is a number from 0 to 1, its quantile within its range.

    A generation's points are known as soon as the generation before has ended, and so one program
    trains all of them. A choice among values is a number like the others, cut into equal parts.

    Attributes:
        trials: How many; None for as many as the budget has.
        population: The points of a generation.
        seed: Of the points.
    """

    replays: ClassVar[bool] = True

    space: SearchSpace
    trials: int | None = None
    population: int = POPULATION
    seed: int = 0

    def __post_init__(self) -> None:
        self._check_trials("a search by cmaes")
        if len(self.space.ranges) < 2:
            raise SpecError("cmaes moves in two settings or more: search a single one by tpe")
        if isinstance(self.population, bool) or not isinstance(self.population, int):
            raise SpecError(f"a population is a whole number, not {self.population!r}")
        if self.population < 3:
            raise SpecError(
                f"a population of cmaes has three points or more, not {self.population}"
            )

    @property
    def packages(self) -> tuple[str, ...]:
        """The package of the same name."""
        return ("cmaes",)

    def suggest(self, trials: Sequence[Trial]) -> Suggestion | Wait | None:
        """Suggest the next point of the generation; WAIT for the end of the one before."""
        self.check_packages()
        if self.total is not None and len(trials) >= self.total:
            return None
        generation, place = divmod(len(trials), self.population)
        before = trials[: generation * self.population]
        if not all(trial.result for trial in before):
            return WAIT
        point = self._generation(before)[place]
        return Suggestion(
            {
                name: kind.quantile(min(float(share), 1 - 1e-9))
                for (name, kind), share in zip(self.space.ranges, point, strict=True)
            }
        )

    @property
    def _first_seed(self) -> int:
        """The seed of the package's generator, which takes none from 2**32 up."""
        if self.seed < 2**32:
            return self.seed
        return int(np.random.default_rng(self.seed).integers(2**32))

    def _generation(self, before: Sequence[Trial]) -> list[np.ndarray]:
        """The points of the generation after those trials; each earlier one is played again."""
        from cmaes import CMA

        sides = len(self.space.ranges)
        optimizer = CMA(
            mean=np.full(sides, 0.5),
            sigma=FIRST_DEVIATION,
            bounds=np.tile([0.0, 1.0], (sides, 1)),
            population_size=self.population,
            seed=self._first_seed,
        )
        points = [optimizer.ask() for _ in range(self.population)]
        for start in range(0, len(before), self.population):
            ended = before[start : start + self.population]
            optimizer.tell([(x, -trial.score) for x, trial in zip(points, ended, strict=True)])
            points = [optimizer.ask() for _ in range(self.population)]
        return points
