"""Networks of convolutions and dense layers, so that XLA compiles a block of steps as one program.

XLA takes matrix products to the limits of the processor, and has no fast convolution of its own:
each layer is computed by products, as matrix_products.py says. The weights are the Keras layers'
own, and models, files and inference know nothing of these modules. Against oneDNN's convolutions
the order of sums changes, and so the last digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import keras
import tensorflow as tf

from zoo.nn.dropout import BookDropout
from zoo.nn.matrix_products import conv_pool, dense, first_conv_pool

CONV_POOL = [keras.layers.Conv2D, keras.layers.MaxPooling2D, keras.layers.Activation]
ACTIVATIONS = [keras.activations.get(name) for name in ("linear", "relu", "sigmoid", "tanh")]
DENSE = (BookDropout, keras.layers.Dense, keras.layers.Flatten)


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
            if _drops(layer):
                a = a * tf.cast(next(masks), a.dtype)
            elif isinstance(layer, keras.layers.Dense):
                z = dense(a, tf.convert_to_tensor(layer.kernel))
                a = layer.activation(z + layer.bias if layer.use_bias else z)
            else:
                a = layer(a, training=True)
        return a

    def draw_masks(self, batches: int, size: int, count: tf.Tensor) -> list[tf.Tensor]:
        """The `masks` of the first batches of a block.

        They are those that the layers would draw step by step. In the program, random numbers would
        take longer than all the rest.

        Args:
            batches: Batches in a whole block.
            size: Images in a batch.
            count: How many batches masks are drawn for, at most `batches`.

        Returns:
            For each layer of dropout at work, booleans [batches, size, units], True where an input
            is kept; those from `count` on are not to be used.
        """
        layers = [(layer, (size, units)) for layer, units in self.dense if _drops(layer)]

        def draw(index, arrays):
            drawn = [layer.masks(shape) for layer, shape in layers]
            pairs = zip(arrays, drawn, strict=True)
            return index + 1, [array.write(index, mask) for array, mask in pairs]

        arrays = [tf.TensorArray(tf.bool, batches, element_shape=shape) for _, shape in layers]
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
        """Take the steps of a block, which may have fewer batches than the program was made for.

        Args:
            descend: Takes the steps: `descend(images, labels, count, forward)` is given the block,
                filled up, the number of its batches, and `forward(index)`, the outputs for one of
                them; it returns the outputs in training, [batches * size, classes].
            images: Bytes [k, size, height, width, channels] with k at most `batches`.
            labels: [k, size].

        Returns:
            The outputs for the images of the block, [k * size, classes].
        """
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
