"""ONNX: the file that ONNX Runtime runs, in single precision or in bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.export.common import (
    INPUT,
    Measure,
    answering,
    check_backend,
    converting,
    described_file,
    image_shape,
    plain_argmax,
    signature,
    tool,
)
from zoo.nn.voting import with_named_outputs

# The newest that tf2onnx writes.
OPSET = 18

# Where the numbers of a network are. All else stays in single precision: it takes no time, and the
# thousandth that decides a tie of a vote is lost in bytes.
QUANTIZED = ("Conv", "MatMul")

CALIBRATION_BATCH = 50


def export_onnx(
    model: keras.Model,
    path: str | Path,
    metadata: Mapping[str, Any],
    overwrite: bool = False,
    measure: Measure | None = None,
) -> None:
    """Write a model as an ONNX file, and its metadata beside it.

    Args:
        model: As `zoo.build`, `load` or `vote` returns it.
        path: Of the file.
        metadata: Plain data for `path`.json.
        overwrite: Whether a file that is there may be replaced.
        measure: From the path of the file, before it appears, to further metadata.

    Raises:
        RunError: The file exists, cannot be written, or ONNX lacks a layer of the model.
    """
    with described_file(path, metadata, overwrite, measure) as temporary:
        temporary.write_bytes(_converted(model).SerializeToString())


def export_onnx_int8(
    model: keras.Model,
    path: str | Path,
    calibration: np.ndarray,
    metadata: Mapping[str, Any],
    overwrite: bool = False,
    measure: Measure | None = None,
) -> None:
    """Write a model as an ONNX file whose convolutions and dense layers are int8-quantized.

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
        RunError: The file exists, cannot be written, or ONNX lacks a layer of the model.
    """
    quantization = tool("onnxruntime.quantization", "onnxruntime")
    with described_file(path, metadata, overwrite, measure) as temporary:
        converted = _converted(model)
        with converting(model, "int8 ONNX"):
            quantization.quantize_static(
                converted,
                temporary,
                _Calibration(calibration),
                per_channel=True,
                # Processors without instructions for bytes add up pairs of products in 16 bits,
                # which weights of 8 bits would overflow.
                reduce_range=True,
                op_types_to_quantize=list(QUANTIZED),
            )


class _Calibration:
    """The calibration images in the form that ONNX Runtime asks for: batches until None."""

    def __init__(self, images: np.ndarray):
        starts = range(0, len(images), CALIBRATION_BATCH)
        self.batches = iter(images[start : start + CALIBRATION_BATCH] for start in starts)

    def get_next(self) -> dict[str, np.ndarray] | None:
        batch = next(self.batches, None)
        return None if batch is None else {INPUT: batch}


def _converted(model: keras.Model):
    """The model as an ONNX ModelProto, checked."""
    check_backend()
    onnx = tool("onnx", "onnx")
    convert = tool("tf2onnx.convert", "tf2onnx")
    with converting(model, "ONNX"):
        frozen, outputs = _frozen(model)
        names = {f"{INPUT}:0": INPUT} | outputs
        converted, _ = convert.from_graph_def(
            frozen,
            name=model.name,
            input_names=[f"{INPUT}:0"],
            output_names=list(outputs),
            tensors_to_rename=names,
            opset=OPSET,
        )
        onnx.checker.check_model(converted)  # tf2onnx goes on where it knows no counterpart
    return converted


def _frozen(model: keras.Model) -> tuple[tf.compat.v1.GraphDef, dict[str, str]]:
    # All that the model holds becomes constants; tf2onnx, which could do it, takes for inputs what
    # is no variable. The second is the name of each output by the name of its tensor.
    constants = tool("tensorflow.python.framework.convert_to_constants", "tensorflow")
    with plain_argmax():
        function = tf.function(
            answering(with_named_outputs(model)), input_signature=[signature(image_shape(model))]
        )
        traced = function.get_concrete_function()
    frozen = constants.convert_variables_to_constants_v2(traced)
    outputs = sorted(traced.structured_outputs)  # the order that TensorFlow puts a dict in
    names = {tensor.name: name for tensor, name in zip(frozen.outputs, outputs, strict=True)}
    return frozen.graph.as_graph_def(add_shapes=True), names
