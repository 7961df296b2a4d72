"""The penalties of the book, L2 and L1, as Keras regularizers."""

from __future__ import annotations

import keras

from zoo.spec import Recipe


def penalty(recipe: Recipe) -> keras.Regularizer | None:
    """What weights cost, and biases never: lambda/2n sum w^2 (eq. 85) and lambda/n sum |w| (95).

    n is the number of training images. network3.py divides by the mini-batches of an epoch instead,
    which makes the same lambda `batch_size` times as strong.
    """
    if not recipe.l1 and not recipe.l2:
        return None
    count = recipe.images if recipe.lambda_per == "image" else recipe.batches
    return keras.regularizers.L1L2(l1=recipe.l1 / count, l2=recipe.l2 / (2 * count))
