"""The penalties of the book, L2 and L1, as Keras regularizers, and their gradients by formula."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator

import keras
from keras import ops

from zoo.spec import Recipe

PENALTIES = (keras.regularizers.L1, keras.regularizers.L2, keras.regularizers.L1L2)


def penalty(recipe: Recipe) -> keras.Regularizer | None:
    """What weights cost, and biases never: lambda/2n sum w^2 (eq. 85) and lambda/n sum |w| (95).

    n is the number of training images. network3.py divides by the mini-batches of an epoch instead,
    which makes the same lambda `batch_size` times as strong.
    """
    if not recipe.l1 and not recipe.l2:
        return None
    count = recipe.images if recipe.lambda_per == "image" else recipe.batches
    return keras.regularizers.L1L2(l1=recipe.l1 / count, l2=recipe.l2 / (2 * count))


@contextlib.contextmanager
def closed_form_gradients(weights: Iterable[keras.Variable]) -> Iterator[None]:
    """Have the L1 and L2 penalties of `weights` differentiated by formula in the code inside.

    The gradient of l1 sum |w| + l2 sum w^2 is l1 sign(w) + 2 l2 w (eq. 86, 96). Autodiff in
    TensorFlow comes to the same numbers by way of a tensor of equal numbers, as large as w.
    """
    own = [
        (weight, weight.regularizer) for weight in weights if type(weight.regularizer) in PENALTIES
    ]
    try:
        for weight, penalty in own:
            weight.regularizer = _by_formula(penalty)
        yield
    finally:
        for weight, penalty in own:
            weight.regularizer = penalty


def _by_formula(penalty: keras.Regularizer) -> Callable:
    l1, l2 = (float(getattr(penalty, name, 0)) for name in ("l1", "l2"))

    @ops.custom_gradient
    def with_gradient(w):
        def gradient(upstream):
            terms = []
            if l1:
                terms.append(upstream * l1 * ops.sign(w))
            if l2:
                terms.append(upstream * (2 * l2) * w)
            return sum(terms) if terms else ops.zeros_like(w)

        return penalty(w), gradient

    return lambda weight: with_gradient(ops.convert_to_tensor(weight))
