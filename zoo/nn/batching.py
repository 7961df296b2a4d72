"""Batching: a training set cut into blocks of mini-batches, altered and ordered by epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from zoo.data import Split
from zoo.data.augment import augment
from zoo.data.dataset import IMAGE_SHAPE
from zoo.data.mapped import read_images

# Long enough to hide the cost of a call, short enough for a lively progress bar.
BATCHES_PER_BLOCK = 500

# Images larger than MNIST's come in blocks of this size at most.
BYTES_PER_BLOCK = 2**23


class Blocks:
    """A training set cut into blocks of mini-batches, with their labels.

    A block is uint8 of shape (batches, batch_size, height, width, channels).
    The order of epoch e depends on `seed` and e alone, so that a run can stop and go on; without a
    seed it is the order of the set, as network3.py has it. A last partial batch comes as a block of
    its own, or is dropped. `augment` alters each image afresh; how depends on `augment_seed`, e
    and the block alone. From epoch `dropout_off_from` on, only shifts are left.
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        *,
        shuffle_seed: int | None = None,
        partial_batch: bool = True,
        augment: Sequence[str] = (),
        augment_seed: int = 0,
        dropout_off_from: float = math.inf,
        epoch: int = 0,
    ):
        self.split = split
        self.batch_size = batch_size
        self.shuffle_seed = shuffle_seed
        self.augment = augment
        self.augment_seed = augment_seed
        self.dropout_off_from = dropout_off_from
        self.epoch = epoch
        self.ends = _block_ends(len(split), batch_size, partial_batch, split.shape)
        self._order = self._draw_order()

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        start = self.ends[index - 1] if index else 0
        chosen = self._order[start : self.ends[index]]
        size = min(self.batch_size, len(chosen))
        images, labels = read_images(self.split.images, chosen), self.split.labels[chosen]
        only_shifts = self.epoch >= self.dropout_off_from
        kinds = [kind for kind in self.augment if kind == "shift" or not only_shifts]
        if kinds:
            generator = np.random.default_rng([self.augment_seed, self.epoch, index])
            images = augment(images, kinds, generator)
        return images.reshape(-1, size, *images.shape[1:]), labels.reshape(-1, size)

    def next_epoch(self) -> None:
        """Draw the order of the epoch that follows."""
        self.epoch += 1
        self._order = self._draw_order()

    def _draw_order(self) -> np.ndarray:
        if self.shuffle_seed is None:
            return np.arange(len(self.split))
        return np.random.default_rng([self.shuffle_seed, self.epoch]).permutation(len(self.split))


def _block_ends(
    images: int, batch_size: int, partial_batch: bool, shape: tuple[int, ...]
) -> list[int]:
    # Blocks of one length, but for the last: each new shape is compiled anew.
    batches, rest = divmod(images, batch_size)
    ends = []
    if batches:
        most = BATCHES_PER_BLOCK
        size = math.prod(shape)
        if size > math.prod(IMAGE_SHAPE):
            most = max(1, min(most, BYTES_PER_BLOCK // (size * batch_size)))
        blocks = math.ceil(batches / most)
        step = math.ceil(batches / blocks) * batch_size
        ends = [*range(step, batches * batch_size, step), batches * batch_size]
    return [*ends, images] if rest and partial_batch else ends
