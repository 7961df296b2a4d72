"""LiteRT, formerly TensorFlow Lite: the file for phones, in single precision or in bytes."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.export.common import (
    Measure,
    answering,
    check_backend,
    converting,
    described_file,
    image_shape,
    plain_argmax,
    signature,
)
from zoo.nn.voting import with_named_outputs

# The name under which the file's inputs and outputs have theirs.
SIGNATURE = "serving_default"

# These stay in single precision: they take no time, and in bytes a vote loses the thousandth that
# decides its ties (of two networks' 10,000 answers, 232 differed then, and 7 now).
EXACT = ("SOFTMAX", "MUL", "ADD", "SUM", "DIV", "PACK", "MAXIMUM", "ARG_MAX", "ONE_HOT")


def export_litert(
    model: keras.Model,
    path: str | Path,
    metadata: Mapping[str, Any],
    overwrite: bool = False,
    measure: Measure | None = None,
) -> None:
    """Write a model as a LiteRT file, and its metadata beside it.

    Args:
        model: As `zoo.build`, `load` or `vote` returns it.
        path: Of the file.
        metadata: Plain data for `path`.json.
        overwrite: Whether a file that is there may be replaced.
        measure: From the path of the file, before it appears, to further metadata.

    Raises:
        RunError: The file exists, cannot be written, or LiteRT lacks a layer of the model.
    """
    with (
        described_file(path, metadata, overwrite, measure) as temporary,
        tempfile.TemporaryDirectory() as folder,
    ):
        converter = _converter(model, folder)
        with converting(model, "LiteRT"):
            converted = converter.convert()
        temporary.write_bytes(converted)


def export_litert_int8(
    model: keras.Model,
    path: str | Path,
    calibration: np.ndarray,
    metadata: Mapping[str, Any],
    overwrite: bool = False,
    measure: Measure | None = None,
) -> None:
    """Write a model as a LiteRT file whose weights and activations are int8-quantized.

    Each output of a layer has a scale of its own for its weights; activations have one scale a
    tensor, from the calibration images.

    Args:
        model: As `zoo.build`, `load` or `vote` returns it.
        path: Of the file.
        calibration: A few hundred training images, uint8 [n, 28, 28, 1].
        metadata: Plain data for `path`.json.
        overwrite: Whether a file that is there may be replaced.
        measure: From the path of the file, before it appears, to further metadata.

    Raises:
        RunError: The file exists, cannot be written, or LiteRT lacks a layer of the model.
    """

    def examples():
        return ([image[None]] for image in calibration)

    # The only door to a converter that leaves some operations as they are.
    lite = tf.lite.experimental
    with (
        described_file(path, metadata, overwrite, measure) as temporary,
        tempfile.TemporaryDirectory() as folder,
    ):
        converter = _converter(model, folder)
        with converting(model, "int8 LiteRT"):
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = examples
            converted = lite.QuantizationDebugger(
                converter=converter,
                debug_dataset=examples,
                debug_options=lite.QuantizationDebugOptions(denylisted_ops=list(EXACT)),
            ).get_nondebug_quantized_model()
        temporary.write_bytes(converted)


def _converter(model: keras.Model, folder: str) -> tf.lite.TFLiteConverter:
    check_backend()
    exact = with_named_outputs(model)
    with plain_argmax(), converting(model, "LiteRT"):
        archive = keras.export.ExportArchive()
        archive.add_endpoint(SIGNATURE, answering(exact), [signature(image_shape(model))])
        archive.write_out(folder, verbose=False)
        return tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[SIGNATURE])
