"""What the race of search strategies is about: networks, their spaces, and who races."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks.search_table import YARDSTICK
from tuning.space import Choice, Integer, LogUniform, SearchSpace
from tuning.strategies.base import Strategy
from zoo.data import Data
from zoo.registry import get_spec
from zoo.spec import ModelSpec

# Training images of a data set, so that a seed ends within minutes.
IMAGES = {"letters": 10_000}


@dataclass(frozen=True)
class Problem:
    """A network and a space, small enough that ten seeds of a strategy end within hours.

    Attributes:
        space: That is searched.
        trials: Of random search, each on the full problem: they set the budget of all others.
        settings: In place of the recipe's. Patience is among them: nobody trains on where nothing
            improves.
        validation: How many validation images are looked at; None for all.
    """

    space: SearchSpace
    trials: int = 40
    settings: dict[str, Any] = field(default_factory=lambda: {"patience": 10})
    validation: int | None = None

    def spec(self, network: str, name: str, data: Data) -> ModelSpec:
        """The network with as many training images as the data of a name has for it."""
        spec = get_spec(network).with_settings(**self.settings)
        most = IMAGES.get(name, len(data.train))
        return spec.with_settings(images=min(spec.recipe.images, len(data.train), most))

    def data(self, data: Data) -> Data:
        """The data with the validation images of this problem; the test images are never read."""
        if self.validation is None or self.validation >= len(data.validation):
            return data
        return replace(data, validation=data.validation.take(self.validation))


def _space(units: Integer) -> SearchSpace:
    return SearchSpace.of(
        learning_rate=LogUniform(0.001, 10.0),
        l2=LogUniform(0.01, 100.0),
        batch_size=Choice(5, 10, 20),
        units=units,
        initializer=Choice("unit_normal", "lecun_normal"),
    )


SMALL = Problem(_space(Integer(10, 50)))
PROBLEMS = {
    "mlp30": SMALL,
    # A convolution takes twenty times as long an image.
    "conv2_relu": Problem(
        _space(Integer(20, 100)), 20, {"images": 5_000, "epochs": 6, "patience": 2}, 2_000
    ),
}


def problem_of(network: str) -> Problem:
    """The problem of a network; for one that is not listed, that of `mlp30`."""
    return PROBLEMS.get(network, SMALL)


def strategies(problem: Problem, spec: ModelSpec, seed: int) -> dict[str, Callable[[], Strategy]]:
    """How to make each strategy: no one but random, which runs first, has an end by trials."""
    from tuning.strategies.bayesian import Bayesian
    from tuning.strategies.broad import Broad
    from tuning.strategies.cmaes import CMAES
    from tuning.strategies.halving import Halving
    from tuning.strategies.hyperband import Hyperband
    from tuning.strategies.random import Random
    from tuning.strategies.tpe import TPE

    space, epochs = problem.space, spec.recipe.epochs
    return {
        YARDSTICK: lambda: Random(space, problem.trials, seed),
        "broad": lambda: Broad(spec, space),
        "halving": lambda: Halving(space, epochs, None, 3, seed),
        "tpe": lambda: TPE(space, None, seed),
        "cmaes": lambda: CMAES(space, None, seed=seed),
        "hyperband": lambda: Hyperband(space, epochs, iterations=100, seed=seed),
        "bayesian": lambda: Bayesian(space, None, seed),
    }
