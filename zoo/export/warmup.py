"""Warm-up: requests that TensorFlow Serving makes of a new version before it hands it to anyone.

Without them the first request after a change of versions waits for what TensorFlow does only once.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf

from zoo.export.common import INPUT, tool

FILE = Path("assets.extra") / "tf_serving_warmup_requests"
PACKAGE = "tensorflow-serving-api"


def write_warmup(folder: Path, name: str, examples: Mapping[str, tf.Tensor]) -> None:
    """Write a request for each endpoint, of the images given for it, into a SavedModel's folder.

    `name` is the model's in the server.
    """
    predict = tool("tensorflow_serving.apis.predict_pb2", PACKAGE)
    log = tool("tensorflow_serving.apis.prediction_log_pb2", PACKAGE)
    path = folder / FILE
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for endpoint, images in examples.items():
            request = predict.PredictRequest()
            request.model_spec.name = name
            request.model_spec.signature_name = endpoint
            request.inputs[INPUT].CopyFrom(tf.make_tensor_proto(images))
            record = log.PredictionLog(predict_log=log.PredictLog(request=request))
            writer.write(record.SerializeToString())


def read_warmup(folder: Path) -> dict[str, tf.Tensor]:
    """The images that a SavedModel's warm-up file asks each endpoint about."""
    log = tool("tensorflow_serving.apis.prediction_log_pb2", PACKAGE)
    examples = {}
    for record in tf.data.TFRecordDataset(str(folder / FILE)).as_numpy_iterator():
        request = log.PredictionLog.FromString(record).predict_log.request
        images = tf.make_ndarray(request.inputs[INPUT])
        examples[request.model_spec.signature_name] = tf.constant(images)
    return examples
