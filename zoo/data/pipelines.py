"""Images out of a `tf.data.Dataset`, a Keras `PyDataset` or a data set of Hugging Face `datasets`.

None of these packages is imported here: an object is known by what it can do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data import storage
from zoo.data.arrays import Pair, to_bytes, to_labels
from zoo.data.pictures import PictureFormat, picture_array
from zoo.data.splits import PARTS, check_parts
from zoo.errors import DataError

_BLOCK = 256  # images that come one by one are gathered to this many


def is_pipeline(value: Any) -> bool:
    """Whether an object is a data set of one of the kinds that this module reads."""
    return _is_tensorflow(value) or _is_keras(value) or _is_hugging_face(value)


def parts_of(value: Any) -> dict[str, Any]:
    """The parts of one data set, of two (train and test), of three, or of a mapping of parts.

    Raises DataError where these are no such data sets, and for a part of another name.
    """
    if is_pipeline(value):
        return {"train": value}
    if isinstance(value, tuple | list) and len(value) in (2, 3):
        value = dict(zip(PARTS if len(value) == 3 else ("train", "test"), value, strict=True))
    if not isinstance(value, Mapping):
        raise DataError(
            f"Cannot take data from {type(value).__name__}: give a data set, a tuple of those for"
            " train and test, or a mapping with 'train'."
        )
    check_parts(value)
    return {name: value[name] for name in PARTS if name in value}


def read_parts(
    parts: Mapping[str, Any], form: PictureFormat, cache: Path | None
) -> tuple[dict[str, Pair], tuple[str, ...]]:
    """Read every part to its end: images and labels, and the names of the classes, if it has any.

    Args:
        parts: The data sets, as `parts_of` returns them.
        form: What each image is brought to.
        cache: The folder whose disk holds the images; None keeps them in memory.

    Raises:
        DataError: For images or labels of other kinds, of different shapes, or without an end, and
            where they prove too large for the memory.
    """
    names: tuple[str, ...] = ()
    pairs = {}
    for part, dataset in parts.items():
        batched: bool | None = None
        if _is_hugging_face(dataset):
            elements, names = _hugging_face(dataset, form, names)
            batched = False
        elif _is_tensorflow(dataset):
            elements, names = _tensorflow(dataset), tuple(getattr(dataset, "class_names", names))
            batched = _is_batched(dataset.element_spec)
        elif _is_keras(dataset):
            elements = (dataset[index][:2] for index in range(len(dataset)))
            batched = True
        else:
            raise DataError(f"The {part} part is a {type(dataset).__name__}, no data set.")
        pairs[part] = _gathered(_blocks(elements, form, part, batched), part, cache)
    return pairs, names


def _is_tensorflow(value: Any) -> bool:
    return hasattr(value, "element_spec") and hasattr(value, "as_numpy_iterator")


def _is_keras(value: Any) -> bool:
    return any(
        kind.__name__ in ("PyDataset", "Sequence") for kind in type(value).__mro__[:-1]
    ) and (type(value).__mro__[-2].__module__.startswith("keras"))


def _is_hugging_face(value: Any) -> bool:
    return hasattr(value, "features") and hasattr(value, "column_names")


def _tensorflow(dataset: Any) -> Iterator[tuple[Any, Any]]:
    if int(dataset.cardinality()) == -1:
        raise DataError("This tf.data.Dataset never ends: leave out its repeat(), or take(n).")
    for element in dataset.as_numpy_iterator():
        if isinstance(element, dict) and {"image", "label"} <= set(element):
            yield element["image"], element["label"]
        elif isinstance(element, tuple) and len(element) in (2, 3):
            yield element[0], element[1]
        else:
            raise DataError(
                "The elements of this tf.data.Dataset are no pairs (image, label):"
                f" {dataset.element_spec}."
            )


def _hugging_face(
    dataset: Any, form: PictureFormat, names: tuple[str, ...]
) -> tuple[Iterator[tuple[Any, Any]], tuple[str, ...]]:
    features = dict(dataset.features or {})
    kinds = {name: type(feature).__name__ for name, feature in features.items()}
    image = next((name for name, kind in kinds.items() if kind == "Image"), None)
    labels = [name for name, kind in kinds.items() if kind == "ClassLabel"]
    label = "label" if "label" in labels else next(iter(labels), None)
    if image is None or label is None:
        raise DataError(
            f"This data set has the columns {kinds}: one of the type Image and one of the type"
            " ClassLabel are needed; dataset.cast_column() gives a column its type."
        )
    if names and tuple(features[label].names) != names:
        raise DataError("The parts of this data set have different class names.")

    def elements() -> Iterator[tuple[Any, Any]]:
        for row in dataset:
            yield picture_array(row[image], form), row[label]

    return elements(), tuple(features[label].names)


def _blocks(
    elements: Iterable[tuple[Any, Any]], form: PictureFormat, part: str, batched: bool | None
) -> Iterator[Pair]:
    """Images of one shape with their labels, many at a time, from elements or batches of them.

    `batched` says which these are; where it is None, the shapes of each element do.
    """
    waiting: list[tuple[np.ndarray, np.ndarray]] = []
    for raw_image, raw_label in elements:
        image, label = np.asarray(raw_image), np.asarray(raw_label)
        if _is_batch(image.shape, label.shape) if batched is None else batched:
            images = to_bytes(image, part)
            if label.shape[:1] != image.shape[:1]:
                raise DataError(
                    f"The {part} part has a batch of images of shape {list(image.shape)} with"
                    f" labels of shape {list(label.shape)}: each image needs one."
                )
            yield np.stack([form.bring(one) for one in images]), to_labels(label)
            continue
        image = to_bytes(image[None], part)[0]
        waiting.append((form.bring(image), label))
        if len(waiting) == _BLOCK:
            yield _stacked(waiting, part)
            waiting = []
    if waiting:
        yield _stacked(waiting, part)


def _is_batched(spec: Any) -> bool | None:
    """Whether the elements of a tf.data.Dataset are batches; None where the spec leaves it open."""
    pair = (spec.get("image"), spec.get("label")) if isinstance(spec, dict) else spec
    if not isinstance(pair, tuple) or len(pair) < 2:
        return None  # no pairs, which is refused when they are read
    shapes = [getattr(each, "shape", None) for each in pair[:2]]
    if any(shape is None or shape.rank is None for shape in shapes):
        return None
    image, label = (tuple(shape.as_list()) for shape in shapes if shape is not None)
    return _is_batch(image, label)


def _is_batch(image: tuple[int | None, ...], label: tuple[int | None, ...]) -> bool:
    """Whether images of a shape, with labels of a shape, are many; None is any length.

    A single image may come with a one-hot row, and many grey ones without an axis for channels.
    """
    if len(image) != 3 or not label:
        return len(image) == 4
    if len(label) > 1 or label[0] is None:
        return True
    # As many labels as rows: by chance, if the last axis is one of channels.
    return image[0] in (label[0], None) and image[2] not in (1, 3, 4)


def _stacked(waiting: list[tuple[np.ndarray, np.ndarray]], part: str) -> Pair:
    shapes = {image.shape for image, _ in waiting}
    if len(shapes) > 1:
        raise DataError(_different(part, shapes))
    return np.stack([image for image, _ in waiting]), to_labels(
        np.stack([label for _, label in waiting])
    )


def _different(part: str, shapes: Iterable[tuple[int, ...]]) -> str:
    message = " and ".join("x".join(map(str, shape)) for shape in sorted(shapes)[:2])
    return (
        f"The {part} images have different shapes, {message} for two: say which one they are to "
        "have, size=(height, width) and channels=1 or 3."
    )


def _gathered(blocks: Iterator[Pair], part: str, cache: Path | None) -> Pair:
    labels: list[np.ndarray] = []
    shapes: set[tuple[int, ...]] = set()

    def images() -> Iterator[np.ndarray]:
        size = 0
        for block, block_labels in blocks:
            shapes.add(block.shape[1:])
            size += block.nbytes
            if len(shapes) > 1:
                raise DataError(_different(part, shapes))
            if cache is None and size > storage.MOST_IN_MEMORY:
                raise DataError(
                    f"The {part} part has more than {storage.MOST_IN_MEMORY:,} bytes of images:"
                    " name a folder on a disk with room for them, load_data(..., cache=FOLDER)."
                )
            labels.append(block_labels)
            yield block

    if cache is not None:
        return storage.spool(images(), cache), np.concatenate(labels)
    pixels = list(images())
    if not pixels:
        raise DataError(f"There is no {part} image in this data set.")
    return np.concatenate(pixels), np.concatenate(labels)
