"""The records that declare a network: layers, recipe, claim and the network; no Keras here."""

from zoo.spec.claim import Claim, Protocol
from zoo.spec.layers import (
    KINDS,
    Activation,
    ConvPool,
    FullyConnected,
    KerasFunction,
    Layer,
    Rule,
    Shape,
    Softmax,
    Vote,
    non_default_fields,
    walk,
)
from zoo.spec.network import DIGITS, IMAGE_SHAPE, PIXEL_SCALE, ModelSpec
from zoo.spec.recipe import Augmentation, Cost, Initializer, Precision, Recipe, Schedule

__all__ = [
    "DIGITS", "IMAGE_SHAPE", "KINDS", "PIXEL_SCALE", "Activation", "Augmentation", "Claim",
    "ConvPool", "Cost", "FullyConnected", "Initializer", "KerasFunction", "Layer", "ModelSpec",
    "Precision", "Protocol", "Recipe", "Rule", "Schedule", "Shape", "Softmax", "Vote",
    "non_default_fields", "walk",
]  # fmt: skip
