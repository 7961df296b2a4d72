"""Images chosen from arrays for the parts of a set: kept in memory, or written to the disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from zoo.data.dataset import Data, Split
from zoo.data.mapped import CHUNK, chunks, read_images, set_key
from zoo.data.pictures import PictureFormat
from zoo.data.storage import ImageSet, Part, gather, spool, stored


@dataclass(frozen=True)
class Choice:
    """Which images of an array make a part, before any is copied or brought to a format.

    `images` is uint8 [n, height, width, channels], in memory or mapped, `labels` [n]; `chosen` are
    indices of theirs in the order of the part, or a slice.
    """

    images: np.ndarray
    labels: np.ndarray
    chosen: np.ndarray | slice

    def split(self, form: PictureFormat) -> Split:
        """The part in memory; the array itself where all of it is chosen and has the format."""
        images, one = self.images[self.chosen], self.images[0]
        if form.bring(one) is not one:
            images = np.stack([form.bring(image) for image in images])
        return Split(images, self.labels[self.chosen])

    def spooled(self, root: Path) -> Split:
        """The part in a file without a name under `root`, as it is in the array.

        A part that follows the order of an array stays where that is.
        """
        if isinstance(self.chosen, slice):
            return Split(self.images[self.chosen], self.labels[self.chosen])
        blocks = (images for images, _ in self.blocks(PictureFormat()))
        return Split(spool(blocks, root), self.labels[self.chosen])

    def blocks(self, form: PictureFormat) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The images of the part in a format, with their labels, some at a time."""
        indices = self.indices
        step = max(1, CHUNK // self.images[0].nbytes)
        for start in range(0, len(indices), step):
            some = indices[start : start + step]
            images = read_images(self.images, some)
            yield np.stack([form.bring(image) for image in images]), self.labels[some]

    @property
    def indices(self) -> np.ndarray:
        """The indices of the chosen images, in the order of the part."""
        return np.arange(len(self.labels))[self.chosen]


def kept_on_disk(
    name: str,
    choices: Mapping[str, Choice],
    form: PictureFormat,
    class_names: Sequence[str],
    root: Path,
    *,
    progress: bool,
) -> Data:
    """A set of chosen images that stays on the disk; one that is there already is opened again.

    Args:
        name: The name of the set.
        choices: The images of 'train', 'validation' and 'test'.
        form: What they are brought to.
        class_names: One a class.
        root: The folder for sets on the disk.
        progress: Whether a bar goes to stderr.

    Raises:
        DataError: The parts differ in shape, the disk is too small or cannot be written, or a
            class has no training image.
    """
    key = _key(name, choices, form, class_names)
    ready = stored(root, key)
    if ready is not None:
        return ready
    train, validation, test = (
        Split(form.bring(choice.images[0])[None], choice.labels[:1]) for choice in choices.values()
    )
    # Which is that of all, or refused.
    shape = Data(name, train, validation, test, class_names=tuple(class_names)).shape
    parts = {
        part: Part(len(choice.indices), choice.blocks(form)) for part, choice in choices.items()
    }
    images = ImageSet(name, shape, parts, class_names, key)
    return gather(images, root, on_disk=True, progress=progress)


def _key(
    name: str, choices: Mapping[str, Choice], form: PictureFormat, class_names: Sequence[str]
) -> str:
    """A name for the set on the disk, with a hash of all that decides its images and labels."""
    digest = hashlib.sha256(json.dumps([name, asdict(form), list(class_names)]).encode())
    for part, choice in choices.items():
        digest.update(repr((part, choice.images.shape)).encode())
        digest.update(choice.indices.astype("<i8").data)
        digest.update(choice.labels.astype("<i8").data)
    for images in {id(choice.images): choice.images for choice in choices.values()}.values():
        for chunk in chunks(images):
            digest.update(np.ascontiguousarray(chunk).data)
    return set_key(name, digest)
