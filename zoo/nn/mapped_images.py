"""Images on the disk, handed to Keras some at a time, where it would copy a whole array."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
import numpy as np

from zoo.data import Split
from zoo.data.mapped import CHUNK, mapping_of, read_images


def keras_data(split: Split, batch_size: int) -> Sequence[np.ndarray] | keras.utils.PyDataset:
    """A split as `fit` takes it for validation: its arrays, or batches of it if it is on the disk.

    Args:
        split: Images and labels.
        batch_size: Images a batch, at most, of a split on the disk.
    """
    if mapping_of(split.images) is None:
        return split.images, split.labels
    return MappedImages(split, batch_size)


class MappedImages(keras.utils.PyDataset):
    """The images and labels of a split on the disk, in order, in batches."""

    def __init__(self, split: Split, batch_size: int):
        super().__init__()
        self.split = split
        self.batch_size = min(batch_size, max(1, CHUNK // math.prod(split.shape)))

    def __len__(self) -> int:
        return math.ceil(len(self.split) / self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        start = index * self.batch_size
        chosen = np.arange(start, min(start + self.batch_size, len(self.split)))
        return read_images(self.split.images, chosen), self.split.labels[chosen]
