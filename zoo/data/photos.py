"""A digit in any PNG or JPEG, as MNIST would have it: white ink on black, 28x28, centred by mass.

The steps are those of Y. LeCun's description of MNIST: the digit is scaled into a box of 20x20,
its proportions kept, and laid with its centre of mass at the centre of 28x28. The file is not
trusted: whatever is wrong with it is one DataError, and its size is checked before it is decoded.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage

from zoo.data.splits import IMAGE_SHAPE
from zoo.errors import DataError

MOST_PIXELS = 50_000_000
MOST_BYTES = 256 * 2**20

# A picture is worked on at a size of 500 to 999: the digit needs 20, and noise averages out.
_WORKING = 500
_BOX = 20
# Ink nearer to the paper than this, or than five times the paper's noise, is none (0 to 1).
_FAINTEST = 0.1
_SMOOTH = 1 / 400
_SMALLEST = 5  # pixels: what is neither as high nor as wide is no digit
# Parts with less than this share of the largest part's ink are specks: the bar of a 5 has more.
_SPECK = 0.05
# MNIST's strokes are 2 to 4 of the 20 pixels wide; a ballpoint's would be half a pixel, and grey.
_THINNEST = 2.0

_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_EIGHT_NEIGHBOURS = np.ones((3, 3), bool)


def digit_image(path: str | Path) -> np.ndarray:
    """The digit of a PNG or JPEG file as the networks see one: uint8 [28, 28, 1], ink 255.

    Dark ink on light paper or light on dark, told apart at the border of the picture, which is
    taken to be paper. Soft shading, specks and what sticks out of the picture are dropped; a
    picture of two digits is not divided. Raises DataError for a file that cannot be read, is
    neither PNG nor JPEG, is damaged, holds more than MOST_PIXELS, or shows no digit.
    """
    digit = _digit(*_ink(_grey(Path(path))))
    if digit is None:
        raise DataError(
            f"{path} shows no digit: nothing stands out from its border."
            " Take a sharper picture, of one digit with paper all around it."
        )
    return _centred(_boxed(digit))


def _grey(path: Path) -> np.ndarray:
    """The picture as floats [rows, columns], 0 black to 1 white; transparent is white."""
    raw = _read(path)
    try:
        with warnings.catch_warnings():
            # Pillow's warnings are of no use to the reader: the size is checked here.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(raw), formats=("PNG", "JPEG")) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise Image.DecompressionBombError
                picture.draft("L", (_WORKING, _WORKING))
                return _decoded(picture)
    except Image.DecompressionBombError as error:
        raise DataError(
            f"{path} has more than {MOST_PIXELS:,} pixels. Scale it down, or crop it to the digit."
        ) from error
    # A damaged picture can raise anything: SyntaxError, struct.error, ValueError and more.
    except Exception as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"Cannot decode {path}: {text}. Save the picture anew.") from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}. Name a PNG or JPEG.") from error
    if len(raw) > MOST_BYTES:
        raise DataError(f"{path} is larger than {MOST_BYTES:,} bytes. Scale the picture down.")
    if not raw.startswith(_SIGNATURES):
        raise DataError(
            f"{path} is neither PNG nor JPEG: it begins with {raw[:4].hex(' ') or 'nothing'}."
            " Save the picture as one of the two."
        )
    return raw


def _decoded(picture: Image.Image) -> np.ndarray:
    if picture.mode.startswith("I"):
        # 16 bits a pixel; Pillow would clip them to 8.
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    picture = ImageOps.exif_transpose(picture)
    picture = picture.convert("RGBA" if picture.has_transparency_data else "L")
    picture = picture.reduce(max(1, max(picture.size) // _WORKING))
    if picture.mode == "RGBA":
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return np.asarray(picture.convert("L"), np.float32) / 255


def _ink(grey: np.ndarray) -> tuple[np.ndarray, float]:
    """How far each pixel is from the paper (0) towards full black or white (1); and the noise."""
    border = np.ones(grey.shape, bool)
    rim = max(1, min(grey.shape) // 50)
    border[rim:-rim, rim:-rim] = False
    paper = _paper(grey, border)
    beyond = grey - paper
    # The cube lets the few pixels of a digit outweigh the many of the paper.
    if (beyond**3).sum() < 0:
        beyond, reach = -beyond, paper
    else:
        reach = 1 - paper
    ink = beyond / np.maximum(reach, 1 / 255)
    smooth = ndimage.gaussian_filter(ink, max(ink.shape) * _SMOOTH)
    noise = 1.4826 * float(np.median(np.abs(smooth[border])))
    return ink.clip(0, 1), smooth.clip(0,1), noise


def _paper(grey: np.ndarray, border: np.ndarray) -> np.ndarray:
    """The paper's brightness at each pixel: a smooth curve through most of the border.

    Of second degree, and fitted by least absolute differences (as least squares, reweighted), so
    that ink or a finger on a part of the border does not bend it.
    """
    y, x = np.meshgrid(*(np.linspace(-1, 1, length) for length in grey.shape), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1)
    # A thousand points of the border tell as much as all.
    known, told = (values[border][:: 1 + border.sum() // 1000] for values in (terms, grey))
    weight = np.ones(len(told))
    for _ in range(20):
        root = np.sqrt(weight)
        curve = np.linalg.lstsq(known * root[:, None], told * root)[0]
        weight = 1 / np.maximum(np.abs(known @ curve - told), 1e-3)
    return (terms @ curve).clip(0, 1)


def _digit(ink: np.ndarray, smooth: np.ndarray, noise: float) -> np.ndarray | None:
    """The ink of the digit alone, cropped, its strokes 1; None where there is no digit."""
    mask = smooth > _threshold(smooth)
    full = np.percentile(ink[mask], 90) if mask.any() else 0
    if full < max(_FAINTEST, 5 * noise):
        return None
    mask = _without_specks(mask)
    if mask is None:
        return None
    # Strokes are soft at their edges: as far as a pixel of the final image, faint ink is theirs.
    edge = max(1, round(_extent(mask) / _BOX))
    faint = smooth > max(0.02, 3 * noise)
    mask = ndimage.binary_dilation(mask, _EIGHT_NEIGHBOURS, edge, mask=faint | mask)
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    digit = np.where(mask, ink / full, 0).clip(0, 1)
    return digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _threshold(ink: np.ndarray) -> float:
    """Where to part ink from paper: N. Otsu's, which leaves both sides as uniform as can be."""
    counts, edges = np.histogram(ink, 256, (0, 1))
    shares = counts / ink.size
    below, sums = shares.cumsum(), (shares * edges[1:]).cumsum()
    spread = np.maximum(below * (1 - below), 1e-12)
    apart = (sums[-1] * below - sums) ** 2 / spread
    # Between black and white alone any threshold is best: take the one in the middle.
    best = np.flatnonzero(apart >= apart.max() * (1 - 1e-9))
    return float(edges[1 + round(best.mean())])


def _without_specks(mask: np.ndarray) -> np.ndarray | None:
    """The parts of the digit: the largest, and those that are not far smaller than it.

    Parts that touch the edge of the picture (the table, a finger, a neighbour) are left out where
    there is another of some size. None where no part is large enough to be a digit.
    """
    parts, count = ndimage.label(mask, _EIGHT_NEIGHBOURS)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)[1:]
    extents = np.array([max(s.stop - s.start for s in box) for box in ndimage.find_objects(parts)])
    whole = np.ones(count, bool)
    for side in (parts[0], parts[-1], parts[:, 0], parts[:, -1]):
        whole[side[side > 0] - 1] = False
    whole &= extents >= max(_SMALLEST, max(mask.shape) / 20)
    if not whole.any():
        whole = extents >= _SMALLEST
        if not whole.any():
            return None
    largest = sizes[whole].max()
    return np.isin(parts, 1 + np.flatnonzero(sizes >= _SPECK * largest))


def _extent(mask: np.ndarray) -> int:
    return max(np.ptp(np.flatnonzero(mask.any(axis=axis))) + 1 for axis in (0, 1))


def _boxed(digit: np.ndarray) -> np.ndarray:
    """The digit scaled to a length of 20 pixels, each the mean of the area that it covers."""
    longest = max(digit.shape)
    height, width = (max(1, round(_BOX * length / longest)) for length in digit.shape)
    return np.asarray(Image.fromarray(digit).resize((width, height), Image.Resampling.BOX))


def _centred(box: np.ndarray) -> np.ndarray:
    """The box on 28x28, moved by whole pixels until its centre of mass is nearest to (14, 14)."""
    field = np.zeros(IMAGE_SHAPE, np.uint8)
    top, left = (
        int(np.clip(np.floor(14.5 - mass), 0, 28 - length))
        for mass, length in zip(ndimage.center_of_mass(box), box.shape, strict=True)
    )
    field[top : top + box.shape[0], left : left + box.shape[1], 0] = np.rint(box * 255)
    return field
