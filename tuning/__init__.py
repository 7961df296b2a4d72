"""Hyper-parameter search for the networks of the zoo: grid, random, and keras-tuner's own.

    space = tuning.SearchSpace.of(learning_rate=tuning.LogUniform(0.01, 1), l2=tuning.Choice(0, 5))
    tuner = keras_tuner.RandomSearch(tuning.hypermodel("mlp30", space), "val_accuracy", 10)

`python -m tuning --help` searches from the command line.
"""

from __future__ import annotations

import importlib

from tuning.space import Choice, LogUniform, SearchSpace, Uniform, Whole

_LATER = {
    "hypermodel": "tuning.models",
    "Search": "tuning.search",
    "StrategyOracle": "tuning.oracles",
    "Tuner": "tuning.tuner",
    "train_together": "tuning.vectorized",
}

__all__ = [
    "Choice",
    "LogUniform",
    "Search",
    "SearchSpace",
    "StrategyOracle",
    "Tuner",
    "Uniform",
    "Whole",
    "hypermodel",
    "train_together",
]


def __getattr__(name: str):
    if name not in _LATER:
        raise AttributeError(f"module 'tuning' has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name]), name)
