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

from zoo.data.dataset import IMAGE_SHAPE
from zoo.errors import DataError

MOST_PIXELS = 50_000_000
MOST_BYTES = 256 * 2**20

# A longer side of 500 to 999 pixels is worked on: the digit needs 20, and noise averages out.
_WORKING = 500
_SMOOTH = 1 / 800  # of the longer side: where ink is sought, it is blurred by this
_BOX = 20
_FAINT = 0.02  # of the way to full ink: less is none, even at the edge of a stroke
# Ink nearer to the paper than this, or than 3.5 times the paper's noise, makes no digit.
_FAINTEST = 0.1
_SMALLEST = 5  # pixels: what is neither as high nor as wide is no digit
# Parts with less than this share of the largest part's pixels are specks: the bar of a 5 has more.
_SPECK = 0.05
# MNIST's strokes are two or three of the 20 pixels wide; a ballpoint's would be half of one.
_THINNEST = 2.0

_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_EIGHT_NEIGHBOURS = np.ones((3, 3), bool)


def digit_image(path: str | Path) -> np.ndarray:
    """The digit of a PNG or JPEG file as the networks see one: uint8 [28, 28, 1], ink 255.

    The ink is dark on light paper or light on dark; what fills most of the picture and of its
    border is taken for paper. Soft shading is evened out, specks and what sticks out of the picture
    are left out, and thin strokes made as thick as MNIST's; of several digits, none is chosen.
    Raises DataError for a file that cannot be read, is neither PNG nor JPEG, is damaged, has more
    than MOST_PIXELS, or shows no digit.
    """
    digit = _digit(*_ink(_grey(Path(path))))
    if digit is None:
        raise DataError(
            f"{path} shows no digit: nothing stands out from its paper."
            " Take a sharper picture, of one digit with paper all around it."
        )
    return _centred(_boxed(_thickened(digit)))


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


def _ink(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """How far each pixel is from the paper, 0, towards full black or white, 1.

    Returns that, the same blurred, and the noise that the paper has in the blurred one.
    """
    rim = max(1, min(grey.shape) // 50)
    border = np.ones(grey.shape, bool)
    border[rim:-rim, rim:-rim] = False
    paper = _paper(grey, border)
    ink, reach = grey - paper, 1 - paper
    # The cube lets the few pixels of a digit outweigh the many of the paper.
    if (ink**3).sum() < 0:
        ink, reach = -ink, paper
    ink /= np.maximum(reach, 1 / 255)
    blurred = ndimage.gaussian_filter(ink, max(ink.shape) * _SMOOTH)
    # The median tells nothing of ink on the border; 1.48 makes it a standard deviation.
    noise = 1.48 * float(np.median(np.abs(blurred[border])))
    return ink.clip(0, 1), blurred.clip(0, 1), noise


def _paper(grey: np.ndarray, border: np.ndarray) -> np.ndarray:
    """The paper's brightness at each pixel: a smooth surface through most of the picture.

    Of second degree, and fitted by least absolute differences (least squares, reweighted), so that
    neither the digit nor a finger on the border bends it. As many points are of the border as not.
    """
    y, x = np.meshgrid(*(np.linspace(-1, 1, length) for length in grey.shape), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1)
    points = [np.flatnonzero(part) for part in (border, ~border)]
    points = np.concatenate([part[:: 1 + len(part) // 500] for part in points])
    known, told = terms.reshape(-1, 6)[points], grey.ravel()[points]
    weight = np.ones(len(told))
    for _ in range(20):
        root = np.sqrt(weight)
        surface = np.linalg.lstsq(known * root[:, None], told * root)[0]
        weight = 1 / np.maximum(np.abs(known @ surface - told), 1e-3)
    return (terms @ surface).clip(0, 1)


def _digit(ink: np.ndarray, blurred: np.ndarray, noise: float) -> np.ndarray | None:
    """The ink of the digit alone, cropped, its strokes 1; None where there is no digit."""
    mask = _without_specks(blurred > _threshold(blurred))
    if not mask.any() or np.percentile(blurred[mask], 90) < max(_FAINTEST, 3.5 * noise):
        return None
    full = np.percentile(ink[mask], 95)
    # Strokes are soft at their edges: the faint pixels beside them are theirs.
    mask |= ndimage.binary_dilation(mask, _EIGHT_NEIGHBOURS) & (ink > max(_FAINT, 3 * noise))
    digit = np.where(mask, ink / full, 0).clip(0, 1)
    rows, columns = (np.flatnonzero((digit > _FAINT).any(axis=axis)) for axis in (1, 0))
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


def _without_specks(mask: np.ndarray) -> np.ndarray:
    """The largest part, and those that are not far smaller; nothing where none is digit-sized.

    Parts that touch the edge of the picture (the table, a finger, a neighbour) are left out where
    there is another of some size.
    """
    parts, count = ndimage.label(mask, _EIGHT_NEIGHBOURS)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    boxes = ndimage.find_objects(parts)
    lengths = np.array([0, *(max(side.stop - side.start for side in box) for box in boxes)])
    edge = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    whole = lengths >= max(_SMALLEST, max(mask.shape) / 20)
    whole[edge] = False
    chosen = whole if whole.any() else lengths >= _SMALLEST
    if not chosen.any():
        return np.zeros_like(mask)
    kept = sizes >= _SPECK * sizes[chosen].max()
    kept[0] = False
    if whole.any():
        kept[edge] = False
    return kept[parts]


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
