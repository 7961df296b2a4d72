"""Hyper-parameter search for the networks of the zoo: from the book's strategy to CMA-ES.

    space = tuning.SearchSpace.of(learning_rate=tuning.LogUniform(0.01, 1), l2=tuning.Choice(0, 5))
    tuner = keras_tuner.RandomSearch(tuning.hypermodel("mlp30", space), "val_accuracy", 10)

`python -m tuning --help` searches from the command line.
"""

from __future__ import annotations

import importlib

from tuning.space import Choice, Integer, LogUniform, SearchSpace, Uniform
from zoo.utils.extras import naming_extras
from zoo.utils.renamed import renamed

_LATER = {
    "hypermodel": "tuning.kerastuner.hypermodel",
    "Search": "tuning.search",
    "StrategyOracle": "tuning.kerastuner.oracle",
    "Tuner": "tuning.kerastuner.tuner",
    "train_vectorized": "tuning.vectorized.train",
}

__all__ = [
    "Choice",
    "Integer",
    "LogUniform",
    "Search",
    "SearchSpace",
    "StrategyOracle",
    "Tuner",
    "Uniform",
    "hypermodel",
    "train_vectorized",
]


# Names of earlier versions, which still work and say the new one.
_RENAMED = {
    "Whole": "tuning.space.Integer",
    "train_together": "tuning.vectorized.train.train_vectorized",
}


def __getattr__(name: str):
    if name in _RENAMED:
        return renamed("tuning", name, _RENAMED[name])
    if name not in _LATER:
        raise AttributeError(f"module 'tuning' has no attribute {name!r}")
    with naming_extras():
        return getattr(importlib.import_module(_LATER[name]), name)
