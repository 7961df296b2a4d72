"""A digit in any picture file, as MNIST would have it: white ink on black, 28x28, centred by mass.

The steps are those of Y. LeCun's description of MNIST: the digit is scaled into a box of 20x20,
its proportions kept, and laid with its centre of mass at the centre of 28x28.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from zoo.data.dataset import IMAGE_SHAPE
from zoo.data.decoding import decoded
from zoo.data.digits import Box, digit_parts
from zoo.data.ink import find_ink
from zoo.errors import DataError

_BOX = 20
# MNIST's strokes are two or three of the 20 pixels wide; a ballpoint's would be half of one.
_THINNEST = 2.0


@dataclass(frozen=True)
class Digit:
    """One digit of a picture.

    `image` is what the networks see, uint8 [28, 28, 1], ink 255. `box` is where it stands: left,
    top, right and bottom in pixels of the picture held upright, right and bottom exclusive.
    """

    image: np.ndarray
    box: Box


def digit_image(path: str | Path) -> np.ndarray:
    """The digit of a picture file as the networks see one.

    The ink may be dark on light paper or light on dark; what fills most of the picture and of its
    border is taken for paper, unless a sheet lies in it. Soft shading is evened out; specks,
    ruled lines, boxes and underlines, and what sticks out of the picture are left out, and thin
    strokes made as thick as MNIST's.

    Args:
        path: A PNG, JPEG, WebP, TIFF, GIF or BMP file.

    Returns:
        uint8 [28, 28, 1], 0 for paper to 255 for ink.

    Raises:
        DataError: If the file cannot be read, is of another format, is damaged or too large, or
            shows no digit or more than one.
    """
    return one_digit(path).image


def one_digit(path: str | Path) -> Digit:
    """The one digit of a picture file, with its box; DataError as `digit_image`."""
    digits = digit_images(path)
    if len(digits) > 1:
        raise DataError(
            f"{path} shows {len(digits)} digits: crop it to one, or ask for all of them, on the "
            "command line by --all."
        )
    return digits[0]


def digit_images(path: str | Path) -> list[Digit]:
    """All the digits of a picture file that stand apart, by rows and from left to right.

    Args:
        path: A PNG, JPEG, WebP, TIFF, GIF or BMP file.

    Raises:
        DataError: As `digit_image`, but not for more than one.
    """
    picture = decoded(path)
    ink = find_ink(picture.grey)
    try:
        parts = digit_parts(ink)
    except DataError as error:
        raise DataError(f"{path} {error}") from error
    if not parts:
        raise DataError(
            f"{path} shows no digit: nothing stands out from its paper."
            " Take a sharper picture, of one digit with paper all around it."
        )
    rows, columns = picture.grey.shape
    scale = picture.width / columns, picture.height / rows
    return [Digit(_as_mnist(part.ink), _in_file(part.box, scale)) for part in parts]


def _in_file(box: Box, scale: tuple[float, float]) -> Box:
    left, top, right, bottom = (
        round(place * scale[number % 2]) for number, place in enumerate(box)
    )
    return left, top, right, bottom


def _as_mnist(digit: np.ndarray) -> np.ndarray:
    return _centred(_boxed(_thickened(digit)))


def _thickened(digit: np.ndarray) -> np.ndarray:
    """The digit with strokes as wide as MNIST's thin ones, if they are thinner."""
    scale = max(digit.shape) / _BOX
    inside = np.pad(digit > 0.5, 1)
    # The mean distance of a band's points to its nearer side is a quarter of its width.
    width = 4 * ndimage.distance_transform_edt(inside)[inside].mean()
    grow = round((_THINNEST * scale - width) / 2)
    if grow < 1:
        return digit
    digit = np.pad(digit, grow)
    return np.maximum(digit, ndimage.distance_transform_edt(digit <= 0.5) <= grow)


def _boxed(digit: np.ndarray) -> np.ndarray:
    """The digit scaled to a length of 20 pixels, its blackest 1; one of 20 stays as it is."""
    longest = max(digit.shape)
    height, width = (max(1, round(_BOX * length / longest)) for length in digit.shape)
    picture = Image.fromarray(digit.astype(np.float32))
    scaled = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))
    return scaled / scaled.max()


def _centred(box: np.ndarray) -> np.ndarray:
    """The box on 28x28, moved by whole pixels until its centre of mass is nearest to (14, 14)."""
    field = np.zeros(IMAGE_SHAPE, np.uint8)
    top, left = (
        int(np.clip(np.floor(14.5 - mass), 0, 28 - length))
        for mass, length in zip(ndimage.center_of_mass(box), box.shape, strict=True)
    )
    field[top : top + box.shape[0], left : left + box.shape[1], 0] = np.rint(box * 255)
    return field
