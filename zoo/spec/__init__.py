"""The records that declare a network: layers, recipe, claim and the network; no Keras here."""

from zoo.spec.claim import Claim, Protocol
from zoo.spec.convolution import ConvPool, Pooling
from zoo.spec.ensemble import EnsembleSpec, Rule
from zoo.spec.function import FunctionSpec
from zoo.spec.inputs import IMAGE_SHAPE, PIXEL_SCALE, InputSpec
from zoo.spec.layers import (
    KINDS,
    Activation,
    FullyConnected,
    Layer,
    Shape,
    Softmax,
    non_default_fields,
    register_layer,
    walk,
)
from zoo.spec.model import ModelSpec
from zoo.spec.network import NetworkSpec
from zoo.spec.recipe import Augmentation, Cost, Initializer, Precision, Recipe, Schedule
from zoo.spec.recurrent import LSTM, SimpleRNN

__all__ = [
    "IMAGE_SHAPE", "KINDS", "LSTM", "PIXEL_SCALE", "Activation", "Augmentation", "Claim",
    "ConvPool", "Cost", "EnsembleSpec", "FullyConnected", "FunctionSpec", "Initializer",
    "InputSpec", "Layer", "ModelSpec", "NetworkSpec", "Pooling", "Precision", "Protocol", "Recipe",
    "Rule", "Schedule", "Shape", "SimpleRNN", "Softmax", "non_default_fields", "register_layer",
    "walk",
]  # fmt: skip
