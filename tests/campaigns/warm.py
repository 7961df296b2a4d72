"""What the commands of a campaign import late, imported once before they are forked."""

import importlib

from zoo.utils.tensorflow import import_tensorflow

import_tensorflow()

MODULES = (
    *("keras", "matplotlib.pyplot", "onnx", "tf2onnx", "ai_edge_litert.interpreter", "keras_tuner"),
    *("zoo", "zoo.cli.main", "zoo.cli.presenting", "zoo.training.train", "zoo.pretrained.publish"),
    *("zoo.export.onnx", "zoo.export.litert", "zoo.export.saved_model", "zoo.export.runners"),
    *("zoo.reproduction.reproduce", "zoo.reproduction.tables", "zoo.lab", "zoo.lab.core.running"),
    *("zoo.serve.draw.page", "tuning.cli", "tuning.search", "tuning.execution", "tuning.workers"),
    *("tuning.kerastuner.tuner", "tuning.report.page", "tests.conftest"),
)
for name in MODULES:
    importlib.import_module(name)
