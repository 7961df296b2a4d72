"""Convolutions as matrix products, so that XLA compiles a block of training steps as one program.

A convolution (eq. 125) of activations a with weights w is one matrix product, once the patches of a
that the filters see stand in the columns of a matrix P:

    z[f; y, x, n] = sum_r w[r, f] P[r; y, x, n],   where r = (i, j, c), and
    P[i, j, c; y, x, n] = a[c; y + i, x + j; n]

and its gradients are two more: dC/dw = P dz^T and dC/dP = w dz. XLA takes products to the limits of
the processor, and has no fast convolution of its own. Activations lie here as [channels, height,
width, images], so that a shifted window is made of long runs of memory.

The weights are the Keras layers' own, and models, files and inference know nothing of this module.
Against oneDNN's convolutions it changes the order of sums, and so the last digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce

import keras
import tensorflow as tf

from zoo.nn.dropout import BookDropout

CONV_POOL = [keras.layers.Conv2D, keras.layers.MaxPooling2D, keras.layers.Activation]
ACTIVATIONS = [keras.activations.get(name) for name in ("linear", "relu", "sigmoid", "tanh")]
DENSE = (BookDropout, keras.layers.Dense, keras.layers.Flatten)


# --- one layer ------------------------------------------------------------------------------------


def conv_pool(a: tf.Tensor, w: tf.Tensor, pool: int) -> tf.Tensor:
    """A valid convolution and max-pooling: a [c, H, W, n] and w [k, k, c, f] to [f, h, w, n].

    Where several neurons of a pool have the same largest z, the gradient goes to the first, as
    Keras' MaxPooling2D has it.
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
    return _largest(tf.unstack(tf.reshape(z, (len(places), f, height, width, -1))))


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


# --- the network ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class LoweredNetwork:
    """A Keras network of convolutions and dense layers whose convolutions are matrix products.

    `convolutions` holds a convolution, a pooling and an activation each, and `dense` the layers
    after them, each with the number of its inputs. `numbers` is how many numbers the patches and
    weighted sums of one image are.
    """

    scale: keras.layers.Layer
    convolutions: tuple[tuple[keras.layers.Layer, ...], ...]
    dense: tuple[tuple[keras.layers.Layer, int], ...]
    numbers: int

    def __call__(self, images: tf.Tensor, masks: Iterable[tf.Tensor]) -> tf.Tensor:
        """The outputs [n, 10] in training, for bytes [n, height, width, channels].

        `masks` says for each layer of dropout at work which of its inputs [n, units] it keeps.
        """
        a = tf.transpose(self.scale(images), (3, 1, 2, 0))
        for number, (conv, pooling, activation) in enumerate(self.convolutions):
            product = conv_pool if number else first_conv_pool
            z = product(a, tf.convert_to_tensor(conv.kernel), pooling.pool_size[0])
            a = activation(z + tf.reshape(conv.bias, (-1, 1, 1, 1)))
        a, masks = tf.transpose(a, (3, 1, 2, 0)), iter(masks)
        for layer, _ in self.dense:
            a = a * tf.cast(next(masks), a.dtype) if _drops(layer) else layer(a, training=True)
        return a

    def draw_masks(self, batches: int, size: int, count: tf.Tensor) -> list[tf.Tensor]:
        """The `masks` of the first `count` batches, [batches, size, units] for each layer.

        They are those that the layers would draw step by step. In the program, random numbers would
        take longer than all the rest.
        """
        layers = [(layer, tf.ones((size, units))) for layer, units in self.dense if _drops(layer)]

        def draw(index, arrays):
            drawn = [layer(ones, training=True) > 0 for layer, ones in layers]
            pairs = zip(arrays, drawn, strict=True)
            return index + 1, [array.write(index, mask) for array, mask in pairs]

        arrays = [tf.TensorArray(tf.bool, batches, element_shape=ones.shape) for _, ones in layers]
        _, arrays = tf.while_loop(lambda index, _: index < count, draw, [0, arrays])
        return [array.stack() for array in arrays]


def _drops(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, BookDropout) and not layer.disabled


def lowered(model: keras.Model) -> LoweredNetwork | None:
    """The network of a Keras model, or None where it is not one that can be lowered."""
    chain, convolutions, numbers = _chain(model), [], 0
    rest = chain[1:]
    while [type(layer) for layer, _ in rest[:3]] == CONV_POOL:
        layers, (_, z, _) = zip(*rest[:3], strict=True)
        numbers += math.prod(z[1:3]) * (math.prod(layers[0].kernel.shape[:3]) + z[3])
        convolutions.append(layers)
        rest = rest[3:]
    fits = (
        convolutions
        and type(chain[0][0]) is keras.layers.Rescaling
        and all(_is_conv_pool(*layers) for layers in convolutions)
        and all(type(layer) in DENSE for layer, _ in rest)
        and all(layer.compute_dtype == "float32" for layer, _ in chain)
        and not any(getattr(layer, "activity_regularizer", None) for layer, _ in chain)
    )
    dense = tuple((layer, shape[-1]) for layer, shape in rest)
    return LoweredNetwork(chain[0][0], tuple(convolutions), dense, numbers) if fits else None


def _chain(model: keras.Model) -> list[tuple[keras.layers.Layer, tuple]]:
    """The layers from input to output, each with the shape of its inputs; none if they branch."""
    tensor = model.outputs[0]
    layers: list[tuple[keras.layers.Layer, tuple]] = []
    while tensor is not None:
        # Not `layer.input`, which a layer has no longer once a second model uses it.
        layer, node, _ = tensor._keras_history
        inputs = layer._inbound_nodes[node].input_tensors
        if not inputs:
            return layers
        layers.insert(0, (layer, inputs[0].shape))
        tensor = inputs[0] if len(inputs) == 1 else None
    return []


def _is_conv_pool(conv, pooling, activation) -> bool:
    return (
        len(set(conv.kernel_size)) == len(set(pooling.pool_size)) == 1
        and (conv.strides, conv.dilation_rate, conv.groups) == ((1, 1), (1, 1), 1)
        and (conv.padding, pooling.padding) == ("valid", "valid")
        and (conv.data_format, pooling.data_format) == ("channels_last", "channels_last")
        and pooling.strides == pooling.pool_size
        and conv.use_bias
        and conv.activation is keras.activations.linear
        and activation.activation in ACTIVATIONS
    )


# --- the program ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Program:
    """A network's training steps, compiled for blocks of `batches` batches of `size` images."""

    network: LoweredNetwork
    batches: int
    size: int

    @property
    def memory(self) -> int:
        """Bytes that a block takes, about: numbers with their gradients, and masks."""
        masks = sum(units for layer, units in self.network.dense if isinstance(layer, BookDropout))
        return self.size * (8 * self.network.numbers + self.batches * masks)

    def takes(self, images: tf.Tensor) -> tf.Tensor:
        """Whether a block is of this size, or an epoch's last one, with fewer batches."""
        there = tf.shape(images)
        return tf.logical_and(there[0] <= self.batches, there[1] == self.size)

    def run(self, descend: Callable, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Take the steps of a block by `descend(images, labels, count, forward)`; the outputs."""
        count = tf.shape(images)[0]
        masks = self.network.draw_masks(self.batches, self.size, count)

        @tf.function(jit_compile=True, autograph=False)
        def compiled(images, labels, count, *masks):
            def forward(index):
                return self.network(images[index], [mask[index] for mask in masks])

            return descend(images, labels, count, forward)

        # Another number of batches would be another program, of three seconds' compiling.
        images, labels = (self._filled(tensor) for tensor in (images, labels))
        return compiled(images, labels, count, *masks)[: count * self.size]

    def _filled(self, tensor: tf.Tensor) -> tf.Tensor:
        missing = self.batches - tf.shape(tensor)[0]
        filled = tf.pad(tensor, [(0, missing), *[(0, 0)] * (len(tensor.shape) - 1)])
        return tf.ensure_shape(filled, (self.batches, self.size, *tensor.shape[2:]))
