"""Image sets gathered piece by piece: in memory, or in one memory-mapped file on the disk.

A set on the disk is a folder with `images.bin`, the bytes of all images one after the other, and
`set.json`, which is written last and tells their shape and labels. The folder appears whole or not
at all, so that a half-made one is never read.
"""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from tqdm import tqdm

from zoo.data.dataset import Data, Split
from zoo.data.mapped import map_images
from zoo.data.splits import check_classes
from zoo.errors import DataError
from zoo.utils.atomic import atomic_directory, remove_stale_temporaries
from zoo.utils.regular import readable

# A set above this goes to the disk.
MOST_IN_MEMORY = 2**30

_IMAGES, _RECORD = "images.bin", "set.json"
_VERSION = 1


@dataclass
class Part:
    """The images of one split before they are read.

    `count` is how many there are at most; `blocks` yields images uint8 [k, height, width,
    channels] with labels [k], some at a time.
    """

    count: int
    blocks: Iterable[tuple[np.ndarray, np.ndarray]]


@dataclass
class ImageSet:
    """A set that is to be gathered: its name, the shape of an image, its parts, its classes.

    `skipped` may grow while the parts are read. `key` names the set's folder on the disk, and
    changes with its contents.
    """

    name: str
    shape: tuple[int, int, int]
    parts: Mapping[str, Part]
    class_names: Sequence[str]
    key: str
    skipped: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of all images, at most."""
        return sum(part.count for part in self.parts.values()) * math.prod(self.shape)


def gather(
    images: ImageSet, root: Path | None, *, on_disk: bool | None = None, progress: bool = True
) -> Data:
    """Read a set, into memory or into a file under the folder `root`.

    Args:
        images: The set.
        root: The folder for sets on the disk, if there is one; made if need be, and only then.
        on_disk: Whether it goes to the disk; by default it does if larger than MOST_IN_MEMORY.
        progress: Whether a bar goes to stderr.

    Raises:
        DataError: Where the disk is too small or cannot be written, and where a part proves to have
            no image.
    """
    if on_disk is None:
        on_disk = images.size > MOST_IN_MEMORY
    total = sum(part.count for part in images.parts.values())
    with tqdm(total=total, desc=images.name, unit=" images", disable=not progress) as bar:
        if not on_disk:
            return _in_memory(images, bar)
        if root is None:
            reason = "is too large for memory, and there is no home folder to keep it in"
            raise DataError(f"{images.name} {reason}: name a folder by cache=, or --cache.")
        with _disk_errors(root):
            root.mkdir(parents=True, exist_ok=True)
            remove_stale_temporaries(root)
            _check_room(images.size, root)
            # What lies there and is no whole set has lost a part: nothing can be renamed to it.
            if stored(root, images.key) is None:
                shutil.rmtree(root / images.key, ignore_errors=True)
            with atomic_directory(root / images.key) as folder:
                with (folder / _IMAGES).open("wb") as file:
                    labels = _write(images, file, bar)
                _write_record(images, labels, folder / _RECORD)
    made = stored(root, images.key)
    if made is None:
        raise DataError(f"The images written to {root / images.key} are not there: try again.")
    return made


def stored(root: Path, key: str) -> Data | None:
    """A set on the disk, memory-mapped; None where it is missing, damaged or of another version.

    Args:
        root: The folder for sets on the disk.
        key: Names the set's own folder in it.
    """
    folder = root / key
    try:
        record = json.loads(readable(folder / _RECORD).read_text(encoding="utf-8"))
        if record["version"] != _VERSION:
            return None
        name, names = str(record["name"]), tuple(map(str, record["class_names"]))
        labels = {part: np.array(values, np.int32) for part, values in record["labels"].items()}
        check_classes(labels, names, name)
        shape = (sum(map(len, labels.values())), *map(int, record["shape"]))
        if (folder / _IMAGES).stat().st_size != math.prod(shape):
            return None
        with readable(folder / _IMAGES).open("rb") as file:
            mapped = map_images(file, shape)
        return _divided(name, mapped, labels, names, [*map(str, record["skipped"])])
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError):
        return None
    except (DataError, RecursionError):
        return None


def spool(blocks: Iterable[np.ndarray], root: Path) -> np.memmap:
    """Blocks of images as one file that is memory-mapped.

    The file has no name, and lasts as long as the mapping of it, whatever becomes of the process.

    Args:
        blocks: uint8 [k, height, width, channels], all of one size.
        root: The folder on whose disk the file lies; made if need be.

    Returns:
        All images, [n, height, width, channels].

    Raises:
        DataError: They do not fit on the disk, or there is no image.
    """
    count, shape = 0, ()
    with _disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root) as file:
            for block in blocks:
                file.write(np.ascontiguousarray(block).data)
                count, shape = count + len(block), block.shape[1:]
            if not count:
                raise DataError("There is no image in this set; at least one is needed.")
            file.flush()
            return map_images(file, (count, *shape))


def _in_memory(images: ImageSet, bar: tqdm) -> Data:
    splits = {}
    for name, part in images.parts.items():
        pixels = np.empty((part.count, *images.shape), np.uint8)
        labels, filled = [], 0
        for block, block_labels in part.blocks:
            pixels[filled : filled + len(block)] = block
            filled += len(block)
            labels.append(block_labels)
            bar.update(len(block))
        if not filled:
            raise DataError(f"{images.name} has no {name} image that can be read.")
        splits[name] = Split(pixels[:filled], np.concatenate(labels))
    _check(images, {name: split.labels for name, split in splits.items()})
    parts = splits["train"], splits["validation"], splits["test"]
    return Data(images.name, *parts, tuple(images.class_names), tuple(images.skipped))


def _write(images: ImageSet, file: BinaryIO, bar: tqdm) -> dict[str, np.ndarray]:
    labels = {}
    for name, part in images.parts.items():
        read = []
        for block, block_labels in part.blocks:
            file.write(np.ascontiguousarray(block).data)
            read.append(block_labels)
            bar.update(len(block))
        if not any(map(len, read)):
            raise DataError(f"{images.name} has no {name} image that can be read.")
        labels[name] = np.concatenate(read)
    _check(images, labels)
    file.flush()
    os.fsync(file.fileno())
    return labels


def _check(images: ImageSet, labels: Mapping[str, np.ndarray]) -> None:
    try:
        check_classes(labels, images.class_names, images.name)
    except DataError as error:
        raise DataError(_with_skipped(str(error), images.skipped)) from None


def _with_skipped(message: str, skipped: Sequence[str]) -> str:
    return (
        f"{message} Left out as unusable: {len(skipped)} file(s), {skipped[0]}."
        if skipped
        else message
    )


def _write_record(images: ImageSet, labels: Mapping[str, np.ndarray], path: Path) -> None:
    record: dict[str, Any] = {
        "version": _VERSION,
        "name": images.name,
        "shape": list(images.shape),
        "class_names": list(images.class_names),
        "skipped": images.skipped,
        "labels": {name: values.tolist() for name, values in labels.items()},
    }
    with path.open("w", encoding="utf-8") as file:
        json.dump(record, file)
        file.flush()
        os.fsync(file.fileno())


def _divided(
    name: str,
    images: np.memmap,
    labels: Mapping[str, np.ndarray],
    class_names: Sequence[str],
    skipped: Sequence[str],
) -> Data:
    splits, start = {}, 0
    for part, values in labels.items():
        splits[part] = Split(images[start : start + len(values)], values)
        start += len(values)
    parts = splits["train"], splits["validation"], splits["test"]
    return Data(name, *parts, tuple(class_names), tuple(skipped))


def _check_room(needed: int, root: Path) -> None:
    free = shutil.disk_usage(root).free
    if needed > free:
        raise DataError(
            f"The images take {needed:,} bytes and {root} has {free:,} free: make room, name a"
            " folder on another disk with cache= (--cache), or a smaller size= (--size)."
        )


@contextmanager
def _disk_errors(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DataError(
                f"The disk of {root} is full: make room, or name a folder on another one with"
                " cache= (--cache)."
            ) from error
        raise DataError(
            f"Cannot keep the images in {root}: {error.strerror or error}. Name another folder with"
            " cache= (--cache)."
        ) from error
