"""Blocks of mini-batches as the data sets that Keras' `fit` takes, one for each backend."""

from __future__ import annotations

import weakref
from typing import Any

import keras
import numpy as np

from zoo.nn.batching import Blocks
from zoo.nn.processes import share


def tensorflow_dataset(blocks: Blocks):
    """The blocks one by one, in the order of their epoch, for TensorFlow.

    Args:
        blocks: Whoever reads the data set keeps them.
    """
    import tensorflow as tf

    # TensorFlow never lets go of a function that a data set calls, nor of what it refers to.
    there, shape = weakref.ref(blocks), blocks.split.images.shape[1:]

    def block(number):
        images, labels = there()[int(number)]
        return images, labels.astype(np.int32, copy=False)

    def read(number):
        images, labels = tf.numpy_function(block, [number], (tf.uint8, tf.int32))
        # Batches and their size stay open: a last partial batch is a block of another shape.
        images.set_shape((None, None, *shape))
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


def batch_dataset(blocks: Blocks):
    """The mini-batches one by one, for Keras' own step, on the backend that it runs on."""
    if keras.backend.backend() != "tensorflow":
        return BatchDataset(blocks)
    import tensorflow as tf

    count = tf.data.experimental.assert_cardinality(len(BatchDataset(blocks)))
    return tensorflow_dataset(blocks).unbatch().apply(count)


class BlockDataset(keras.utils.PyDataset):
    """The blocks one by one, for JAX, whose step loops over a block."""

    def __init__(self, blocks: Blocks):
        super().__init__()
        self.blocks = blocks

    def __len__(self) -> int:
        return len(self.blocks)

    def __getitem__(self, index: int):
        return self.blocks[index]


class BatchDataset(keras.utils.PyDataset):
    """The mini-batches one by one, where no step loops over a block."""

    def __init__(self, blocks: Blocks):
        super().__init__()
        self.blocks = blocks
        starts = (0, *blocks.ends[:-1])
        self.places = [
            (block, batch)
            for block, (start, end) in enumerate(zip(starts, blocks.ends, strict=True))
            for batch in range(-(-(end - start) // blocks.batch_size))
        ]
        self.latest: tuple[Any, Any] = (None, None)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int):
        block, batch = self.places[index]
        which = (self.blocks.epoch, block)
        if self.latest[0] != which:  # a block is altered as a whole
            self.latest = (which, self.blocks[block])
        images, labels = self.latest[1]
        mine = share(labels.shape[1])
        return images[batch, mine], labels[batch, mine]
