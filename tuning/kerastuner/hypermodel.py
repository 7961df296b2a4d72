"""A network of the zoo as keras-tuner's HyperModel, so that its tuners search it unchanged."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import keras_tuner

from tuning.fidelity import FULL, Fidelity
from tuning.kerastuner.fitting import fit_network
from tuning.space import SearchSpace, apply, searchable
from tuning.strategies.keras_tuner_space import ask, check_convertible
from tuning.trial import Suggestion
from zoo.nn.builder import build_model
from zoo.registry import get_spec
from zoo.spec import ModelSpec

# Among keras-tuner's values of a trial: our plan of it as JSON, its values as they are.
PLAN = "zoo/plan"


def hypermodel(
    network: str | ModelSpec, space: SearchSpace, *, seed: int | None = None
) -> keras_tuner.HyperModel:
    """A network over a space, for `keras_tuner.RandomSearch(hypermodel("mlp30", space), ...)`.

    `tuner.search(data)` with the zoo's `Data`, and `tuner.search(x, y, validation_data=...)` with
    images as bytes, train by the recipe as `zoo.train` does, for its epochs unless the tuner has
    its own; anything else trains as Keras does, with the recipe's mini-batches.

    Args:
        network: A name in the zoo, or the declaration of one stack of layers.
        space: What is searched.
        seed: Every model starts from the same weights by it; None lets them differ each time.

    Raises:
        SpecError: The network does not fit the space, or keras-tuner cannot hold one of its
            choices.
    """
    return ZooHyperModel(searchable(get_spec(network)), space, seed)


class ZooHyperModel(keras_tuner.HyperModel):
    """Builds a network at a point of a space, and trains it."""

    def __init__(self, spec: ModelSpec, space: SearchSpace, seed: int | None = None):
        space.check(spec)
        check_convertible(space)
        super().__init__(name=spec.name)
        self.spec, self.space, self.seed = spec, space, seed

    def spec_at(self, hp: keras_tuner.HyperParameters) -> ModelSpec:
        """The declaration at a point that keras-tuner chose."""
        plan = suggestion_of(hp, self.space)
        return plan.fidelity.of_spec(apply(self.spec, plan.values))

    def build(self, hp):
        """Build and compile the network at the point `hp`, with initial weights by the seed."""
        return build_model(self.spec_at(hp), seed=self.seed)

    def fit(self, hp, model, *data, **options):
        """Train by the recipe, as `zoo.train` does; see `tuning.kerastuner.fitting`."""
        suggestion = suggestion_of(hp, self.space)
        paused = hp.values.get("tuner/epochs")  # of keras-tuner's Hyperband: a part of a longer run
        epochs = suggestion.fidelity.epochs
        if "epochs" in options and not paused:
            epochs = options["epochs"]
        elif paused:
            epochs = max(paused, self.spec_at(hp).recipe.epochs)
        fidelity = replace(suggestion.fidelity, epochs=epochs)
        spec = apply(self.spec, suggestion.values)
        return fit_network(model, spec, data, options, fidelity, self.seed or 0)


def to_keras_tuner(plan: Suggestion) -> dict[str, Any]:
    """A plan as the values of keras-tuner's trial, and as JSON where it is more than those."""
    if plan.fidelity == FULL and plan.after is None:
        return dict(plan.values)
    record: dict[str, Any] = {"values": plan.values, "fidelity": plan.fidelity.to_plain()}
    if plan.after is not None:
        record["after"] = plan.after
    return {**plan.values, PLAN: json.dumps(record)}


def suggestion_of(hp: keras_tuner.HyperParameters, space: SearchSpace) -> Suggestion:
    """The plan that a trial of keras-tuner's stands for: ours, or a point that its oracle chose.

    Args:
        hp: The trial's values; of a point, it is asked for those of the space that are missing.
        space: What is searched.
    """
    if PLAN in hp.values:
        record = json.loads(hp.values[PLAN])
        return Suggestion(record["values"], Fidelity(**record["fidelity"]), record.get("after"))
    values = {
        name: hp.values[name] if name in hp.values else ask(hp, name, kind)
        for name, kind in space.ranges
    }
    return Suggestion(values)
