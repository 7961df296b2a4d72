"""Exports: a model as files that programs without this package, or without Keras, can run.

    export(model, "onnx", "saved_models", name="conv1")  # saved_models/conv1/conv1.onnx

The tools behind it are imported by the call that needs them, and kept quiet.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import SpecError, UnknownNameError, nearest
from zoo.utils.whole import whole_number

if TYPE_CHECKING:
    import keras
    import numpy as np

    from zoo.export.description import Description

# The file of each format, beside the other files of the network; a SavedModel is a folder. A file
# named batch1 takes one image at a time, which some devices want.
FILES = {
    "saved_model": "{version}",
    "onnx": "{name}.onnx",
    "onnx_int8": "{name}-int8.onnx",
    "litert": "{name}.tflite",
    "litert_int8": "{name}-int8.tflite",
    "litert_batch1": "{name}-batch1.tflite",
}
FORMATS = tuple(FILES)


def export(
    model: keras.Model,
    format: str,
    folder: str | Path,
    *,
    name: str,
    metadata: Mapping[str, Any] = {},
    calibration: np.ndarray | None = None,
    version: int | None = None,
    overwrite: bool = False,
    measure: Callable[[Path], Mapping[str, Any]] | None = None,
) -> Path:
    """Write a model of the zoo as a file that other programs run.

    It takes byte images, uint8 [n, 28, 28, 1], named `images`, and puts out `digit`,
    `probabilities` and, for an ensemble, `votes`, as `zoo.nn.voting.with_named_outputs` says.

    Args:
        model: As `zoo.build`, `load` or `vote` returns it.
        format: One of FORMATS.
        folder: The file goes into its subfolder `name`.
        name: The name of the model.
        metadata: Plain data that is kept beside the file. Of it, `class_names` are the names of
            the classes, and `resize` is how `encoded` brings a picture to the images' size:
            'stretch', 'crop' or 'pad', which is the default.
        calibration: A few hundred training images, which the int8 formats find their scales with.
        version: The number of a SavedModel; without one it is the next free number.
        overwrite: Whether a file may be replaced. A version, once written, is never changed.
        measure: Is given the path of a finished ONNX or LiteRT file before it appears at its place,
            and returns further metadata: its score, say.

    Returns:
        The path of what was written.

    Raises:
        UnknownNameError: There is no such format.
        SpecError: Calibration images, name, version or metadata make no sense.
        RunError: Something is in the way, cannot be written, or has no counterpart in the format.
    """
    path = path_of(format, folder, name=name, version=version)
    _check_plain(metadata)
    if format == "saved_model":
        from zoo.export.saved_model import export_saved_model

        return export_saved_model(model, path, metadata)
    if format.endswith("int8"):
        _check_calibration(format, model, calibration)
    from zoo.export.common import described_file, image_shape
    from zoo.export.description import describe

    with described_file(path, metadata, overwrite, measure) as temporary:
        description = describe(name, image_shape(model), model.output_shape[-1], metadata)
        temporary.write_bytes(_converted(model, format, description, calibration))
    return path


def path_of(format: str, folder: str | Path, *, name: str, version: int | None = None) -> Path:
    """Where `export` puts a format.

    Args:
        format: One of FORMATS.
        folder: The folder of all exports.
        name: The name of the model.
        version: The number of a SavedModel; without one it is the next free number.

    Returns:
        `folder`/NAME/VERSION for a SavedModel, else a file in `folder`/NAME.

    Raises:
        UnknownNameError: There is no such format.
        SpecError: The name is no name of a folder.
    """
    if not name or name in (".", "..") or not {"/", "\\", "\0"}.isdisjoint(name):
        raise SpecError(f"{name!r} is no name for an export: it has a folder of that name")
    if format not in FILES:
        raise UnknownNameError(
            f"there is no format {format!r}.{nearest(str(format), FORMATS)} "
            f"Formats: {', '.join(FORMATS)}."
        )
    place = Path(folder) / name
    if version is None:
        version = next_version(place)
    return place / FILES[format].format(name=name, version=version)


def next_version(folder: str | Path) -> int:
    """The number after the highest version that a folder of SavedModels holds; 1 for the first."""
    return max((whole_number(path.name) or 0 for path in Path(folder).glob("*")), default=0) + 1


def _converted(
    model: keras.Model, format: str, description: Description, calibration: np.ndarray | None
) -> bytes:
    """The contents of an ONNX or LiteRT file."""
    images = calibration if format.endswith("int8") else None
    if format.startswith("onnx"):
        from zoo.export.onnx import to_onnx

        return to_onnx(model, description, images)
    from zoo.export.litert import to_litert

    return to_litert(model, description, images, batch=1 if format.endswith("batch1") else None)


def _check_plain(metadata: Mapping[str, Any]) -> None:
    try:
        json.dumps(dict(metadata))
    except (TypeError, ValueError) as error:
        raise SpecError(f"metadata must be plain data, as JSON has it: {error}") from error


def _check_calibration(format: str, model: keras.Model, images: np.ndarray | None) -> None:
    if images is None or not len(images):
        raise SpecError(f"{format} needs calibration images: give a few hundred training images")
    if images.dtype != "uint8" or images.shape[1:] != model.inputs[0].shape[1:]:
        shape = "x".join(map(str, model.inputs[0].shape[1:]))
        raise SpecError(
            f"calibration images are bytes {shape}, not {images.dtype} of shape {images.shape[1:]}"
        )
