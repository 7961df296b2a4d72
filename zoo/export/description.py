"""What an exported file says about its model, in formats that have a place for it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.data.dataset import DIGIT_NAMES
from zoo.errors import SpecError
from zoo.spec import IMAGE_SHAPE
from zoo.version import __version__

# How a picture comes to the size of a model's images, as `zoo.data.pictures` has it; the last is
# what pretrained networks are exported with.
_RESIZE = {"stretch": "stretched", "crop": "cropped", "pad": "with black at two sides"}

# Every output that an exported model may have.
OUTPUTS = {
    "digit": "the number of the class, [batch]",
    "probabilities": "one number in 0..1 a class, [batch, classes]; of a vote the members' mean",
    "votes": "the share of the members' votes for each class, [batch, classes]",
}


@dataclass(frozen=True)
class Description:
    """What an exported file says about its model.

    Attributes:
        name: Of the model.
        summary: A sentence on the model.
        images: Which images it takes.
        class_names: In the order of the numbers of the classes.
        properties: Further texts, by name.
        outputs: A sentence for each output, by its name.
    """

    name: str
    summary: str
    images: str
    class_names: Sequence[str]
    properties: Mapping[str, str]
    outputs: Mapping[str, str]


def describe(
    name: str, shape: tuple[int, int, int], classes: int, metadata: Mapping[str, Any]
) -> Description:
    """The description of a model.

    Args:
        name: Of the model.
        shape: Height, width and channels of the images that it takes.
        classes: How many classes it knows.
        metadata: What is kept beside the file: its `class_names`, its `resize`, `on_black`, which
            is False for digits that are not light on black, and the `summary` in its `spec` are
            used, and all of it becomes properties.

    Raises:
        SpecError: `resize` is none of 'stretch', 'crop' and 'pad', or names are missing.
    """
    resize_of(metadata)
    class_names = class_names_of(metadata, classes)
    spec = metadata.get("spec")
    summary = spec.get("summary", "") if isinstance(spec, Mapping) else ""
    sides = ", ".join(map(str, shape))
    images = f"bytes (uint8, 0 to 255, not scaled), [batch, {sides}]"
    if reads_digits(shape, class_names, metadata):
        images += ": 0 for the background to 255 for ink, white on black, as MNIST has it"
    properties = {key: _text(value) for key, value in metadata.items()}
    return Description(
        name,
        f"{name}: {summary}" if summary else f"{name}, a classifier of images",
        images,
        class_names,
        properties
        | {
            "class_names": json.dumps(class_names),
            "images": images,
            "written_by": f"neural-zoo {__version__}",
        },
        OUTPUTS,
    )


def class_names_of(metadata: Mapping[str, Any], classes: int) -> list[str]:
    """The names of the classes that metadata have, or else their numbers, 0 to `classes` - 1.

    Raises:
        SpecError: There are more or fewer of them than classes.
    """
    names = [str(each) for each in metadata.get("class_names") or range(classes)]
    if len(names) != classes:
        raise SpecError(f"metadata have {len(names)} class_names, for {classes} classes")
    return names


def resize_of(metadata: Mapping[str, Any]) -> str:
    """How pictures come to the size of a model's images: the word in its metadata, or 'pad'.

    Raises:
        SpecError: It is none of 'stretch', 'crop' and 'pad'.
    """
    word = metadata.get("resize", "pad")
    if word not in _RESIZE:
        raise SpecError(f"resize must be one of {', '.join(_RESIZE)}, not {word!r}")
    return word


def reads_digits(
    shape: Sequence[int], class_names: Sequence[str], metadata: Mapping[str, Any]
) -> bool:
    """Whether a model's images are digits as MNIST has them, white on black."""
    digits = tuple(shape) == IMAGE_SHAPE and tuple(class_names) == DIGIT_NAMES
    return digits and metadata.get("on_black", True)


def contracts(
    shape: tuple[int, int, int], classes: int, metadata: Mapping[str, Any]
) -> dict[str, str]:
    """What each signature of an exported model takes, in a sentence each.

    Args:
        shape: Height, width and channels of the model's images.
        classes: How many classes it knows.
        metadata: As for `describe`.
    """
    class_names, resize = class_names_of(metadata, classes), resize_of(metadata)
    height, width, channels = shape
    array = f"[n, {height}, {width}, {channels}]"
    kind = "grey" if channels == 1 else "colour"
    files = f"string [n]: PNG or JPEG files, made {height}x{width} in {kind}, {_RESIZE[resize]}"
    if reads_digits(shape, class_names, metadata):
        whole = f"uint8 {array}, 0 for the background to 255 for ink"
        files += (
            ": white ink on black, as MNIST has it; invert photos of dark ink on white "
            "paper first, or read them with `python -m zoo predict`"
        )
    else:
        whole = f"uint8 {array}, 0 to 255, like the pictures that the network was trained on"
        files += ", as in training; light and dark stay as they are"
    floats = f"float32 {array}, byte / 256, in 0..1"
    return {"serving_default": whole, "bytes": whole, "floats": floats, "encoded": files}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
