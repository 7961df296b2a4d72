"""The networks of 'Neural Networks and Deep Learning' (M. Nielsen) as Keras models.

    spec = zoo.get_spec("mlp30")             # what the book declares
    model = zoo.build("mlp30")               # a compiled keras.Model
    result = zoo.train("mlp30", seed=1)      # trained by the book's recipe
    zoo.evaluate(result.model, zoo.load_data().test)

Keras, and with it TensorFlow, is imported by the first call that needs it.
"""

from __future__ import annotations

import importlib

from zoo.errors import DataError, RunError, SpecError, UnknownNameError, ZooError
from zoo.registry import get_spec, list_models, register, unregister
from zoo.spec import (
    LSTM,
    Claim,
    ConvPool,
    EnsembleSpec,
    FullyConnected,
    FunctionSpec,
    InputSpec,
    ModelSpec,
    Recipe,
    SimpleRNN,
    Softmax,
    register_layer,
)
from zoo.utils.after_import import after_import
from zoo.utils.extras import naming_extras
from zoo.utils.renamed import renamed
from zoo.version import __version__

_LATER = {
    "Data": "zoo.data",
    "Split": "zoo.data",
    "load_data": "zoo.data",
    "build": "zoo.pretrained.models",
    "load": "zoo.pretrained.models",
    "push": "zoo.pretrained.hub",
    "save": "zoo.pretrained.models",
    "vote": "zoo.pretrained.models",
    "TrainResult": "zoo.training.job",
    "train": "zoo.training.train",
    "features": "zoo.pretrained.features",
    "Score": "zoo.evaluation.scores",
    "predict": "zoo.evaluation.scores",
    "evaluate": "zoo.evaluation.scores",
}

# Packages that are asked for by name, as in zoo.export.export(...).
_PACKAGES = ("evaluation", "export", "lab", "nn", "pretrained", "reproduction", "training")

# Names of earlier versions, which still work and say the new one.
_RENAMED = {
    "answer": "zoo.evaluation.scores.predict",
    "draws": "zoo.reproduction.ensembles",
    "ensemble": "zoo.nn.voting",
    "weights": "zoo.training.weights",
}

__all__ = [
    "LSTM",
    "Claim",
    "ConvPool",
    "Data",
    "DataError",
    "EnsembleSpec",
    "FullyConnected",
    "FunctionSpec",
    "InputSpec",
    "ModelSpec",
    "Recipe",
    "RunError",
    "Score",
    "SimpleRNN",
    "Softmax",
    "SpecError",
    "Split",
    "TrainResult",
    "UnknownNameError",
    "ZooError",
    "__version__",
    "build",
    "evaluate",
    "features",
    "get_spec",
    "list_models",
    "load",
    "load_data",
    "predict",
    "push",
    "register",
    "register_layer",
    "save",
    "train",
    "unregister",
    "vote",
]  # fmt: skip


def __getattr__(name: str):
    if name in _RENAMED:
        return renamed("zoo", name, _RENAMED[name])
    with naming_extras():
        if name in _PACKAGES:
            return importlib.import_module(f"zoo.{name}")
        if name in _LATER:
            return getattr(importlib.import_module(_LATER[name]), name)
    raise AttributeError(f"module 'zoo' has no attribute {name!r}")


# What stands in a saved model is known to `keras.models.load_model`, whichever is imported first.
after_import("keras", lambda: importlib.import_module("zoo.nn"))
