"""Warm-up: requests that TensorFlow Serving makes of a new version before it hands it to anyone.

Without them the first request after a change of versions waits for what TensorFlow does only once.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from zoo.export.common import INPUT

FILE = Path("assets.extra") / "tf_serving_warmup_requests"

# The fields that a warm-up request has of the server's messages, with the numbers of its .proto
# files. A tensor goes as its bytes, which is what a message in a message is.
_MESSAGES = {
    "ModelSpec": {"name": (1, "string"), "signature_name": (3, "string")},
    "Input": {"key": (1, "string"), "value": (2, "bytes")},
    "PredictRequest": {"model_spec": (1, "ModelSpec"), "inputs": (2, "Input")},
    "PredictLog": {"request": (1, "PredictRequest")},
    "PredictionLog": {"predict_log": (6, "PredictLog")},
}


def write_warmup(folder: Path, name: str, examples: Mapping[str, tf.Tensor]) -> None:
    """Write a request for each endpoint into a SavedModel's folder.

    Args:
        folder: Of the SavedModel; it must not have an `assets.extra` yet.
        name: The model's name in the server.
        examples: The images of each request by its endpoint, in the form that the endpoint takes.
    """
    path = folder / FILE
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for endpoint, images in examples.items():
            log = prediction_log()()
            request = log.predict_log.request
            request.model_spec.name = name
            request.model_spec.signature_name = endpoint
            tensor = tf.make_tensor_proto(images).SerializeToString()
            request.inputs.add(key=INPUT, value=tensor)
            writer.write(log.SerializeToString())


@functools.cache
def prediction_log() -> Any:
    """The class of `tensorflow.serving.PredictionLog`, as far as a warm-up file has it.

    In a pool of its own, so that the server's whole messages can be imported, too.
    """
    package = "zoo.warmup"
    file = descriptor_pb2.FileDescriptorProto(
        name="zoo_warmup.proto", package=package, syntax="proto3"
    )
    kinds = descriptor_pb2.FieldDescriptorProto
    for message_name, fields in _MESSAGES.items():
        message = file.message_type.add(name=message_name)
        for field_name, (number, kind) in fields.items():
            field = message.field.add(name=field_name, number=number)
            field.label = kinds.LABEL_REPEATED if kind == "Input" else kinds.LABEL_OPTIONAL
            if kind in _MESSAGES:
                field.type, field.type_name = kinds.TYPE_MESSAGE, f".{package}.{kind}"
            else:
                field.type = kinds.TYPE_STRING if kind == "string" else kinds.TYPE_BYTES
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.PredictionLog"))
