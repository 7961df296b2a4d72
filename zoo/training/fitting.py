"""A declaration fitted to the data that it really gets: the shape, classes and number of images."""

from __future__ import annotations

from typing import TypeVar

from zoo.data import Data
from zoo.data.expand import SHIFTS
from zoo.spec import NetworkSpec

Spec = TypeVar("Spec", bound=NetworkSpec)


def fitted(spec: Spec, data: Data) -> Spec:
    """Fit a declaration to the data that it really gets.

    Args:
        spec: The network.
        data: Images of any shape, of any number of classes.

    Returns:
        The declaration with the data's image shape, classes and number of images, after expanding
        them where the recipe says so.

    Raises:
        SpecError: The layers do not fit such images, or a recipe's batch is larger than the set.
    """
    if data.shape != spec.input.shape:
        spec = spec.with_settings(input_shape=data.shape)
    if data.classes != spec.output_classes:
        spec = spec.with_settings(classes=data.classes)
    there = len(data.train) * (len(SHIFTS) if spec.recipe.expanded else 1)
    # lambda is divided by the images there really are.
    return spec.with_settings(images=min(spec.recipe.images, there))
