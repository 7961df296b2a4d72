"""Picture files to grey numbers: sizes are checked before anything is decoded, then scaled down.

The file is not trusted. Whatever is wrong with it is one DataError, and what a file may cost is
bounded: its bytes, its pixels, the memory that they take, and the scans of a JPEG.
"""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from zoo.data.deep import in_bytes, is_deep, peak_of
from zoo.errors import DataError
from zoo.utils.regular import is_readable_to_its_end

MOST_BYTES = 64 * 2**20
MOST_PIXELS = 50_000_000
MOST_SIDE = 30_000
# Decoded: 25 million pixels in colour, 100 million shades of grey. JPEGs are scaled as they are
# decoded, unless they are progressive: then all of it must be in memory.
MOST_MEMORY = 100_000_000
# Pillow keeps a WebP's canvas four times while it decodes it, in four bytes a pixel each: counted
# as two, so that a camera's 12 million pixels pass, and all of it stays below 200 MB.
_WEBP = 8
_STRIP = 2**20  # pixels that are converted at a time
# A camera's progressive JPEG has about ten scans, each of which goes through all the pixels.
MOST_SCANNED = 400_000_000

# A longer side of 500 to 999 pixels is worked on: the digit needs 20, and noise averages out.
WORKING = 500

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP")
_FORMATS = "PNG, JPEG, WebP, TIFF, GIF or BMP"
_SIGNATURES = (
    b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF", b"II*\0", b"MM\0*", b"GIF87a", b"GIF89a", b"BM"
)  # fmt: skip
_START_OF_SCAN = b"\xff\xda"


@dataclass(frozen=True)
class Picture:
    """A decoded picture, upright: `grey` is float32 [rows, columns], 0 black to 1 white.

    `width` and `height` are those of the file, upright too; `grey` may be smaller.
    """

    grey: np.ndarray
    width: int
    height: int


def decoded(path: str | Path) -> Picture:
    """Read a picture file; what is transparent is taken for paper.

    Args:
        path: A PNG, JPEG, WebP, TIFF, GIF or BMP file. Of several pictures in it the first counts.

    Raises:
        DataError: If the file cannot be read, is of another format, is damaged or is too large.
    """
    path = Path(path)
    raw = _read(path)
    try:
        with warnings.catch_warnings():
            # Pillow's warnings are of no use to the reader: the size is checked here.
            warnings.simplefilter("ignore")
            _check_canvas(raw, path)
            with Image.open(io.BytesIO(raw), formats=FORMATS) as picture:
                _check_size(picture, raw, path)
                return _decoded(picture)
    except DataError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(path) from error
    # A damaged picture can raise anything: SyntaxError, struct.error, ValueError and more.
    except Exception as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"Cannot decode {path}: {text}. Save the picture anew.") from error


def _read(path: Path) -> bytes:
    if path.parts[:1] in (("http:",), ("https:",)):
        raise DataError(f"{path} is an address, which is not read: download the picture first.")
    if not is_readable_to_its_end(path):
        raise DataError(f"{path} is no regular file. Name a {_FORMATS} file.")
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"Cannot read {path}: {reason}. Name a {_FORMATS} file.") from error
    if len(raw) > MOST_BYTES:
        raise DataError(f"{path} is larger than {MOST_BYTES:,} bytes. Scale the picture down.")
    if not raw.startswith(_SIGNATURES):
        raise DataError(
            f"{path} is not a {_FORMATS} file: it begins with {raw[:4].hex(' ') or 'nothing'}."
            " Save the picture as PNG or JPEG."
        )
    return raw


def _check_canvas(raw: bytes, path: Path) -> None:
    # WebP's decoder takes memory for the whole canvas as soon as the file is opened.
    if raw[:4] != b"RIFF":
        return
    kind, header = raw[12:16], raw[20:30].ljust(10, b"\0")
    if kind == b"VP8X":
        width, height = (int.from_bytes(header[at : at + 3], "little") + 1 for at in (4, 7))
    elif kind == b"VP8L":
        bits = int.from_bytes(header[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", header[6:10]))
    _check_pixels(width, height, path)
    _check_memory(_WEBP * width * height, path)


def _check_size(picture: Image.Image, raw: bytes, path: Path) -> None:
    _check_pixels(picture.width, picture.height, path)
    pixels = picture.width * picture.height
    if picture.format not in ("JPEG", "MPO"):
        # Pillow keeps black-and-white and grey in a byte, and most other modes in four.
        _check_memory(pixels * (1 if picture.mode in ("1", "L") else 4), path)
        return
    scans = raw.count(_START_OF_SCAN)
    if scans * pixels > max(MOST_SCANNED, pixels):
        raise DataError(
            f"{path} is a JPEG of {scans:,} scans over {pixels:,} pixels, which would take long."
            " Save it as a baseline JPEG, or scale it down."
        )
    if "progressive" in picture.info:
        _check_memory(pixels * 2 * len(picture.getbands()), path)


def _check_pixels(width: int, height: int, path: Path) -> None:
    if width * height > MOST_PIXELS:
        raise _too_many_pixels(path)
    if max(width, height) > MOST_SIDE:
        raise DataError(
            f"{path} is {width:,} pixels wide and {height:,} high: no side may be longer than"
            f" {MOST_SIDE:,}. Crop it to the digit."
        )


def _check_memory(needed: int, path: Path) -> None:
    if needed > MOST_MEMORY:
        raise DataError(
            f"{path} takes {needed / 1e6:,.0f} MB when it is decoded, more than the"
            f" {MOST_MEMORY / 1e6:,.0f} MB that are allowed. Scale it down, or crop it."
        )


def _too_many_pixels(path: Path) -> DataError:
    return DataError(
        f"{path} has more than {MOST_PIXELS:,} pixels. Scale it down, or crop it to the digit."
    )


def _decoded(picture: Image.Image) -> Picture:
    width, height = picture.size
    picture.draft("L", (WORKING, WORKING))
    picture.load()
    exif = picture.getexif()
    picture = _scaled_down(picture)
    # Conversions drop the camera's note of how it was held, and Pillow turns only what has one.
    picture.info.pop("exif", None)
    picture.getexif().update(exif)
    upright = ImageOps.exif_transpose(picture)
    if upright.size != picture.size or exif.get(0x0112, 1) in (5, 6, 7, 8):
        width, height = height, width
    if upright.mode == "RGBA":
        return Picture(_over_paper(np.asarray(upright, np.float32) / 255), width, height)
    return Picture(np.asarray(upright, np.float32) / 255, width, height)


def _scaled_down(picture: Image.Image) -> Image.Image:
    """The picture in grey, or in colour where something is transparent, 8 bits a channel.

    It is worked on in strips: each conversion of all of it would take its memory once more.
    """
    width, height = picture.size
    deep = is_deep(picture)
    mode = "RGBA" if picture.has_transparency_data and not deep else "L"
    step = max(1, max(picture.size) // WORKING)
    rows = step * max(1, _STRIP // (step * width))
    boxes = [(0, top, width, min(height, top + rows)) for top in range(0, height, rows)]
    peak = max(peak_of(picture.crop(box)) for box in boxes) if deep else 0
    scaled = Image.new(mode, (-(-width // step), -(-height // step)))
    for box in boxes:
        strip = picture.crop(box)
        strip = (in_bytes(strip, peak) if deep else strip).convert(mode)
        scaled.paste(strip.reduce(step), (0, box[1] // step))
    return scaled


def _over_paper(picture: np.ndarray) -> np.ndarray:
    """The grey of a picture with transparency, floats [rows, columns, 4], on fitting paper.

    Where most of it is transparent, the opaque is ink: it lies on white or black, whichever is
    further. Where most is opaque it has paper of its own, which goes on where nothing is.
    """
    grey, alpha = picture[..., :3] @ np.array([0.299, 0.587, 0.114], np.float32), picture[..., 3]
    opaque = alpha > 0.5
    paper = 1.0
    if opaque.any():
        middle = float(np.median(grey[opaque]))
        paper = middle if opaque.mean() > 0.5 else float(middle < 0.5)
    return grey * alpha + paper * (1 - alpha)
