"""What an exported file says about its model, in formats that have a place for it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.version import __version__

_MNIST = (28, 28, 1)

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
        metadata: What is kept beside the file: its `class_names` and the `summary` in its `spec`
            are used, and all of it becomes properties.
    """
    class_names = [str(each) for each in metadata.get("class_names") or range(classes)]
    spec = metadata.get("spec")
    summary = spec.get("summary", "") if isinstance(spec, Mapping) else ""
    sides = ", ".join(map(str, shape))
    images = f"bytes (uint8, 0 to 255, not scaled), [batch, {sides}]"
    if shape == _MNIST:
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


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
