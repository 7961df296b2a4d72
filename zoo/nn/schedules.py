"""Schedules that follow from the recipe alone: of the learning rate, and the end of dropout."""

from __future__ import annotations

from zoo.spec import Recipe

# Of all steps of one cycle, the share in which the learning rate rises.
RISE = 0.2


def one_cycle_points(recipe: Recipe) -> tuple[int, int]:
    """The step at which one cycle's learning rate is highest, and the one at which it is 0."""
    steps = recipe.epochs * recipe.batches
    return max(1, round(RISE * steps)), steps


def decay_factor(recipe: Recipe, epoch: int) -> float:
    """What the learning rate is multiplied by in an epoch, by the schedule 'decay'; 1 by any other.

    Args:
        recipe: With the factor `decay`, and after how many epochs each it is applied again.
        epoch: Counted from 0.

    >>> tenths = Recipe(cost="quadratic", epochs=9, learning_rate=1, schedule="decay", decay=0.1,
    ...                 decay_epochs=3)
    >>> [round(decay_factor(tenths, epoch), 6) for epoch in (0, 2, 3, 8)]
    [1.0, 1.0, 0.1, 0.01]
    """
    return recipe.decay ** (epoch // recipe.decay_epochs)


def first_epoch_without_dropout(recipe: Recipe) -> int:
    """The first epoch without dropout, counted from 0; the number of epochs where all have it.

    Source: Z. Liu, Z. Xu, J. Jin, Z. Shen and T. Darrell, "Dropout reduces underfitting", 2023, for
    dropout that ends before training does.
    """
    return max(0, recipe.epochs - recipe.dropout_off_epochs)
