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
        metadata: Plain data that is kept beside the file.
        calibration: A few hundred training images, which the int8 formats find their scales with.
        version: The number of a SavedModel; without one it is the next free number.
        overwrite: Whether a file may be replaced. A version, once written, is never changed.
        measure: Is given the path of a finished ONNX or LiteRT file before it appears at its place,
            and returns further metadata: its score, say.

    Returns:
        The path of what was written.

    Raises:
        UnknownNameError: There is no such format.
        SpecError: Calibration images or version make no sense.
        RunError: Something is in the way, cannot be written, or has no counterpart in the format.
    """
    path = path_of(format, folder, name=name, version=version)
    if format.endswith("int8"):
        _check_calibration(format, model, calibration)
        _writers()[format](model, path, calibration, metadata, overwrite, measure)
    elif format == "saved_model":
        _writers()[format](model, path, metadata)
    else:
        _writers()[format](model, path, metadata, overwrite, measure)
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


def _check_calibration(format: str, model: keras.Model, images: np.ndarray | None) -> None:
    if images is None or not len(images):
        raise SpecError(f"{format} needs calibration images: give a few hundred training images")
    if images.dtype != "uint8" or images.shape[1:] != model.inputs[0].shape[1:]:
        shape = "x".join(map(str, model.inputs[0].shape[1:]))
        raise SpecError(
            f"calibration images are bytes {shape}, not {images.dtype} of shape {images.shape[1:]}"
        )
