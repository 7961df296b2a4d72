"""PNG and JPEG files that clients send, as the images that a model takes."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence

import numpy as np
from PIL import Image

from zoo.serve.limits import Limits, Refused

_EXPECTED = "encoded takes PNG or JPEG files"


def decode(files: Sequence[bytes], sides: tuple[int, int], limits: Limits) -> np.ndarray:
    """The pictures in grey, scaled into `sides` with black around, as TensorFlow's export does.

    Args:
        files: The files' bytes. Their sizes in pixels are checked before any is decoded.
        sides: Rows and columns of the images that the model takes.
        limits: How many pixels a file and a request may have.

    Returns:
        uint8 [n, rows, columns, 1]. A picture of the right size keeps its bytes.

    Raises:
        Refused: With status 400 for what is no picture, and 413 for one that is too large.
    """
    pictures = [_opened(file, limits) for file in files]
    total = sum(picture.width * picture.height for picture in pictures)
    if total > limits.request_pixels:
        message = f"the request's pictures have {total:,} pixels together"
        raise Refused(413, f"{message}: send fewer, the limit is {limits.request_pixels:,}")
    return np.stack([_fitted(picture, sides) for picture in pictures])[..., None]


def _opened(file: bytes, limits: Limits) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large pictures: their size is checked here
            picture = Image.open(io.BytesIO(file), formats=("PNG", "JPEG"))
            pixels = picture.width * picture.height
    except Image.DecompressionBombError as error:
        raise Refused(413, f"{_EXPECTED} of at most {limits.pixels:,} pixels") from error
    except Exception as error:  # damaged files raise errors of any kind
        raise Refused(400, f"{_EXPECTED}, and a file is neither") from error
    if pixels > limits.pixels:
        message = f"{_EXPECTED} of at most {limits.pixels:,} pixels"
        raise Refused(413, f"{message}, and a file has {pixels:,}")
    return picture


def _fitted(picture: Image.Image, sides: tuple[int, int]) -> np.ndarray:
    try:
        if picture.mode.startswith("I"):  # 16 bits a pixel, which Pillow would clip to 8
            picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
        picture = picture.convert("RGB").convert("L") if picture.mode != "L" else picture
        picture.load()
    except Exception as error:
        raise Refused(400, f"{_EXPECTED}, and a file is damaged") from error
    if (picture.height, picture.width) == sides:
        return np.asarray(picture, np.uint8)
    size = np.array([picture.height, picture.width], np.float32)
    exact = size / np.max(
        size / np.array(sides, np.float32)
    )  # rounded as TensorFlow does, in float32
    height, width = (max(1, int(side)) for side in exact)
    # In floats, or each of the two passes would round to bytes.
    scaled = picture.convert("F").resize((width, height), Image.Resampling.BILINEAR)
    image = np.zeros(sides, np.uint8)
    top, left = (int((side - part) / 2) for side, part in zip(sides, exact, strict=True))
    levels = np.rint(np.asarray(scaled)).clip(0, 255)
    image[top : top + height, left : left + width] = levels
    return image
