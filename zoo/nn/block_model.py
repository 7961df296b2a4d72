"""The fast fit: mini-batches travel in blocks, and the training step loops over a block inside.

Keras' `fit` pays a fixed price a step, which for a small network and the book's batches of ten is
far more than the arithmetic. So the data here are blocks of hundreds of mini-batches, and
`BlockModel.train_step` takes a step of gradient descent for each in turn, within one compiled call.
The weights take the same steps in the same order; callbacks and the progress bar stay Keras'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np

from zoo.nn.batching import Blocks
from zoo.nn.regularizers import closed_form_gradients

if TYPE_CHECKING:  # it needs TensorFlow
    from zoo.nn.conv_lowering import Program


def _is_block(images) -> bool:
    return len(images.shape) == 5


class _TensorFlowBlockModel(keras.Model):
    def train_step(self, data):
        import tensorflow as tf

        images, labels = data[0], data[1]
        if not _is_block(images):
            return super().train_step(data)
        if self.program is None:
            answers = self._descend(images, labels)
        else:
            answers = tf.cond(
                self.program.takes(images),
                lambda: self.program.run(self._descend, images, labels),
                lambda: self._descend(images, labels),
            )
        # Nothing is in the loop but what learns: cost and accuracy wait for the end of the block.
        labels = tf.reshape(labels, [-1])
        self.metrics[0].update_state(self._cost(labels, answers), sample_weight=tf.size(labels))
        return self.compute_metrics(None, labels, answers)

    def _descend(self, images, labels, count=None, forward=None):
        """Take a step for each of the first `count` batches; their outputs, [images, 10]."""
        import tensorflow as tf

        size = tf.shape(images)[0]
        count = size if count is None else count
        forward = forward or (lambda index: self(images[index], training=True))

        def step(index, answers):
            with tf.GradientTape() as tape:
                answer = forward(index)
                cost = self.compute_loss(None, labels[index], answer, training=True)
            weights = self.trainable_weights
            self.optimizer.apply(tape.gradient(cost, weights), weights)
            return index + 1, answers.write(index, answer)

        answers = tf.TensorArray(self.outputs[0].dtype, size=size)
        with closed_form_gradients(self.trainable_weights):
            _, answers = tf.while_loop(lambda index, _: index < count, step, [0, answers])
        return answers.concat()

    def _cost(self, labels, answers):
        weights = self.trainable_weights
        penalties = [weight.regularizer(weight) for weight in weights if weight.regularizer]
        return keras.losses.get(self.loss)(labels, answers) + sum(penalties)


class _JaxBlockModel(keras.Model):
    def train_step(self, state, data):
        import jax

        if not _is_block(data[0]):
            return super().train_step(state, data)
        one_batch = super().train_step

        def step(state, batch):
            logs, state = one_batch(state, batch)
            return state, logs

        state, logs = jax.lax.scan(step, state, (data[0], data[1]))
        # Metrics run through the whole epoch, so the last batch's stand for all.
        return {name: values[-1] for name, values in logs.items()}, state


def _tensorflow_dataset(blocks: Blocks):
    import tensorflow as tf

    def block(number):
        images, labels = blocks[int(number)]
        return images, labels.astype(np.int32, copy=False)

    def read(number):
        images, labels = tf.numpy_function(block, [number], (tf.uint8, tf.int32))
        # Batches and their size stay open: a last partial batch is a block of another shape.
        images.set_shape((None, None, *blocks.split.images.shape[1:]))
        labels.set_shape((None, None))
        return images, labels

    # Not `from_generator`: where one is made, TensorFlow has its process hand freed memory back to
    # the system at once, and page it in anew for every large tensor.
    dataset = tf.data.Dataset.range(len(blocks)).map(read)
    options = tf.data.Options()
    # There is nothing to tune, and after a long epoch the iterator's end would often wait for the
    # tuner's thread, which slept on for as much as 49 seconds.
    options.autotune.enabled = False
    return dataset.prefetch(1).with_options(options)


class _PlainDataset(keras.utils.PyDataset):
    def __init__(self, blocks: Blocks):
        super().__init__()
        self.blocks = blocks

    def __len__(self) -> int:
        return len(self.blocks)

    def __getitem__(self, index: int):
        return self.blocks[index]


def _backend_model() -> type[keras.Model]:
    models = {"tensorflow": _TensorFlowBlockModel, "jax": _JaxBlockModel}
    return models.get(keras.backend.backend(), keras.Model)


class BlockModel(_backend_model()):
    """A `keras.Model` that trains on `Blocks`, and on all that Keras trains on as ever."""

    # The convolutions as matrix products, and the blocks that they are compiled for.
    program: Program | None = None

    def fit(self, x=None, *arguments, callbacks=None, **options):
        """Keras' `fit`; given `Blocks`, it keeps their order and trains on each batch in them."""
        if not isinstance(x, Blocks):
            return super().fit(x, *arguments, callbacks=callbacks, **options)
        # Keras' own hook at the end of an epoch is called once before the first one, too.
        redraw = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: x.next_epoch())
        callbacks = [*keras.tree.flatten(callbacks or []), redraw]
        if keras.backend.backend() == "tensorflow":
            data = _tensorflow_dataset(x)
            self._choose_program(x, options.get("epochs", 1))
        else:
            data = _PlainDataset(x)
            self._build_on_one_batch(x)
        return super().fit(data, *arguments, shuffle=False, callbacks=callbacks, **options)

    def _choose_program(self, blocks: Blocks, epochs: int) -> None:
        from zoo.nn.step_choice import choose

        size = blocks.batch_size
        images, batches = len(blocks.split) * epochs, blocks.ends[0] // size
        program = choose(self, images=images, batches=batches, size=size)
        if program != self.program:
            self.program, self.train_function = program, None

    def _build_on_one_batch(self, blocks: Blocks) -> None:
        # Keras on JAX builds metrics and optimizer from the first data it sees, which must not be
        # a block.
        images, labels = blocks[0]
        self.test_on_batch(images[0], labels[0])
        self.optimizer.build(self.trainable_variables)
