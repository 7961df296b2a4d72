"""Dropout as the book has it, of inputs, and DropConnect, of weights: masks in training."""

from __future__ import annotations

import keras
from keras import ops


def _share_of_batch() -> tuple:
    """Which share of a mini-batch is computed here, from 0, and how many there are."""
    if keras.backend.backend() == "tensorflow":  # elsewhere Keras shows layers the whole of it
        import tensorflow as tf

        replica = tf.distribute.get_replica_context()
        if replica is not None:  # it is, where a model is being built
            return replica.replica_id_in_sync_group, replica.num_replicas_in_sync
    return 0, 1


class _Masked(keras.layers.Layer):
    """What layers that draw masks in training share: rate, generator, and how both are saved."""

    def _start_masks(self, rate: float, seed: int | None) -> None:
        self.rate = rate
        self.seed = seed
        self.disabled = False  # whether training goes on without masks, as in use
        # Named, so that a saved state of the generator finds its way back.
        self.generator = keras.random.SeedGenerator(seed, name=f"{self.name}_masks")

    def _drawn(self, shape: tuple):
        """Numbers in 0..1 of a shape whose first axis is a mini-batch, or a device's share of it.

        Each device draws for the whole mini-batch and keeps its share, so that all have the masks
        that one device would draw.
        """
        share, shares = _share_of_batch()
        count = shape[0]
        # In single precision whatever `floatx` is, or one seed would draw other masks.
        drawn = keras.random.uniform(
            (count * shares, *shape[1:]), dtype="float32", seed=self.generator
        )
        return drawn if shares == 1 else drawn[share * count : (share + 1) * count]

    def get_config(self):
        """Return what a saved model needs to make this layer again."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}

    def save_own_variables(self, store):
        """Store the weights, if any, and the state of the mask's generator."""
        super().save_own_variables(store)
        # Keras leaves generators out: a model loaded to train further would draw old masks again.
        store["masks"] = self.generator.state

    def load_own_variables(self, store):
        """Restore the state of the mask's generator, where one was stored."""
        if "masks" in store:
            self.generator.state.assign(store["masks"])


@keras.saving.register_keras_serializable("zoo")
class BookDropout(_Masked):
    """Dropout as the book has it: inputs are masked in training, and multiplied by 1 - p in use.

    Keras' own layer divides by 1 - p in training instead. That is the same family of networks, but
    its weights are 1 - p times the book's, so one learning rate takes it through another course.
    Every layer draws masks of its own; in network3.py layers of one size share theirs by accident.
    """

    def __init__(self, rate: float, seed: int | None = None, **layer_options):
        super().__init__(**layer_options)
        self._start_masks(rate, seed)

    def call(self, inputs, training=False):
        """Drop a share of the inputs in training; scale all of them otherwise."""
        keep = 1 - self.rate
        if not training or self.disabled:
            return inputs * keep
        return inputs * ops.cast(self.masks(ops.shape(inputs)), inputs.dtype)

    def masks(self, shape: tuple):
        """Which inputs of a shape are kept in the next step of training."""
        return self._drawn(shape) < 1 - self.rate


@keras.saving.register_keras_serializable("zoo")
class DropConnect(_Masked, keras.layers.Dense):
    """A dense layer that drops weights and biases in training, others for every image.

    Source: L. Wan, M. Zeiler, S. Zhang, Y. LeCun and R. Fergus, "Regularization of neural networks
    using DropConnect", 2013. In use all weights count by 1 - p: the mean of what training sees. The
    paper draws weighted inputs from a normal distribution of that mean, many times over, and takes
    the mean of the activations, which an exported network could not repeat.
    """

    def __init__(self, units: int, rate: float, seed: int | None = None, **layer_options):
        super().__init__(units, **layer_options)
        self._start_masks(rate, seed)

    def call(self, inputs, training=None):
        """Return the activations [n, units] of inputs [n, size]."""
        keep = 1 - self.rate
        if not training or self.disabled:
            return self.activation((ops.matmul(inputs, self.kernel) + self.bias) * keep)
        weights = ops.concatenate([self.kernel, self.bias[None]], axis=0)
        masks = self.masks(ops.shape(inputs)[0])
        ones = ops.ones_like(inputs[:, :1])
        inputs = ops.concatenate([inputs, ones], axis=1)
        weights = ops.cast(masks, inputs.dtype) * ops.cast(weights, inputs.dtype)
        return self.activation(ops.squeeze(ops.matmul(inputs[:, None], weights), axis=1))

    def masks(self, count):
        """Which weights each of `count` images keeps, [count, inputs + 1, units]; biases last."""
        rows, units = self.kernel.shape
        shape = (count, rows + 1, units)
        return self._drawn(shape) < 1 - self.rate

    def load_own_variables(self, store):
        """Restore the weights, and the state of the mask's generator, where one was stored."""
        for name, variable in {"0": self.kernel, "1": self.bias}.items():
            variable.assign(store[name])
        super().load_own_variables(store)
