"""The records that declare a network: layers, recipe, claim and the network; no Keras here."""

from zoo.spec.claim import Claim, Protocol
from zoo.spec.ensemble import EnsembleSpec, Rule
from zoo.spec.function import FunctionSpec
from zoo.spec.inputs import IMAGE_SHAPE, PIXEL_SCALE, InputSpec
from zoo.spec.layers import (
    KINDS,
    Activation,
    ConvPool,
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

__all__ = [
    "IMAGE_SHAPE", "KINDS", "PIXEL_SCALE", "Activation", "Augmentation", "Claim", "ConvPool",
    "Cost", "EnsembleSpec", "FullyConnected", "FunctionSpec", "Initializer", "InputSpec", "Layer",
    "ModelSpec", "NetworkSpec", "Precision", "Protocol", "Recipe", "Rule", "Schedule", "Shape",
    "Softmax", "non_default_fields", "register_layer", "walk",
]  # fmt: skip
