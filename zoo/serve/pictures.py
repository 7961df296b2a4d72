"""PNG and JPEG files that clients send, as the images that a model takes."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from zoo.data.pictures import PictureFormat, Resize
from zoo.serve.limits import Limits, Refused

_EXPECTED = "encoded takes PNG or JPEG files"


def decode(
    files: Sequence[bytes], shape: tuple[int, int, int], limits: Limits, resize: Resize = "pad"
) -> np.ndarray:
    """The pictures in the size and channels of a model's images, as an exported SavedModel does it.

    Args:
        files: The files' bytes. Their sizes in pixels are checked before any is decoded.
        shape: Rows, columns and channels, 1 or 3, of the images that the model takes.
        limits: How many pixels a file and a request may have.
        resize: How a picture comes to that size: 'stretch', 'crop' or 'pad'.

    Returns:
        uint8 [n, rows, columns, channels]. A picture of the right size keeps its bytes.

    Raises:
        Refused: With status 400 for what is no picture, and 413 for one that is too large.
    """
    form = PictureFormat(shape[:2], shape[2], resize)
    total = sum(picture.width * picture.height for picture in _opened_each(files, limits))
    if total > limits.request_pixels:
        message = f"the request's pictures have {total:,} pixels together"
        raise Refused(413, f"{message}: send fewer, the limit is {limits.request_pixels:,}")
    return np.stack([_fitted(picture, form) for picture in _opened_each(files, limits)])


def _opened_each(files: Sequence[bytes], limits: Limits) -> Iterator[Image.Image]:
    """One picture after the other: a decoded one takes its memory as long as it is held."""
    for file in files:
        with _opened(file, limits) as picture:
            yield picture


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


def _fitted(picture: Image.Image, form: PictureFormat) -> np.ndarray:
    try:
        if picture.mode.startswith("I"):  # 16 bits a pixel, which Pillow would clip to 8
            picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
        return form.array(picture.convert("RGB") if picture.mode != "L" else picture)
    except Exception as error:
        raise Refused(400, f"{_EXPECTED}, and a file is damaged") from error
