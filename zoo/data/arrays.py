"""Arrays of images and labels, as Keras' data sets come, and NumPy's .npz files of them."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.dataset import Data, Split
from zoo.data.pictures import PictureFormat
from zoo.data.splits import PARTS, SHARE, check_classes, check_unused, divide
from zoo.errors import DataError
from zoo.utils.regular import is_readable_to_its_end

Pair = tuple[np.ndarray, np.ndarray]

# The names of Keras' own files, of NumPy's savez without names, and of MedMNIST's.
_NPZ_NAMES = {
    "train": (("x_train", "y_train"), ("train_images", "train_labels")),
    "validation": (
        ("x_val", "y_val"),
        ("x_validation", "y_validation"),
        ("val_images", "val_labels"),
        ("validation_images", "validation_labels"),
    ),
    "test": (("x_test", "y_test"), ("test_images", "test_labels")),
    "all": (("x", "y"), ("images", "labels"), ("arr_0", "arr_1")),
}
_HOW = (
    "give ((x_train, y_train), (x_test, y_test)), as keras.datasets.mnist.load_data() does, the"
    " same with (x_val, y_val) in the middle, or one pair (x, y)"
)


def pairs_of(arrays: Any) -> dict[str, Pair]:
    """The parts of a nest of arrays: `((x, y), (x, y))`, three such pairs, or one `(x, y)`.

    Raises DataError for anything else.
    """
    if isinstance(arrays, Mapping):
        unknown = sorted(set(arrays) - {*PARTS})
        if unknown or "train" not in arrays:
            raise DataError(f"The parts of a set are {', '.join(PARTS)}, not {sorted(arrays)}.")
        return {name: _pair(arrays[name], name) for name in PARTS if name in arrays}
    if not isinstance(arrays, tuple | list) or not 2 <= len(arrays) <= 3:
        raise DataError(f"These are no images with labels: {_HOW}.")
    if len(arrays) == 2 and not isinstance(arrays[0], tuple | list):
        return {"train": _pair(arrays, "train")}
    names = ("train", "test") if len(arrays) == 2 else PARTS
    return {name: _pair(pair, name) for name, pair in zip(names, arrays, strict=True)}


def _pair(pair: Any, name: str) -> Pair:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise DataError(f"The {name} part is no pair of images and labels: {_HOW}.")
    return np.asanyarray(pair[0]), np.asanyarray(pair[1])


# Of a damaged archive, beside what zipfile and NumPy say of one on purpose.
DAMAGED = (RuntimeError, LookupError, OverflowError, struct.error, zlib.error)


def read_npz(path: Path) -> dict[str, Pair]:
    """The parts of an .npz file, found by the names of its arrays; pickled objects are refused.

    Known are x_train, y_train, x_val, y_val, x_test, y_test (Keras' own files), train_images,
    train_labels and so on, and one pair x, y (or images, labels). Raises DataError otherwise.
    """
    if not is_readable_to_its_end(path):
        raise DataError(f"{path} is a pipe or a device. Name a regular .npz file.")
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            there = set(file.files)
            found = {
                part: next(((file[x], file[y]) for x, y in names if {x, y} <= there), None)
                for part, names in _NPZ_NAMES.items()
            }
    # A damaged archive can raise many things: of an encrypted or a later one, a RuntimeError.
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError, *DAMAGED) as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise DataError(f"Cannot read {path} as an .npz file: {reason}.") from error
    parts = {part: pair for part, pair in found.items() if pair is not None and part != "all"}
    if "train" not in parts and found["all"] is not None:
        return {"train": found["all"]}
    if "train" not in parts:
        raise DataError(
            f"{path} holds {', '.join(sorted(there)) or 'nothing'}: name its arrays x_train,"
            " y_train, x_test and y_test (and x_val, y_val if there are), or x and y."
        )
    return parts


def data_of_pairs(
    name: str,
    pairs: Mapping[str, Pair],
    form: PictureFormat,
    *,
    class_names: Sequence[str] = (),
    shares: Mapping[str, float | None],
    seed: int = 0,
) -> Data:
    """A data set of arrays, each part checked, its missing parts taken from the training part.

    Args:
        name: The name of the set.
        pairs: Images and labels of 'train', and of 'validation' and 'test' where they are there.
        form: What the images are brought to.
        class_names: One a class, or nothing.
        shares: What share of the training part goes to a part that is missing. None for
            'validation' is the last sixth, in order, as the book has it, wherever that has every
            class; else a share is drawn at random, class by class, by `seed`.
        seed: The same one draws the same parts.

    Raises:
        DataError: For images that are no bytes, labels that are not 0, 1, 2, ... and parts that do
            not fit each other.
    """
    parts = {part: (to_bytes(x, f"{name}, {part}"), to_labels(y)) for part, (x, y) in pairs.items()}
    for part, (images, labels) in parts.items():
        if len(images) != len(labels):
            raise DataError(f"{name}: {len(images)} {part} images have {len(labels)} labels.")
    check_classes({part: labels for part, (_, labels) in parts.items()}, class_names, name)
    class_names = class_names or [str(label) for label in range(int(parts["train"][1].max()) + 1)]
    parts = _completed(parts, dict(shares), seed, class_names)
    try:
        splits = (Split(_brought(x, form), y) for x, y in map(parts.__getitem__, PARTS))
        train, validation, test = splits
        return Data(name, train, validation, test, class_names=tuple(class_names))
    except DataError as error:
        raise DataError(f"{name}: {error}") from error


def _completed(
    parts: dict[str, Pair], shares: dict[str, float | None], seed: int, class_names: Sequence[str]
) -> dict[str, Pair]:
    images, labels = parts["train"]
    check_unused(shares, parts, "what is given")
    missing = {name: share for name, share in shares.items() if name not in parts}
    if missing.get("validation", 0) is None and "test" in parts:
        kept = len(images) - len(images) // 6
        if set(labels[:kept].tolist()) == set(labels[kept:].tolist()):
            parts["train"] = images[:kept], labels[:kept]
            parts["validation"] = images[kept:], labels[kept:]
            return {name: parts[name] for name in PARTS}
    if missing:
        wanted = {name: share or SHARE for name, share in missing.items()}
        drawn = divide(labels, wanted, seed, class_names)
        parts |= {name: (images[chosen], labels[chosen]) for name, chosen in drawn.items()}
    return {name: parts[name] for name in PARTS}


def _brought(images: np.ndarray, form: PictureFormat) -> np.ndarray:
    one = images[0]
    if form.bring(one) is one:
        return images
    return np.stack([form.bring(image) for image in images])


def to_bytes(images: np.ndarray, what: str) -> np.ndarray:
    """Images as uint8 [n, height, width, channels]; the same array if they are already.

    Args:
        images: [n, height, width] or [n, height, width, channels], at most 4 channels where these
            stand last: bytes, other whole numbers from 0 to 255, or floats from 0 to 255, which are
            rounded. Where there is no image, any type is returned as it is.
        what: Names them in errors.

    Raises:
        DataError: Another shape or type, channels that stand first, numbers out of range, or floats
            that all are from 0 to 1 and not all 0.
    """
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4:
        raise DataError(
            f"{what}: the images have the shape {list(images.shape)}, not [n, height, width] or [n,"
            " height, width, channels]: reshape them."
        )
    if images.shape[3] > 4 and images.shape[1] in (1, 3):
        raise DataError(
            f"{what}: images of shape {list(images.shape)} have their channels first: put them"
            " last, np.moveaxis(x, 1, -1)."
        )
    if images.dtype == np.uint8 or not len(images):
        return images
    if images.dtype.kind not in "iuf":
        raise DataError(f"{what}: the images are {images.dtype}, not bytes (uint8).")
    low, high = images.min(), images.max()
    if not (low >= 0 and high <= 255):
        raise DataError(
            f"{what}: the images go from {low:g} to {high:g}; bring them to bytes, 0 to 255."
        )
    if images.dtype.kind == "f" and 0 < high <= 1:
        raise DataError(
            f"{what}: the images are floats from {low:g} to {high:g}; bring them to bytes,"
            " (255 * x).round().astype('uint8')."
        )
    return np.rint(images).astype(np.uint8)


def to_labels(labels: np.ndarray) -> np.ndarray:
    """Labels as one number an image: [n, 1] is flattened, one-hot rows become their column."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        return labels[:, 0]
    if labels.ndim == 2 and labels.shape[1] > 1:
        one_hot = np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all()
        if one_hot:
            return labels.argmax(axis=1).astype(np.int32)
    return labels
