"""The latency of a trial's network, measured once a shape in each process."""

from __future__ import annotations

from typing import Any

from zoo.data import Data
from zoo.export.latency import onnx_latency
from zoo.nn.builder import build_model
from zoo.spec import ModelSpec
from zoo.training.job import training_set

# What was measured, by all that decides it.
_KNOWN: dict[Any, float] = {}


def latency_of(spec: ModelSpec, data: Data) -> float:
    """The median seconds of one image in ONNX Runtime, on one thread of this machine.

    It depends on the layers and on what else the machine does, and not on what was learned: a
    network of the same layers is not measured again.

    Args:
        spec: The network, as its trial is trained.
        data: What it is trained on: the shape of the images and the classes are its own.

    Raises:
        SpecError: The layers do not fit the data.
        RunError: A package is missing, or the network does not become ONNX.
    """
    fitted, _ = training_set(spec, data)
    assert isinstance(fitted, ModelSpec)
    key = (fitted.layers, fitted.input)
    if key not in _KNOWN:
        _KNOWN[key] = onnx_latency(build_model(fitted, seed=0))
    return _KNOWN[key]
