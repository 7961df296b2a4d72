"""Signatures: the forms in which a model takes its images, by the names that the export gives them.

A model of one input, bytes [n, rows, columns, 1 or 3], has four, as the exported SavedModel:
`serving_default` and `bytes` take it as it is; `floats` the book's scale, byte / 256 in 0..1;
`encoded` PNG or JPEG files. Any other model has `serving_default` alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from zoo.errors import nearest
from zoo.serve.limits import Limits, Refused
from zoo.serve.runtime import Model
from zoo.serve.tensors import Arrays, TensorInfo
from zoo.spec import PIXEL_SCALE

DEFAULT = "serving_default"


@dataclass(frozen=True)
class Signature:
    """One form of a model's inputs.

    Attributes:
        name: What clients call it.
        inputs: What it takes.
        prepare: Makes of these the arrays that the model takes; it may raise Refused.
        slow: Whether `prepare` takes so long that it belongs into a thread.
    """

    name: str
    inputs: tuple[TensorInfo, ...]
    prepare: Callable[[Arrays], Arrays]
    slow: bool = False


def signatures_of(model: Model, limits: Limits) -> dict[str, Signature]:
    """All signatures of a model, by name.

    Args:
        model: A model that is loaded.
        limits: What pictures, of the signature `encoded`, may take.
    """
    default = Signature(DEFAULT, model.inputs, lambda arrays: arrays)
    if len(model.inputs) != 1 or not _is_image(model.inputs[0]):
        return {DEFAULT: default}
    image = model.inputs[0]
    floats = TensorInfo(image.name, "float32", image.shape)
    encoded = TensorInfo(image.name, "string", (-1,))

    def from_floats(arrays: Arrays) -> Arrays:
        return {image.name: _bytes_of_floats(arrays[image.name], image.name)}

    def from_files(arrays: Arrays) -> Arrays:
        from zoo.serve.pictures import decode  # Pillow, which no other signature needs

        rows, columns, channels = image.shape[1:]
        files = list(arrays[image.name])
        return {image.name: decode(files, (rows, columns, channels), limits, model.resize)}

    return {
        DEFAULT: default,
        "bytes": Signature("bytes", model.inputs, default.prepare),
        "floats": Signature("floats", (floats,), from_floats),
        "encoded": Signature("encoded", (encoded,), from_files, slow=True),
    }


def signature(signatures: dict[str, Signature], name: str) -> Signature:
    """A signature by name; the empty name is the default's.

    Args:
        signatures: All those of a model, as `signatures_of` makes them.
        name: What the client asks for, or "".

    Raises:
        Refused: With status 400, for a name that does not exist.
    """
    found = signatures.get(name or DEFAULT)
    if found is None:
        known = ", ".join(signatures)
        message = f"the model has no signature {name[:80]!r}.{nearest(name[:80], signatures)}"
        raise Refused(400, f"{message} It has: {known}.")
    return found


def _is_image(info: TensorInfo) -> bool:
    shape = info.shape
    return info.dtype == "uint8" and len(shape) == 4 and shape[3] in (1, 3) and -1 not in shape[1:]


def _bytes_of_floats(images: np.ndarray, name: str) -> np.ndarray:
    if images.min() < 0 or images.max() > 1:
        raise Refused(400, f"{name}: floats takes pixels in 0..1; the book's are byte / 256")
    return np.minimum(np.rint(images / np.float32(PIXEL_SCALE)), 255).astype(np.uint8)
