"""Training images and labels altered as in no recipe of the zoo: mixed pairs, labels of a teacher.

Where a method would give an image a target between two classes, its label is drawn here, with the
probabilities of that target: the gradient is the same in the mean, and labels stay whole numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from zoo.data import Split
from zoo.nn.batching import Blocks
from zoo.training.job import TrainingJob

# The parameter of the Beta distribution that shares are drawn from (Zhang et al. 2018; Yun et al.
# 2019).
MIXUP, CUTMIX = 0.2, 1.0

TEACHER = "conv2_relu_dropout_x5.long"
# The teacher's probabilities are raised to the power of 1 / TEMPERATURE (Hinton et al. 2015).
TEMPERATURE = 2.0

Arrays = tuple[np.ndarray, np.ndarray]


def mixup(images: np.ndarray, labels: np.ndarray, generator: np.random.Generator) -> Arrays:
    """Every image laid over another one, and the label of one of the two.

    Args:
        images: uint8, [n, height, width, channels].
        labels: [n].
        generator: Of the random numbers.

    Returns:
        Images and labels of the same shapes and types.
    """
    partner = generator.permutation(len(images))
    share = generator.beta(MIXUP, MIXUP, len(images)).astype(np.float32)
    of_image = share[:, None, None, None]
    mixed = of_image * images + (1 - of_image) * images[partner]
    return np.rint(mixed).astype(np.uint8), _drawn(labels, labels[partner], share, generator)


def cutmix(images: np.ndarray, labels: np.ndarray, generator: np.random.Generator) -> Arrays:
    """A rectangle of every image replaced by that of another one, and the label of one of the two.

    Args:
        images: uint8, [n, height, width, channels].
        labels: [n].
        generator: Of the random numbers.

    Returns:
        Images and labels of the same shapes and types. A label is the image's own with the
        probability that is the share of its pixels that are left.
    """
    count, *size = images.shape[:3]
    partner = generator.permutation(count)
    cut = np.sqrt(1 - generator.beta(CUTMIX, CUTMIX, count))
    inside = np.ones((count, *size), bool)
    for axis, length in enumerate(size):
        middle = generator.uniform(0, length, count)
        start, stop = (np.rint(middle + side * cut * length / 2) for side in (-1, 1))
        place = np.arange(length)
        line = (place >= start[:, None]) & (place < stop[:, None])
        inside &= np.expand_dims(line, 2 - axis)
    mixed = np.where(inside[..., None], images[partner], images)
    share = 1 - inside.mean(axis=(1, 2))
    return mixed, _drawn(labels, labels[partner], share, generator)


def _drawn(ours, theirs, share, generator) -> np.ndarray:
    return np.where(generator.random(len(ours)) < share, ours, theirs)


def taught(probabilities: np.ndarray, numbers: np.ndarray, generator) -> np.ndarray:
    """Labels drawn from what a teacher makes of images.

    Args:
        probabilities: The teacher's, of every training image, [images, classes].
        numbers: Which images, [n].
        generator: Of the random numbers.

    Returns:
        [n], int32.
    """
    ends = probabilities[numbers].cumsum(axis=1)
    place = generator.random((len(numbers), 1)) * ends[:, -1:]
    return (place >= ends).sum(axis=1).astype(np.int32)


class AlteredBlocks(Blocks):
    """Blocks whose images and labels are altered, until the epochs without dropout.

    Args:
        blocks: As they would be.
        alter: Images [n, height, width, channels], labels [n] and a generator, to new ones.
        always: Whether it does so in the last epochs, too.
    """

    def __init__(self, blocks: Blocks, alter: Callable[..., Arrays], always: bool):
        self.__dict__.update(vars(blocks))
        self.alter = alter
        self.always = always

    def __getitem__(self, index: int) -> Arrays:
        images, labels = super().__getitem__(index)
        if self.epoch >= self.dropout_off_from and not self.always:
            return images, labels
        # Other numbers than those that move the images.
        generator = np.random.default_rng([self.augment_seed, self.epoch, index, 1])
        flat = images.reshape(-1, *images.shape[2:]), labels.reshape(-1)
        altered = self.alter(*flat, generator)
        return altered[0].reshape(images.shape), altered[1].reshape(labels.shape)


@dataclass(frozen=True)
class AlteredJob(TrainingJob):
    """A training whose images and labels are altered; `alteration` is one of ALTERATIONS."""

    alteration: str = ""

    def blocks(self, epoch: int) -> Blocks:
        """The training images in mini-batches, as they come from an epoch on."""
        return ALTERATIONS[self.alteration](super().blocks(epoch))


def altered(job: TrainingJob, alteration: str) -> AlteredJob:
    """The same training with altered images and labels."""
    given = {field.name: getattr(job, field.name) for field in fields(job)}
    return AlteredJob(**given, alteration=alteration)


def _by_teacher(blocks: Blocks) -> Blocks:
    probabilities = _teacher_of(blocks.split)

    def alter(images, numbers, generator):
        return images, taught(probabilities, numbers, generator)

    # Numbers in the place of labels: which images a block holds is then known.
    blocks.split = Split(blocks.split.images, np.arange(len(blocks.split)))
    return AlteredBlocks(blocks, alter, always=True)


def _teacher_of(split: Split) -> np.ndarray:
    import zoo
    from zoo.nn.voting import with_named_outputs

    teacher = with_named_outputs(zoo.load(TEACHER))
    outputs = teacher.predict(split.images, batch_size=500, verbose=0)
    return outputs["probabilities"] ** (1 / TEMPERATURE)


ALTERATIONS: dict[str, Callable[[Blocks], Blocks]] = {
    "mixup": lambda blocks: AlteredBlocks(blocks, mixup, always=False),
    "cutmix": lambda blocks: AlteredBlocks(blocks, cutmix, always=False),
    "teacher": _by_teacher,
}
