"""A program that runs a SavedModel with TensorFlow alone: neither this package nor Keras is there.

    python -I alone.py SAVED_MODEL IMAGES.npy ANSWERS.npz ENDPOINT ...

It is run as a file, in a process of its own, and imports nothing from the package it lies in.
"""

from __future__ import annotations

import sys
from typing import Any

BATCH = 500


def main(folder: str, images: str, answers: str, *endpoints: str) -> None:
    """Ask every endpoint about all the images, and write `endpoint/output` arrays.

    Args:
        folder: Of the SavedModel.
        images: A .npy file of uint8, [n, height, width, channels].
        answers: The .npz file to write, with an array [n, ...] for each output of each endpoint.
        *endpoints: Of the SavedModel. 'floats' is given images / 256, 'encoded' PNG files, and any
            other the bytes.
    """
    for name in ("zoo", "keras", "tf_keras"):
        sys.modules[name] = None  # type: ignore[assignment] # an import of it fails from here on
    import numpy as np
    import tensorflow as tf

    loaded = tf.saved_model.load(folder)
    stored = np.load(images, mmap_mode="r")  # a set may be larger than memory
    outputs: dict[str, Any] = {}
    for endpoint in endpoints:
        asked = loaded.signatures[endpoint]
        parts = [
            asked(images=_as_taken(endpoint, stored[start : start + BATCH]))
            for start in range(0, len(stored), BATCH)
        ]
        for name in parts[0]:
            outputs[f"{endpoint}/{name}"] = np.concatenate([part[name].numpy() for part in parts])
    np.savez(answers, **outputs)


def _as_taken(endpoint: str, images):
    import tensorflow as tf

    if endpoint == "floats":
        return tf.constant(images / 256, "float32")
    if endpoint == "encoded":
        return tf.stack([tf.io.encode_png(image) for image in images])
    return tf.constant(images)


if __name__ == "__main__":
    main(*sys.argv[1:])
