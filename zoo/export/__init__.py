"""Exports: a model as files that programs without this package, or without Keras, can run.

    export(model, "onnx", "saved_models", name="conv1")  # saved_models/conv1/conv1.onnx

The tools behind it are imported by the call that needs them, and kept quiet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import SpecError, UnknownNameError, nearest

if TYPE_CHECKING:
    import keras
    import numpy as np

# The file of each format, beside the other files of the network; a SavedModel is a folder.
FILES = {
    "saved_model": "{version}",
    "onnx": "{name}.onnx",
    "onnx_int8": "{name}-int8.onnx",
    "litert": "{name}.tflite",
    "litert_int8": "{name}-int8.tflite",
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
) -> Path:
    """Write a model of the zoo in one of FORMATS, and return the path of what was written.

    It takes byte images, uint8 [n, 28, 28, 1], named `images`, and puts out `digit`,
    `probabilities` and, of a vote, `votes`, as `zoo.ensemble.detailed` says. `calibration`, a few
    hundred training images, is what the int8 formats find their scales with. `version` is of a
    SavedModel alone: without one it is the next free number. `overwrite` is for files alone; a
    version, once written, stays. Raises UnknownNameError for a format that does not exist,
    SpecError for calibration images or a version that make no sense, and RunError where something
    is in the way, cannot be written, or has no counterpart in the format.
    """
    path = path_of(format, folder, name=name, version=version)
    if format.endswith("int8"):
        _check_calibration(format, calibration)
        _writers()[format](model, path, calibration, metadata, overwrite)
    elif format == "saved_model":
        _writers()[format](model, path, metadata)
    else:
        _writers()[format](model, path, metadata, overwrite)
    return path


def path_of(format: str, folder: str | Path, *, name: str, version: int | None = None) -> Path:
    """Where `export` puts a format: `folder`/NAME/VERSION of a SavedModel, else a file in NAME.

    Raises UnknownNameError for a format that does not exist.
    """
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
    taken = [int(path.name) for path in Path(folder).glob("*") if path.name.isdecimal()]
    return max(taken, default=0) + 1


def _writers() -> dict[str, Callable]:
    from zoo.export import litert, onnx, saved_model

    return {
        "saved_model": saved_model.export_saved_model,
        "onnx": onnx.export_onnx,
        "onnx_int8": onnx.export_onnx_int8,
        "litert": litert.export_litert,
        "litert_int8": litert.export_litert_int8,
    }


def _check_calibration(format: str, images: np.ndarray | None) -> None:
    from zoo.spec import IMAGE_SHAPE

    if images is None or not len(images):
        raise SpecError(f"{format} needs calibration images: give a few hundred training images")
    if images.dtype != "uint8" or images.shape[1:] != IMAGE_SHAPE:
        raise SpecError(
            f"calibration images are bytes 28x28x1, not {images.dtype} of shape {images.shape[1:]}"
        )
