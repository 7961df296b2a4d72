"""One picture, from a file or an array, as bytes of a declared size and number of channels.

Files are not trusted: whatever is wrong with one is a DataError that gives the reason alone, and
its size is checked before it is decoded.
"""

from __future__ import annotations

import stat
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from zoo.data.deep import in_bytes, is_deep, peak_of
from zoo.errors import DataError, SpecError

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP")
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".gif", ".bmp")
MOST_PIXELS = 50_000_000

Resize = Literal["stretch", "crop", "pad"]

_GREY_MODES = ("1", "L", "LA", "La")
_SIDEWAYS = (5, 6, 7, 8)  # values of EXIF's orientation that exchange height and width
_ORIENTATION = 0x0112
_BILINEAR = Image.Resampling.BILINEAR


@dataclass(frozen=True)
class PictureFormat:
    """What every picture of a set is brought to.

    Args:
        size: Height and width in pixels; None leaves a picture's own.
        channels: 1 for grey, 3 for red, green and blue; None leaves a picture's own.
        resize: How a picture comes to another size, bilinearly and smoothed where it shrinks:
            'stretch' changes its proportions, 'crop' cuts off what sticks out on two sides, and
            'pad' adds black on two sides.

    Raises:
        SpecError: For a value that is none of these.
    """

    size: tuple[int, int] | None = None
    channels: int | None = None
    resize: Resize = "stretch"

    def __post_init__(self) -> None:
        if self.size is not None:
            sides = self.size if isinstance(self.size, tuple | list) else ()
            if len(sides) != 2 or not all(isinstance(n, int) and 1 <= n <= 4096 for n in sides):
                raise SpecError(
                    f"size must be (height, width), each 1 to 4096 pixels, not {self.size!r}"
                )
            object.__setattr__(self, "size", tuple(sides))
        if self.channels not in (None, 1, 3):
            raise SpecError(f"channels must be 1 (grey) or 3 (colour), not {self.channels!r}")
        if self.resize not in get_args(Resize):
            raise SpecError(
                f"resize must be one of {', '.join(get_args(Resize))}, not {self.resize!r}"
            )

    def bring(self, image: np.ndarray) -> np.ndarray:
        """Byte image [height, width, channels] in this format; the same array if it is already."""
        height, width, channels = image.shape
        if self.size in (None, (height, width)) and self.channels in (None, channels):
            return image
        if channels not in (1, 3):
            raise DataError(f"images of {channels} channels cannot be resized or made grey")
        picture = Image.fromarray(image[..., 0] if channels == 1 else image)
        return self.array(picture)

    def array(self, picture: Image.Image) -> np.ndarray:
        """A Pillow picture, grey or in colour, in this format: uint8 [height, width, channels]."""
        mode = {None: picture.mode, 1: "L", 3: "RGB"}[self.channels]
        picture = picture.convert(mode) if picture.mode != mode else picture
        if self.size and picture.size != self.size[::-1]:
            size = self.size[::-1]
            if self.resize == "crop":
                picture = ImageOps.fit(picture, size, _BILINEAR)
            elif self.resize == "pad":
                picture = ImageOps.pad(picture, size, _BILINEAR)
            else:
                picture = picture.resize(size, _BILINEAR)
        array = np.asarray(picture)
        return array[..., None] if array.ndim == 2 else array


def picture_shape(path: Path) -> tuple[int, int, int]:
    """Height, width and channels (1 or 3) of a picture file, from its header where that will do.

    Raises DataError where it is no picture, or has more than MOST_PIXELS.
    """
    with _Opened(path) as picture:
        grey = _is_grey(picture)
        sideways = picture.getexif().get(_ORIENTATION) in _SIDEWAYS
        if sideways and picture.format == "TIFF":  # which Pillow turns by itself, as it loads it
            picture.load()
            sideways = False
        width, height = picture.size[::-1] if sideways else picture.size
        return height, width, 1 if grey else 3


def read_picture(path: Path, form: PictureFormat) -> np.ndarray:
    """The picture of a file in a format: uint8 [height, width, channels].

    It is turned as its EXIF data say; what is transparent lies on white; of an animation the first
    frame is taken, of 16 bits the upper 8, and other deep greys are scaled (`zoo.data.deep`).

    Args:
        path: Of the file.
        form: The size, the channels, and how a picture comes to another size.

    Raises:
        DataError: It is no picture, is damaged, or has more than MOST_PIXELS.
    """
    with _Opened(path) as picture:
        if form.size:
            # JPEG files can be decoded at a half, a quarter or an eighth: more than is needed.
            picture.draft(None, (2 * max(form.size), 2 * max(form.size)))
        return picture_array(picture, form)


def picture_array(picture: Image.Image, form: PictureFormat) -> np.ndarray:
    """A Pillow picture in a format: uint8 [height, width, channels].

    Args:
        picture: In any of Pillow's modes; it is read as `read_picture` says.
        form: The size, the channels, and how a picture comes to another size.
    """
    grey = _is_grey(picture)
    picture.load()
    if is_deep(picture):
        exif = picture.getexif()
        picture = in_bytes(picture, peak_of(picture))
        picture.getexif().update(exif)
    picture = ImageOps.exif_transpose(picture)
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return form.array(picture.convert("L" if grey else "RGB"))


class _Opened:
    """A picture file opened by Pillow, whatever goes wrong told as a DataError."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Image.Image:
        self._quiet = warnings.catch_warnings()
        self._quiet.__enter__()
        # Pillow's warnings are of no use to the reader: the size is checked here.
        warnings.simplefilter("ignore")
        self._picture = self._file = None
        try:
            if not stat.S_ISREG(self._path.stat().st_mode):
                raise DataError("it is no regular file")
            # Open: given a path, Pillow maps some TIFFs into memory, and turns them wrong.
            self._file = self._path.open("rb")
            self._picture = Image.open(self._file, formats=FORMATS)
            width, height = self._picture.size
            if width * height > MOST_PIXELS:
                raise Image.DecompressionBombError
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self._picture

    def __exit__(self, kind, error, trace) -> None:
        for each in (self._picture, self._file):
            if each is not None:
                each.close()
        self._quiet.__exit__(None, None, None)
        if error is None or not isinstance(error, Exception) or isinstance(error, DataError):
            return
        raise DataError(_reason(error)) from error


def _reason(error: Exception) -> str:
    if isinstance(error, Image.DecompressionBombError):
        return f"it has more than {MOST_PIXELS:,} pixels"
    if isinstance(error, UnidentifiedImageError):
        return f"it is no picture in the formats {', '.join(FORMATS)}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    # A damaged picture can raise anything: SyntaxError, struct.error, ValueError and more.
    return f"it is damaged ({' '.join(str(error).split()) or type(error).__name__})"


def _is_grey(picture: Image.Image) -> bool:
    if picture.mode == "P":
        colours = np.reshape(picture.getpalette("RGB") or [], (-1, 3))
        return bool((colours == colours[:, :1]).all())
    return picture.mode in _GREY_MODES or is_deep(picture)
