"""The contract at a model's door: which images and labels are taken, and for what.

Images are bytes (uint8, 0 to 255), or floats in 0..1. Floats are made bytes, which is what the
networks were trained on: as byte / 256 where all of them are multiples of 1/256 below 1, as in the
book's files, and else as byte / 255, as in Keras' tutorials. Floats in 0..255 are refused: they
cannot be told from data that somebody forgot to scale.

Labels are the numbers of the classes from 0 up, or one-hot rows.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.errors import DataError

IMAGES = "images are bytes (uint8, 0 to 255) or floats from 0 to 1"

# How far rounding may take a float out of 0..1.
_ROUNDING = 1e-6


def as_images(images: Any, shape: tuple[int, ...]) -> Any:
    """Images as the bytes that a model takes.

    Args:
        images: A tensor or array: bytes, whole numbers in 0..255, or floats in 0..1. Of shape
            [n, *shape], or with the channel left out or first where there is only one, or each
            image a row of pixels; or a single image in one of these forms.
        shape: Height, width and channels of an image.

    Returns:
        Bytes [n, *shape]; what is that already, and what has no values yet, as it is.

    Raises:
        DataError: They are something else; one line says what.
    """
    dtype = getattr(images, "dtype", None)
    dtype = getattr(dtype, "name", str(dtype).rpartition(".")[2])
    if dtype == "uint8" and _shape(images)[1:] == shape:
        return images
    array = _values(images)
    if array is None:
        if dtype == "uint8":
            return images
        raise DataError(f"{IMAGES}; a tensor without values must be uint8, not {dtype}: cast it")
    return _bytes(_arranged(array, shape))


def as_labels(labels: Any, classes: int) -> Any:
    """Labels as the numbers of the classes, int32 [n].

    Args:
        labels: Whole numbers from 0 up, of any type, [n] or [n, 1]; or one-hot rows [n, classes].
        classes: How many classes there are.

    Returns:
        The labels; what has no values yet, as it is.

    Raises:
        DataError: They are something else; one line says what.
    """
    array = _values(labels)
    if array is None:
        return labels
    message = f"labels are whole numbers from 0 to {classes - 1}, or one-hot rows of {classes}"
    if array.dtype.kind not in "iufb":
        raise DataError(f"{message}; these are {array.dtype}: give the classes numbers")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2 and array.shape[1] == classes:
        if not (np.isin(array, (0, 1)).all() and (array.sum(axis=1) == 1).all()):
            raise DataError(
                f"{message}; these are rows that hold more than a single 1: compile the model with "
                "loss='categorical_crossentropy' for shares of classes"
            )
        return array.argmax(axis=1).astype(np.int32)
    if array.ndim != 1:
        raise DataError(f"{message}; these have the shape {list(array.shape)}: give one an image")
    if array.size and not (array == np.rint(array)).all():
        raise DataError(
            f"{message}; these are no whole numbers, as {array[array != np.rint(array)][0]}"
        )
    if array.size and not (array.min() >= 0 and array.max() < classes):
        raise DataError(
            f"{message}; these go from {array.min():g} to {array.max():g}: count the classes from "
            "0, or build the network with more of them"
        )
    return array.astype(np.int32, copy=False)


def _values(tensor: Any) -> np.ndarray | None:
    """A tensor as a NumPy array, or None where it has no values yet."""
    if isinstance(tensor, np.ndarray):
        return tensor
    if keras.backend.is_keras_tensor(tensor) or _is_traced(tensor):
        return None
    try:
        return np.asarray(
            tensor if isinstance(tensor, (list, tuple)) else ops.convert_to_numpy(tensor)
        )
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"a {type(tensor).__name__} is no array ({reason}): use NumPy") from error


def _is_traced(tensor: Any) -> bool:
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.is_tensor(tensor) and not hasattr(tensor, "numpy")
    if backend == "jax":
        import jax

        return isinstance(tensor, jax.core.Tracer)
    return False


def _shape(tensor: Any) -> tuple[Any, ...]:
    shape = tensor.shape
    if getattr(shape, "rank", 0) is None:  # TensorFlow's unknown one
        return ()
    return tuple(shape)


def _arranged(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    height, width, channels = shape
    size = height * width * channels
    forms = [shape, (size,)]  # in the order in which they are tried
    if channels == 1:
        forms += [(height, width), (1, height, width)]
    for form in forms:
        if array.shape[1:] == form:
            return array.reshape(-1, *shape) if len(array) else np.zeros((0, *shape), array.dtype)
    for form in forms:
        if array.shape == form:
            return array.reshape(1, *shape)
    raise DataError(
        f"images have the shape [n, {height}, {width}, {channels}], not {list(array.shape)}: "
        "reshape them, or build the network with input_shape=(height, width, channels)"
    )


def _bytes(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.uint8 or not array.size:
        return array.astype(np.uint8, copy=False)
    kind = array.dtype.kind
    if kind == "V" and array.dtype.names is None:  # ml_dtypes' bfloat16, to NumPy
        array, kind = array.astype(np.float32), "f"
    if kind not in "iuf":
        raise DataError(f"{IMAGES}; these are {array.dtype}: convert them")
    low, high = array.min(), array.max()
    if kind in "iu":
        if low < 0 or high > 255:
            raise DataError(f"{IMAGES}; these are whole numbers from {low} to {high}: scale them")
        return array.astype(np.uint8)
    if not np.isfinite(low) or not np.isfinite(high):
        raise DataError(f"{IMAGES}; these hold infinities or NaN: remove them")
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        message = (
            "give them as bytes, images.astype('uint8')" if low >= 0 else "undo what centred them"
        )
        raise DataError(f"{IMAGES}; these are floats from {low:.4g} to {high:.4g}: {message}")
    by_256 = array * np.float32(256)
    if high < 1 and np.array_equal(by_256, np.rint(by_256)):
        return by_256.astype(np.uint8)
    return np.rint(np.clip(array, 0, 1) * np.float32(255)).astype(np.uint8)
