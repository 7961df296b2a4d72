"""The signature `encoded`: PNG or JPEG files become images inside TensorFlow's graph."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

# Of a file: a few bytes could ask a server for gigabytes. These take some 50 MB in colour.
MOST_PIXELS = 16_000_000

# Of red, green and blue, in 65,536ths, as Pillow makes grey. TensorFlow has others for a PNG.
_GREY = (19_595, 38_470, 7_471)


def decoded(file: tf.Tensor, shape: tuple[int, int, int], resize: str) -> tf.Tensor:
    """The picture of a file in the size and channels of a model's images.

    What is transparent, or turned by a note of the camera, is taken as the file stores it.

    Args:
        file: The bytes of a PNG or JPEG file of at most MOST_PIXELS, a string.
        shape: Height, width and channels, 1 or 3.
        resize: How it comes to that size: 'stretch', 'crop' or 'pad', as
            `zoo.data.pictures.PictureFormat` does it.

    Returns:
        uint8 [height, width, channels]; a picture of that size keeps its bytes.
    """
    notes = [f"encoded takes PNG or JPEG files of 1 to {MOST_PIXELS:,} pixels"]
    pixels = _pixels(file)
    with tf.control_dependencies(
        [tf.debugging.Assert((pixels > 0) & (pixels <= MOST_PIXELS), notes)]
    ):
        file = tf.identity(file)
    image = _fitted(tf.io.decode_image(file, channels=3, expand_animations=False), shape, resize)
    return image if shape[2] == 3 else _grey(image)


def _pixels(file: tf.Tensor) -> tf.Tensor:
    # What the header of a PNG or JPEG tells; 0 of any other file.
    def png():
        sides = tf.io.decode_raw(tf.strings.substr(file, 16, 8), "int32", little_endian=False)
        return tf.reduce_prod(tf.cast(tf.maximum(sides, 0), "int64"))

    def jpeg():
        return tf.reduce_prod(tf.io.extract_jpeg_shape(file, "int64")[:2])

    long_enough = tf.strings.length(file) >= 24
    return tf.case(
        [
            (long_enough & (tf.strings.substr(file, 0, 8) == b"\x89PNG\r\n\x1a\n"), png),
            (long_enough & (tf.strings.substr(file, 0, 3) == b"\xff\xd8\xff"), jpeg),
        ],
        default=lambda: tf.constant(0, "int64"),
    )


def _fitted(image: tf.Tensor, shape: tuple[int, int, int], resize: str) -> tf.Tensor:
    wanted = tf.constant(shape[:2], "float64")
    size = tf.cast(tf.shape(image)[:2], "float64")
    made, taken = wanted, size
    if resize == "pad":
        made = tf.maximum(tf.round(size / tf.reduce_max(size / wanted)), 1)
    elif resize == "crop":
        taken = wanted * tf.reduce_min(size / wanted)
    scale = made / taken
    scaled = tf.raw_ops.ScaleAndTranslate(
        images=image[None],
        size=tf.cast(made, "int32"),
        scale=tf.cast(scale, "float32"),
        translation=tf.cast((taken - size) / 2 * scale, "float32"),
        kernel_type="triangle",
        antialias=True,
    )[0]
    before = tf.round((wanted - made) / 2)
    sides = tf.cast(tf.stack([before, wanted - made - before], axis=1), "int32")
    levels: Any = tf.pad(scaled, tf.concat([sides, [[0, 0]]], axis=0))
    return tf.ensure_shape(tf.cast(tf.round(levels), "uint8"), (*shape[:2], 3))


def _grey(image: tf.Tensor) -> tf.Tensor:
    sums = tf.reduce_sum(tf.cast(image, "int32") * tf.constant(_GREY), axis=-1, keepdims=True)
    return tf.cast((sums + 32_768) // 65_536, "uint8")
