"""One layer as matrix products, in the form that XLA trains fastest on a processor.

A convolution (eq. 125) of activations a with weights w is one matrix product, once the patches of a
that the filters see stand in the columns of a matrix P:

    z[f; y, x, n] = sum_r w[r, f] P[r; y, x, n],   where r = (i, j, c), and
    P[i, j, c; y, x, n] = a[c; y + i, x + j; n]

and its gradients are two more: dC/dw = P dz^T and dC/dP = w dz. Activations of convolutions lie
here as [channels, height, width, images], so that a shifted window is made of long runs of memory.
"""

from __future__ import annotations

from functools import reduce

import tensorflow as tf


def conv_pool(a: tf.Tensor, w: tf.Tensor, pool: int) -> tf.Tensor:
    """A valid convolution and max-pooling, without the biases.

    Where several neurons of a pool have the same largest z, the gradient goes to the first, as
    Keras' MaxPooling2D has it.

    Args:
        a: The inputs, [c, H, W, n].
        w: The filters, [k, k, c, f].
        pool: The side of a pool; rows and columns left over at the end are pooled nowhere.

    Returns:
        The largest weighted input of each pool, [f, h, w, n].
    """
    k, _, c, f = w.shape
    height, width = ((side - k + 1) // pool for side in a.shape[1:3])
    a = a[:, : pool * height + k - 1, : pool * width + k - 1]  # what is left over is pooled nowhere
    patches = _windows(_windows(a, k, axis=2), k, axis=2)  # [j, c, H, x, n], [i, j, c, y, x, n]
    w, patches = tf.reshape(w, (k * k * c, f)), tf.reshape(patches, (k * k * c, -1))
    z = tf.matmul(w, patches, transpose_a=True)
    z = tf.reshape(z, (f, height, pool, width, pool, -1))
    return _largest(tf.unstack(_largest(tf.unstack(z, axis=4)), axis=2))  # row by row


def first_conv_pool(a: tf.Tensor, w: tf.Tensor, pool: int) -> tf.Tensor:
    """The same for the input's pixels, which need no gradient, by fewer and larger patches.

    One patch has all that a pool sees, and each neuron of the pool has a row of w, moved to its
    place among zeros.

    Args:
        a: The pixels, [c, H, W, n].
        w: The filters, [k, k, c, f].
        pool: The side of a pool.

    Returns:
        The largest weighted input of each pool, [f, h, w, n].
    """
    k, _, c, f = w.shape
    height, width = ((side - k + 1) // pool for side in a.shape[1:3])
    side, places = k + pool - 1, [(i, j) for i in range(pool) for j in range(pool)]
    patches = [
        a[:, i : i + pool * (height - 1) + 1 : pool, j : j + pool * (width - 1) + 1 : pool]
        for i in range(side)
        for j in range(side)
    ]
    moved = [tf.pad(w, [(i, pool - 1 - i), (j, pool - 1 - j), (0, 0), (0, 0)]) for i, j in places]
    w = tf.reshape(tf.stack(moved, axis=3), (side * side * c, -1))
    z = tf.matmul(w, tf.reshape(tf.concat(patches, 0), (side * side * c, -1)), transpose_a=True)
    return _largest_block(tf.reshape(z, (len(places), f, height, width, -1)))


def dense(a: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    """The weighted inputs a w of a fully connected layer, without its biases.

    Args:
        a: The inputs, [n, inputs].
        w: The weights, [inputs, units].

    Returns:
        [n, units]; in its gradient, that of w waits for that of a.
    """
    return tf.matmul(*_in_turn(a, w))


def _windows(a: tf.Tensor, k: int, axis: int) -> tf.Tensor:
    """The k windows of a, each a place further along an axis: [k, ...]."""
    size = a.shape[axis] - k + 1

    @tf.custom_gradient
    def windows(a: tf.Tensor):
        def gradient(d: tf.Tensor) -> tf.Tensor:
            # Autodiff would pad each window to the size of a, and add k arrays of that size.
            slices = [tf.unstack(window, axis=axis) for window in tf.unstack(d)]
            sums = [
                reduce(tf.add, (slices[i][y - i] for i in range(k) if 0 <= y - i < size))
                for y in range(size + k - 1)
            ]
            return tf.stack(sums, axis)

        before = [slice(None)] * axis
        return tf.stack([a[(*before, slice(i, i + size))] for i in range(k)]), gradient

    return windows(a)


def _largest(parts: list[tf.Tensor]) -> tf.Tensor:
    # Not reduce_max, which would share the gradient among equals.
    return reduce(tf.maximum, parts)


@tf.custom_gradient
def _largest_block(z: tf.Tensor):
    """The largest along the first axis, for few and large parts."""

    def gradient(d: tf.Tensor) -> tf.Tensor:
        # Autodiff would join an array for each part, which XLA takes four times as long for.
        first, best = tf.zeros_like(d), z[0]
        for number in range(1, z.shape[0]):
            first = tf.where(z[number] > best, float(number), first)
            best = tf.maximum(best, z[number])
        numbers = tf.reshape(tf.range(z.shape[0], dtype=d.dtype), (-1, *[1] * len(d.shape)))
        return tf.where(first == numbers, d, 0.0)

    return tf.reduce_max(z, axis=0), gradient


@tf.custom_gradient
def _in_turn(a: tf.Tensor, w: tf.Tensor):
    """Both as they are, but the gradient of w waits until that of a is there."""

    def gradient(da: tf.Tensor, dw: tf.Tensor):
        # XLA would copy w in each step, since its update could overtake the gradient of a, which
        # needs w as it was.
        return da, dw + 0 * da[0, 0]

    return (a, w), gradient
