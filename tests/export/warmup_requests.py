"""A SavedModel's warm-up file, read back."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from zoo.export.warmup import FILE, prediction_log


def read_warmup(folder: Path) -> dict[str, tf.Tensor]:
    """The images that a SavedModel's warm-up file asks each endpoint about."""
    examples = {}
    for record in tf.data.TFRecordDataset(str(folder / FILE)).as_numpy_iterator():
        request = prediction_log().FromString(record).predict_log.request
        (entry,) = request.inputs
        tensor = type(tf.make_tensor_proto(0)).FromString(entry.value)
        examples[request.model_spec.signature_name] = tf.constant(tf.make_ndarray(tensor))
    return examples
