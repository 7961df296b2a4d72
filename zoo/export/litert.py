"""LiteRT, formerly TensorFlow Lite: the file for phones, in single precision or in bytes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from zoo.export.common import (
    answering,
    check_backend,
    converting,
    image_shape,
    plain_argmax,
    signature,
)
from zoo.export.description import Description
from zoo.export.litert_metadata import described
from zoo.nn.voting import with_named_outputs

# The name under which the file's inputs and outputs have theirs.
SIGNATURE = "serving_default"

# These stay in single precision: they take no time, and in bytes a vote loses the thousandth that
# decides its ties (of two networks' 10,000 answers, 232 differed then, and 7 now).
EXACT = ("SOFTMAX", "MUL", "ADD", "SUM", "DIV", "PACK", "MAXIMUM", "ARG_MAX", "ONE_HOT")


def to_litert(
    model: keras.Model,
    description: Description,
    calibration: np.ndarray | None = None,
    *,
    batch: int | None = None,
) -> bytes:
    """A model as a LiteRT file, which says what it is.

    Its output `digit` is int32, which every reader of the format has.

    Args:
        model: As `zoo.build`, `load` or `vote` returns it.
        description: What the file says about the model.
        calibration: A few hundred training images, uint8 [n, 28, 28, 1]: with them weights and
            activations are int8-quantized. Each output of a layer has a scale of its own for its
            weights; activations have one scale a tensor.
        batch: How many images it takes at a time; any number where it is None.

    Raises:
        RunError: LiteRT lacks a layer of the model.
    """
    check_backend()
    exact = with_named_outputs(model, digit="int32")
    with tempfile.TemporaryDirectory() as folder, converting(model, "LiteRT"):
        with plain_argmax():
            archive = keras.export.ExportArchive()
            images = signature(image_shape(model), batch=batch)
            archive.add_endpoint(SIGNATURE, answering(exact), [images])
            archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[SIGNATURE])
        converted = (
            converter.convert() if calibration is None else _quantized(converter, calibration)
        )
    return described(
        converted,
        name=description.name,
        description=description.summary,
        images=description.images,
        outputs=description.outputs,
        class_names=description.class_names,
    )


def _quantized(converter: tf.lite.TFLiteConverter, calibration: np.ndarray) -> bytes:
    def examples() -> Iterator[list[np.ndarray]]:
        return ([image[None]] for image in calibration)

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = examples
    # The only door to a converter that leaves some operations as they are.
    lite = tf.lite.experimental
    return lite.QuantizationDebugger(
        converter=converter,
        debug_dataset=examples,
        debug_options=lite.QuantizationDebugOptions(denylisted_ops=list(EXACT)),
    ).get_nondebug_quantized_model()
