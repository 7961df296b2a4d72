"""ONNX: the file that ONNX Runtime runs, in single precision or in bytes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.export.common import (
    INPUT,
    answering,
    check_backend,
    converting,
    image_shape,
    plain_argmax,
    signature,
    tool,
)
from zoo.export.description import Description
from zoo.nn.voting import with_named_outputs

# The newest that tf2onnx writes.
OPSET = 18

# What the first axis of all inputs and outputs is called.
BATCH = "batch"

# Where the numbers of a network are. All else stays in single precision: it takes no time, and the
# thousandth that decides a tie of a vote is lost in bytes.
QUANTIZED = ("Conv", "MatMul")

CALIBRATION_BATCH = 50


def to_onnx(
    model: keras.Model, description: Description, calibration: np.ndarray | None = None
) -> bytes:
    """A model as an ONNX file, which says what it is.

    Args:
        model: As `zoo.build`, `load` or `vote` returns it.
        description: What the file says about the model.
        calibration: A few hundred training images, uint8 [n, 28, 28, 1]: with them convolutions and
            dense layers are int8-quantized. Each output of a layer has a scale of its own for its
            weights; activations have one scale a tensor.

    Raises:
        RunError: ONNX lacks a layer of the model.
    """
    check_backend()
    converted = _converted(model)
    if calibration is not None:
        with converting(model, "int8 ONNX"):
            converted = _quantized(converted, calibration)
    _describe(converted, description)
    return converted.SerializeToString()


def _converted(model: keras.Model) -> Any:
    """The model as an ONNX ModelProto, checked."""
    onnx = tool("onnx")
    convert = tool("tf2onnx.convert")
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
    from tensorflow.python.framework import convert_to_constants as constants

    with plain_argmax():
        function = tf.function(
            answering(with_named_outputs(model)), input_signature=[signature(image_shape(model))]
        )
        traced = function.get_concrete_function()
    frozen = constants.convert_variables_to_constants_v2(traced)
    outputs = sorted(traced.structured_outputs)  # the order that TensorFlow puts a dict in
    names = {tensor.name: name for tensor, name in zip(frozen.outputs, outputs, strict=True)}
    return frozen.graph.as_graph_def(add_shapes=True), names


def _quantized(converted: Any, calibration: np.ndarray) -> Any:
    quantization = tool("onnxruntime.quantization")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "int8.onnx"
        quantization.quantize_static(
            converted,
            path,
            _Calibration(calibration),
            per_channel=True,
            # Processors without instructions for bytes add up pairs of products in 16 bits, which
            # weights of 8 bits would overflow.
            reduce_range=True,
            op_types_to_quantize=list(QUANTIZED),
        )
        return tool("onnx").load(path)


class _Calibration:
    """The calibration images in the form that ONNX Runtime asks for: batches until None."""

    def __init__(self, images: np.ndarray):
        starts = range(0, len(images), CALIBRATION_BATCH)
        self.batches = iter(images[start : start + CALIBRATION_BATCH] for start in starts)

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next batch, by the name of the input."""
        batch = next(self.batches, None)
        return None if batch is None else {INPUT: batch}


def _describe(converted: Any, description: Description) -> None:
    """Give the first axis its name, every tensor its sentence, and the file its properties."""
    for value in (*converted.graph.input, *converted.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = BATCH
        value.doc_string = {INPUT: description.images, **description.outputs}[value.name]
    converted.graph.name = description.name
    converted.graph.doc_string = converted.doc_string = description.summary
    tool("onnx").helper.set_model_props(converted, description.properties)
