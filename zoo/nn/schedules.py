"""Schedules that follow from the recipe alone: one cycle's learning rate, the end of dropout."""

from __future__ import annotations

from zoo.spec import Recipe

# Of all steps of one cycle, the share in which the learning rate rises.
RISE = 0.2


def one_cycle_points(recipe: Recipe) -> tuple[int, int]:
    """The step at which one cycle's learning rate is highest, and the one at which it is 0."""
    steps = recipe.epochs * recipe.batches
    return max(1, round(RISE * steps)), steps


def first_epoch_without_dropout(recipe: Recipe) -> int:
    """The first epoch without dropout, counted from 0; the number of epochs where all have it.

    Source: Z. Liu, Z. Xu, J. Jin, Z. Shen and T. Darrell, "Dropout reduces underfitting", 2023, for
    dropout that ends before training does.
    """
    return max(0, recipe.epochs - recipe.dropout_off_epochs)
