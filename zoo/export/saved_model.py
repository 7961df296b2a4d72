"""SavedModel: the folder that TensorFlow Serving loads, with an endpoint for each kind of image.

metadata.json                                what the model is and how it was made
assets.extra/tf_serving_warmup_requests      what the server asks before anybody else does
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from zoo.errors import RunError, SpecError
from zoo.export import next_version
from zoo.export.common import (
    FAILED_WRITES,
    answering,
    cannot_write,
    check_backend,
    image_shape,
    plain_argmax,
    signature,
    suppress_tool_output,
)
from zoo.export.description import contracts, resize_of
from zoo.export.encoded import decoded
from zoo.export.warmup import write_warmup
from zoo.nn.voting import with_named_outputs
from zoo.spec import PIXEL_SCALE
from zoo.utils.atomic import atomic_directory, remove_stale_temporaries
from zoo.utils.whole import whole_number

# Each takes `images` and answers alike; the first is what a server takes when none is named.
ENDPOINTS = ("serving_default", "bytes", "floats", "encoded")


def export_saved_model(model: keras.Model, folder: str | Path, metadata: Mapping[str, Any]) -> Path:
    """Write a SavedModel, which appears complete or not at all.

    `serving_default` and `bytes` take uint8 [n, 28, 28, 1] as MNIST stores it; `floats` the same in
    the book's scale, byte / 256, in 0..1, rounded to the nearest byte; `encoded` takes PNG or JPEG
    files, string [n], which `zoo.export.encoded` brings to that size. metadata.json says all this
    under `signatures`, by `zoo.export.description.contracts`.

    Args:
        model: As `zoo.build`, `load` or `vote` returns it.
        folder: .../NAME/VERSION, with a whole number for the version.
        metadata: Plain data that is kept beside it; `class_names` and `resize` as in `describe`.

    Returns:
        The folder.

    Raises:
        SpecError: The version is no whole number, or `resize` none of its words.
        RunError: The version exists, or cannot be written.
    """
    folder = Path(folder)
    if whole_number(folder.name) is None:
        raise SpecError(
            f"{folder} is no version: the folder's name must be a whole number, as in 1"
        )
    if folder.exists():
        raise RunError(_in_the_way(folder))
    check_backend()
    resize, shape = resize_of(metadata), image_shape(model)
    notes = contracts(shape, model.output_shape[-1], metadata)
    try:
        remove_stale_temporaries(folder.parent)
        with atomic_directory(folder) as temporary:
            mine = temporary.stat().st_ino
            _write(model, temporary, name=folder.parent.name, resize=resize)
            metadata = {**metadata, "signatures": notes}
            (temporary / "metadata.json").write_text(
                json.dumps(metadata, indent=2) + "\n", encoding="utf-8"
            )
    except FAILED_WRITES as error:
        raise RunError(cannot_write(folder, error)) from error
    if folder.stat().st_ino != mine:  # another process was first, and its folder stays
        raise RunError(_in_the_way(folder))
    return folder


def _in_the_way(folder: Path) -> str:
    free = next_version(folder.parent)
    return f"{folder} exists already, and a version stays as it is: the next free one is {free}"


def _write(model: keras.Model, folder: Path, name: str, resize: str) -> None:
    exact = with_named_outputs(model)
    functions, shape = _endpoints(exact, resize), image_shape(model)
    signatures = {
        "serving_default": signature(shape),
        "bytes": signature(shape),
        "floats": signature(shape, "float32"),
        "encoded": signature(shape=(), dtype="string"),
    }
    with plain_argmax(), suppress_tool_output():
        archive = keras.export.ExportArchive()  # what it is told to track, it stores twice
        for endpoint in ENDPOINTS:
            archive.add_endpoint(endpoint, functions[endpoint], [signatures[endpoint]])
        archive.write_out(str(folder), verbose=False)
    write_warmup(
        folder, name, {endpoint: _example(endpoint, image_shape(model)) for endpoint in ENDPOINTS}
    )


def _endpoints(model: keras.Model, resize: str) -> dict[str, Callable]:
    answer, shape = answering(model), image_shape(model)

    def floats(images):
        # Bytes as floats, 0..255, would be taken for white paper.
        inside = tf.reduce_all((images >= 0) & (images <= 1))
        tf.debugging.Assert(inside, ["floats takes pixels in 0..1; the book's are byte / 256"])
        stored = tf.round(images / PIXEL_SCALE)
        return answer(tf.cast(tf.minimum(stored, 255), "uint8"))

    def encoded(images):
        kind = tf.TensorSpec(shape, "uint8")
        # One after another, lest large pictures lie in memory side by side.
        return answer(
            tf.map_fn(
                lambda file: decoded(file, shape, resize),
                images,
                fn_output_signature=kind,
                parallel_iterations=1,
            )
        )

    return {"serving_default": answer, "bytes": answer, "floats": floats, "encoded": encoded}


def _example(endpoint: str, shape: tuple[int, int, int]) -> tf.Tensor:
    # One black image: what is computed does not depend on what is in it.
    image = tf.zeros(shape, "uint8")
    if endpoint == "encoded":
        image = tf.io.encode_png(image)
    return tf.cast(image, "float32")[None] if endpoint == "floats" else image[None]
