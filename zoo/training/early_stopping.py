"""No improvement in n epochs: the learning rate falls, or training stops.

It follows from the validation accuracies so far and from nothing else, so that a run taken up again
decides as the unbroken one did (chapter 3, "How to choose a neural network's hyper-parameters?").
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from zoo.spec import Recipe

# The learning rate is multiplied by the first number, until it is the second times what it was.
FALLS = {"halve": (1 / 2, 1 / 128), "tenth": (1 / 10, 1 / 1000)}


class PlateauDecision(NamedTuple):
    """What the epochs so far mean for the next: a factor of the learning rate, or no next epoch."""

    factor: float
    stop: bool


def plateau_rule(accuracies: Sequence[float], recipe: Recipe) -> PlateauDecision:
    """Apply the rule of no improvement in n epochs, n being the recipe's patience.

    Args:
        accuracies: On the validation images, of all epochs so far; an epoch that only equals the
            best is no improvement.
        recipe: Its patience and schedule are read; without patience nothing ever falls or stops.

    Returns:
        The factor of the learning rate, and whether training stops: by 'halve' at 1/128, by 'tenth'
        at 1/1000, by any other schedule as soon as the patience is over.

    >>> halving = Recipe(cost="quadratic", epochs=9, learning_rate=1, schedule="halve", patience=2)
    >>> plateau_rule([0.8, 0.9, 0.9, 0.9], halving)
    PlateauDecision(factor=0.5, stop=False)
    """
    factor, best, waited = 1.0, -math.inf, 0
    if recipe.patience is None:
        return PlateauDecision(factor, stop=False)
    for accuracy in accuracies:
        if accuracy > best:
            best, waited = accuracy, 0
            continue
        waited += 1
        if waited < recipe.patience:
            continue
        if recipe.schedule not in FALLS:
            return PlateauDecision(factor, stop=True)
        step, least = FALLS[recipe.schedule]
        factor, waited = factor * step, 0
        # Ten times a tenth of a tenth of a tenth is not quite 1/1000.
        if factor <= least * (1 + 1e-9):
            return PlateauDecision(factor, stop=True)
    return PlateauDecision(factor, stop=False)
