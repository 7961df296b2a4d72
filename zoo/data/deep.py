"""Greys of more than 8 bits, brought to bytes: one rule for photos and for sets of pictures."""

from __future__ import annotations

import numpy as np
from PIL import Image

# The largest number of a picture is one of these, by how its program counted: 0 to 1, in bytes, or
# in 16 bits.
_FULL = (1, 255, 65_535)


def is_deep(picture: Image.Image) -> bool:
    """Whether a picture has greys of 16 bits, of 32, or in floats; Pillow would clip them."""
    return picture.mode in ("I", "F") or picture.mode.startswith("I;16")


def peak_of(picture: Image.Image) -> float:
    """The number that is white in a deep picture, or in a part of it.

    In 16 bits it is 65,535, whatever there is; else the largest there is tells.
    """
    if picture.mode.startswith("I;16"):
        return 65_535.0
    return float(_finite(picture).max(initial=0))


def in_bytes(picture: Image.Image, peak: float) -> Image.Image:
    """A deep picture in 8 bits a pixel.

    Args:
        picture: In one of the modes of `is_deep`.
        peak: The largest `peak_of` of all its parts: white is 1, 255 or 65,535, the first that it
            is not above, or else the peak itself. Of 16 bits the upper 8 are kept.
    """
    full = next((full for full in _FULL if peak <= full), peak)
    scale = 1 / 256 if full == _FULL[-1] else 255 / full
    return Image.fromarray((_finite(picture).clip(0) * scale).clip(0, 255).astype(np.uint8))


def _finite(picture: Image.Image) -> np.ndarray:
    pixels = np.asarray(picture)
    if pixels.dtype.kind != "f":
        pixels = pixels.astype(np.float64)
    return np.nan_to_num(pixels, nan=0, posinf=0, neginf=0)
