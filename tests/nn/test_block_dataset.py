"""Blocks on their way into `fit`: in order, unaltered, and without TensorFlow's generator."""

from __future__ import annotations

import numpy as np
import pytest

import zoo
from zoo.nn.batching import Blocks
from zoo.nn.block_dataset import tensorflow_dataset

SPEC = zoo.ModelSpec(
    "small",
    (zoo.ConvPool(3, "relu"), zoo.FullyConnected(12, "relu", dropout=0.5), zoo.Softmax()),
    zoo.Recipe(cost="log_likelihood", epochs=2, learning_rate=0.1, images=1203, batch_size=2),
)


def blocks_of(split: zoo.Split) -> Blocks:
    return Blocks(split, 2, shuffle_seed=7, augment=["shift"], augment_seed=7)


def test_a_dataset_hands_on_the_blocks_as_they_are_and_leaves_their_size_open(bars):
    blocks, expected = blocks_of(bars.train.take(1203)), blocks_of(bars.train.take(1203))
    dataset = tensorflow_dataset(blocks)
    assert int(dataset.cardinality()) == len(blocks) == 3  # two, and one of a single image
    images, labels = dataset.element_spec
    assert images.shape.as_list() == [None, None, 28, 28, 1]
    assert labels.shape.as_list() == [None, None]
    for _ in range(2):
        seen = list(dataset.as_numpy_iterator())
        assert len(seen) == len(expected)
        for pair, index in zip(seen, range(len(expected)), strict=True):
            for array, same in zip(pair, expected[index], strict=True):
                np.testing.assert_array_equal(array, same)
        blocks.next_epoch()
        expected.next_epoch()


def test_labels_of_any_whole_number_type_are_taken(bars):
    split = bars.train.take(20)
    for kind in (np.uint8, np.int64):
        blocks = Blocks(zoo.Split(split.images, split.labels.astype(kind)), 10)
        ((_, labels),) = tensorflow_dataset(blocks).as_numpy_iterator()
        assert labels.dtype == np.int32
        np.testing.assert_array_equal(labels.ravel(), split.labels)


def test_a_fit_takes_the_steps_that_the_blocks_give_one_by_one(bars):
    split = bars.train.take(1203)
    fitted, by_hand = zoo.build(SPEC, seed=3), zoo.build(SPEC, seed=3)
    fitted.fit(blocks_of(split), epochs=2, verbose=0)
    blocks = blocks_of(split)
    for _ in range(2):
        for index in range(len(blocks)):
            by_hand.train_on_batch(*blocks[index])
        blocks.next_epoch()
    for one, same in zip(fitted.get_weights(), by_hand.get_weights(), strict=True):
        np.testing.assert_array_equal(one, same)


def test_an_error_on_the_way_is_told(bars):
    class Torn(Blocks):
        def __getitem__(self, index):
            raise OSError("the disk is gone")

    with pytest.raises(Exception, match="the disk is gone"):
        zoo.build(SPEC).fit(Torn(bars.train.take(20), 2), verbose=0)
