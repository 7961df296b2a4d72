"""Arrays of images and labels, as Keras' data sets come: checked, and divided into parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.choices import Choice, kept_on_disk
from zoo.data.dataset import Data
from zoo.data.pictures import PictureFormat
from zoo.data.splits import (
    PARTS,
    SHARE,
    check_classes,
    check_no_seed,
    check_parts,
    check_unused,
    divide,
)
from zoo.errors import DataError

Pair = tuple[np.ndarray, np.ndarray]

_HOW = (
    "give ((x_train, y_train), (x_test, y_test)), as keras.datasets.mnist.load_data() does, the"
    " same with (x_val, y_val) in the middle, or one pair (x, y)"
)


def pairs_of(arrays: Any) -> dict[str, Pair]:
    """The parts of a nest of arrays: `((x, y), (x, y))`, three such pairs, or one `(x, y)`.

    Raises DataError for anything else.
    """
    if isinstance(arrays, Mapping):
        check_parts(arrays)
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
    try:
        return np.asanyarray(pair[0]), np.asanyarray(pair[1])
    except (ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"The {name} part is no pair of arrays: {reason}.") from error


def data_of_pairs(
    name: str,
    pairs: Mapping[str, Pair],
    form: PictureFormat,
    *,
    class_names: Sequence[str] = (),
    shares: Mapping[str, float | None],
    seed: int | None = None,
    cache: Path | None = None,
    keep: bool = True,
    progress: bool = True,
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
        seed: The same one draws the same parts; None is 0.
        cache: A folder for the images, if they are to stay on the disk.
        keep: Whether they stay there for another time, in a folder of their own. Else the images
            must have the format `form`, and those of a part that is drawn go to a file that lasts
            as long as the set.
        progress: Whether a bar goes to stderr.

    Raises:
        DataError: For images that are no bytes, labels that are not 0, 1, 2, ... and parts that do
            not fit each other.
        SpecError: For a share of a part that is there, and a seed where nothing is drawn.
    """
    for part, (x, y) in pairs.items():
        _check_pair(x, y, name, part)
    parts = {part: (to_bytes(x, f"{name}, {part}"), to_labels(y)) for part, (x, y) in pairs.items()}
    check_classes({part: labels for part, (_, labels) in parts.items()}, class_names, name)
    class_names = class_names or [str(label) for label in range(int(parts["train"][1].max()) + 1)]
    choices = _completed(parts, dict(shares), seed, class_names)
    try:
        if cache is not None and keep:
            return kept_on_disk(name, choices, form, class_names, cache, progress=progress)
        train, validation, test = (
            choice.split(form) if cache is None else choice.spooled(cache)
            for choice in choices.values()
        )
        return Data(name, train, validation, test, class_names=tuple(class_names))
    except DataError as error:
        raise DataError(f"{name}: {error}") from error


def _check_pair(images: np.ndarray, labels: np.ndarray, name: str, part: str) -> None:
    """Refuse what no number can be computed of."""
    _check_shape(images, f"{name}, {part}")
    if labels.ndim not in (1, 2) or labels.dtype.kind not in "biuf":
        raise DataError(
            f"{name}: the {part} labels are {labels.dtype} of shape {list(labels.shape)}; they must"
            " be whole numbers, one an image, [n], or one-hot rows, [n, classes]."
        )
    if len(images) != len(labels):
        raise DataError(f"{name}: {len(images)} {part} images have {len(labels)} labels.")
    if not len(images):
        raise DataError(
            f"{name}: there is no {'training' if part == 'train' else part} image. Leave a part"
            " without images away; a missing one is drawn from the training images."
        )


def _completed(
    parts: Mapping[str, Pair],
    shares: Mapping[str, float | None],
    seed: int | None,
    class_names: Sequence[str],
) -> dict[str, Choice]:
    images, labels = parts["train"]
    check_unused(shares, parts, "what is given")
    choices = {part: Choice(*pair, slice(None)) for part, pair in parts.items()}
    missing = {name: share for name, share in shares.items() if name not in parts}
    if missing.get("validation", 0) is None and "test" in parts:
        kept = len(images) - len(images) // 6
        if set(labels[:kept].tolist()) == set(labels[kept:].tolist()):
            choices["train"] = Choice(images, labels, slice(kept))
            choices["validation"] = Choice(images, labels, slice(kept, None))
            missing = {}
    if missing:
        wanted = {name: share or SHARE for name, share in missing.items()}
        drawn = divide(labels, wanted, seed or 0, class_names)
        choices |= {name: Choice(images, labels, chosen) for name, chosen in drawn.items()}
    else:
        check_no_seed(seed, "what is given")
    return {name: choices[name] for name in PARTS}


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
    _check_shape(images, what)
    if images.ndim == 3:
        images = images[..., None]
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


def _check_shape(images: np.ndarray, what: str) -> None:
    shape = list(images.shape)
    if images.ndim not in (3, 4) or 0 in shape[1:]:
        raise DataError(
            f"{what}: the images have the shape {shape}, not [n, height, width] or [n,"
            " height, width, channels]: reshape them."
        )
    if images.ndim == 4 and shape[3] > 4 and shape[1] in (1, 3):
        raise DataError(
            f"{what}: images of shape {shape} have their channels first: put them"
            " last, np.moveaxis(x, 1, -1)."
        )


def to_labels(labels: np.ndarray) -> np.ndarray:
    """Labels as one number an image: [n, 1] is flattened, one-hot rows become their column."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        return labels[:, 0]
    if labels.ndim == 2 and labels.shape[1] > 1:
        one_hot = np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all()
        if one_hot:
            return labels.argmax(axis=1).astype(np.int32)
    return labels
