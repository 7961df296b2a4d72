"""Accuracy against size or latency: what no smaller or quicker network beats, by Optuna's TPE.

Source: Y. Ozaki et al., "Multiobjective tree-structured Parzen estimator", 2022.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from tuning.space import MOST_PARAMETERS, SearchSpace, Values, apply
from tuning.strategies.random import TRIALS, TRIALS_OPTION
from tuning.strategies.registry import Option, register_strategy
from tuning.strategies.tpe import TPE
from tuning.trial import Trial
from zoo.errors import SpecError
from zoo.spec import ModelSpec

# What accuracy may be weighed against, with the unit in which a front is told.
COSTS = ("parameters", "latency")

# What a network that no one could time is told to take, in seconds.
_NO_LATENCY = 3600.0


def cost_name(text: str) -> str:
    """One of COSTS, for an option."""
    if text not in COSTS:
        raise argparse.ArgumentTypeError(f"must be {' or '.join(COSTS)}, not {text!r}")
    return text


@register_strategy(
    "pareto",
    "accuracy against parameters or latency (Optuna's multi-objective sampler)",
    options=(
        TRIALS_OPTION,
        Option(
            "--against", cost_name, "parameters",
            "parameters (default), or latency: of one image in ONNX Runtime, on this machine",
            "COST",
        ),
    ),
)  # fmt: skip
@dataclass(frozen=True)
class Pareto(TPE):
    """The strategy: as `TPE`, with two objectives, high accuracy and few parameters or low latency.

    Attributes:
        trials: How many; None for as many as the space or the budget has.
        seed: Of the points.
        start: Points to begin with, as of an earlier search.
        spec: The network, whose parameters are counted.
        against: The second objective, one of COSTS. Latencies of different machines do not compare.

    Raises:
        SpecError: Every point of the space has as many parameters.
    """

    space: SearchSpace
    trials: int | None = None
    seed: int = 0
    start: tuple[Values, ...] = ()
    spec: ModelSpec | None = None
    against: str = "parameters"
    directions: ClassVar[tuple[str, ...]] = ("maximize", "minimize")

    def __post_init__(self) -> None:
        self._check_trials("a search for the Pareto front")
        if self.against not in COSTS:
            raise SpecError(f"accuracy is weighed against {' or '.join(COSTS)}, "
                            f"not {self.against!r}")  # fmt: skip
        if self.spec and not _sizes_differ(self.spec, self.space):
            raise SpecError(
                "every point of this space has as many parameters: search `units` as well, "
                'as in --space with {"units": {"whole": [5, 100]}, ...}'
            )

    @property
    def packages(self) -> tuple[str, ...]:
        """Optuna, and what measures latency where it is needed."""
        return ("optuna", *(("onnx", "onnxruntime", "tf2onnx") if self.measures_latency else ()))

    @classmethod
    def from_options(cls, options: argparse.Namespace, spec: ModelSpec, space: SearchSpace) -> Self:
        """Read trials, seed and the second objective from the command line."""
        trials = options.trials or (None if options.budget.limited else TRIALS)
        return cls(space, trials, options.seed, spec=spec, against=options.against)

    def to_plain(self) -> dict[str, Any]:
        """The kind and the settings as plain data; the second objective where it is not the size.

        Searches of versions that knew parameters alone go on.
        """
        plain = super().to_plain()
        return {
            name: value for name, value in plain.items() if (name, value) != ("against", COSTS[0])
        }

    @property
    def measures_latency(self) -> bool:
        """Whether the second objective is latency."""
        return self.against == "latency"

    def cost(self, trial: Trial) -> float | None:
        """The second objective of a trial; None where it is not known."""
        return trial.latency if self.measures_latency else parameters_of(self.spec, trial)

    def objectives(self, trial: Trial) -> list[float]:
        """The accuracy of a trial, and its parameters or its latency in seconds."""
        try:
            cost = self.cost(trial)
        except SpecError:
            if self.spec is None:
                raise
            cost = MOST_PARAMETERS  # a point that makes no network: its trial failed
        return [trial.score, _NO_LATENCY if cost is None else float(cost)]


def parameters_of(spec: ModelSpec | None, trial: Trial) -> int:
    """The number of parameters of a trial's network, as on the full problem.

    Args:
        spec: The network that is searched.
        trial: With the values that it is given.

    Raises:
        SpecError: There is no network.
    """
    if spec is None:
        raise SpecError("a search for the Pareto front needs the declaration of a network")
    return apply(spec, trial.values).parameters or 0


def pareto_front(
    trials: Sequence[Trial], cost: Callable[[Trial], float | None]
) -> list[tuple[float, Trial]]:
    """The trials that no other beats at once in accuracy and cost, the least cost first.

    Args:
        trials: Those that compare: ended, on the same problem. One without a score, or without a
            cost, is left out; of equals the first stays.
        cost: Of a trial, such as its parameters or its latency; None where it is not known.

    Returns:
        The trials, each with its cost.
    """
    costs = [(cost(trial), trial) for trial in trials if trial.result and trial.score > 0]
    known = [(value, trial) for value, trial in costs if value is not None]
    known.sort(key=lambda each: (each[0], -each[1].score, each[1].number))
    front: list[tuple[float, Trial]] = []
    for value, trial in known:
        if not front or trial.score > front[-1][1].score:
            front.append((value, trial))
    return front


def _sizes_differ(spec: ModelSpec, space: SearchSpace) -> bool:
    sizes = set()
    for name, kind in space.ranges:
        for share in (0.0, 1.0):
            with contextlib.suppress(SpecError):  # of a setting that needs another one
                sizes.add(apply(spec, {name: kind.quantile(share)}).parameters)
    return len(sizes) > 1
