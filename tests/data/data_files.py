"""IDX files and folders of pictures, written by hand for the tests of `zoo.data`."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.data import load_data
from zoo.data.sources import data_root

OFFICIAL_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def random_set(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images [count, 28, 28] of random bytes, and labels that go 0, 1, ... 9, 0, ..."""
    images = np.random.default_rng(seed).integers(0, 256, (count, 28, 28), dtype=np.uint8)
    return images, np.arange(count, dtype=np.uint8) % 10


def idx_images(images: np.ndarray) -> bytes:
    return struct.pack(">IIII", 2051, *images.shape) + images.tobytes()


def idx_labels(labels: np.ndarray) -> bytes:
    return struct.pack(">II", 2049, len(labels)) + labels.tobytes()


def write_idx_folder(folder: Path, train: int = 60, test: int = 10) -> Path:
    """A folder of four IDX files: `random_set(train, 0)` and `random_set(test, 1)`."""
    folder.mkdir(exist_ok=True)
    parts = []
    for seed, count in enumerate((train, test)):
        images, labels = random_set(count, seed)
        parts += [idx_images(images), idx_labels(labels)]
    for name, raw in zip(OFFICIAL_NAMES, parts, strict=True):
        (folder / name).write_bytes(raw)
    return folder


def gzip_with_dots(folder: Path, target: Path) -> Path:
    """The same files gzipped, under the other spelling: `train-images.idx3-ubyte.gz`."""
    target.mkdir(exist_ok=True)
    for name in OFFICIAL_NAMES:
        packed = gzip.compress((folder / name).read_bytes(), compresslevel=1)
        (target / f"{name.replace('-idx', '.idx')}.gz").write_bytes(packed)
    return target


def prepared_mnist() -> Path:
    """The folder in which `load_data` keeps the four official files; made if need be."""
    load_data()
    return data_root() / "book_mnist_files" / "1.0.0"


def picture(seed: int, size: tuple[int, int] = (9, 12), mode: str = "RGB") -> Image.Image:
    """A picture of random bytes, height and width as given."""
    shape = (*size, 3) if mode == "RGB" else size
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


def write_classes(folder, names=("cat", "dog"), count=6, **options):
    """A folder for each class with `count` pictures, numbered through all classes."""
    for label, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            picture(label * count + number, **options).save(folder / name / f"{number}.png")
    return folder


def everything(data) -> dict[bytes, str]:
    """The class name of every image of a set, whatever its split."""
    splits = (data.train, data.validation, data.test)
    return {
        image.tobytes(): data.class_names[label]
        for split in splits
        for image, label in zip(split.images, split.labels, strict=True)
    }
