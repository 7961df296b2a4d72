"""Ink in a grey picture: the sheet it lies on, the paper's brightness, and how far the ink is off.

The ink may be dark on light paper or light on dark. A frame or a table around the sheet is cut off,
and soft shading of the paper evened out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

_SMOOTH = 1 / 800  # of the longer side: where ink is sought, it is blurred by this
EIGHT_NEIGHBOURS = np.ones((3, 3), bool)

# A sheet is looked for in pictures from this size on, scaled down to at most twice this.
_SHEET_SIDE = 100
_LEAST_SHEET = 0.15  # of the picture
_MOST_INK = 0.35  # of the sheet: the inside of a bold 0 is more of it
_RECTANGULAR = 0.86  # of the smallest rectangle around it; an ellipse fills 0.79
_MARGIN = 0.02  # of the sheet's shorter side: its edge is blurred, and throws a shadow


@dataclass(frozen=True)
class Ink:
    """How far each pixel is from the paper, 0, towards full black or white, 1.

    `amount` and `blurred` are float32 [rows, columns]; `noise` is the standard deviation that bare
    paper has in `blurred`; `top` and `left` say where the cut lies in the picture.
    """

    amount: np.ndarray
    blurred: np.ndarray
    noise: float
    top: int = 0
    left: int = 0


def find_ink(grey: np.ndarray) -> Ink:
    """The ink of a picture, float32 [rows, columns], 0 black to 1 white, on its own sheet."""
    top = left = 0
    inside = np.ones(grey.shape, bool)
    for _ in range(2):  # a scanner's frame, and in it a table
        found = _sheet(grey)
        if found is None:
            break
        rows, columns = (np.flatnonzero(found.any(axis=axis)) for axis in (1, 0))
        window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        grey, inside = grey[window], found[window]
        top, left = top + int(rows[0]), left + int(columns[0])
    return _on_paper(grey, inside, top, left)


def _on_paper(grey: np.ndarray, inside: np.ndarray, top: int, left: int) -> Ink:
    rim = max(1, min(grey.shape) // 50)
    border = inside & ~ndimage.binary_erosion(inside, EIGHT_NEIGHBOURS, rim)
    paper = _paper(grey, border, inside & ~border)
    ink, reach = np.where(inside, grey - paper, 0), 1 - paper
    # The cube lets the few pixels of a digit outweigh the many of the paper.
    if (ink**3).sum() < 0:
        ink, reach = -ink, paper
    ink /= np.maximum(reach, 1 / 255)
    blurred = ndimage.gaussian_filter(ink, max(ink.shape) * _SMOOTH)
    # The median tells nothing of ink on the border; 1.48 makes it a standard deviation.
    noise = 1.48 * float(np.median(np.abs(blurred[border])))
    return Ink(ink.clip(0, 1), blurred.clip(0, 1), noise, top, left)


def _paper(grey: np.ndarray, border: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """The paper's brightness at each pixel: a smooth surface through most of the picture.

    Of second degree, and fitted by least absolute differences (least squares, reweighted), so that
    neither the digit nor a finger on the border bends it. As many points are of the border as not.
    """
    y, x = np.meshgrid(*(np.linspace(-1, 1, length) for length in grey.shape), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1)
    places = [np.flatnonzero(part) for part in (border, rest)]
    points = np.concatenate([part[:: 1 + len(part) // 500] for part in places])
    known, seen = terms.reshape(-1, 6)[points], grey.ravel()[points]
    weight = np.ones(len(seen))
    for _ in range(20):
        root = np.sqrt(weight)
        surface = np.linalg.lstsq(known * root[:, None], seen * root)[0]
        weight = 1 / np.maximum(np.abs(known @ surface - seen), 1e-3)
    return (terms @ surface).clip(0, 1)


def threshold(ink: np.ndarray) -> float:
    """Where to part ink from paper: N. Otsu's, which leaves both sides as uniform as can be."""
    counts, edges = np.histogram(ink, 256, (0, 1))
    shares = counts / ink.size
    below, sums = shares.cumsum(), (shares * edges[1:]).cumsum()
    spread = np.maximum(below * (1 - below), 1e-12)
    apart = (sums[-1] * below - sums) ** 2 / spread
    # Between black and white alone any threshold is best: take the one in the middle.
    best = np.flatnonzero(apart >= apart.max() * (1 - 1e-9))
    return float(edges[1 + round(best.mean())])


# --- the sheet ------------------------------------------------------------------------------------


def _sheet(grey: np.ndarray) -> np.ndarray | None:
    """Where the sheet lies, bool [rows, columns], if something else is around it; else None.

    A sheet is a rectangle, perhaps turned or seen aslant, of the other shade than most of the
    picture's border, with something of the border's shade in it that could be a digit.
    """
    if min(grey.shape) < _SHEET_SIDE:
        return None
    step = max(1, min(grey.shape) // _SHEET_SIDE)
    small = ndimage.uniform_filter(grey, step)[::step, ::step]
    light = small > threshold(small)
    border = np.concatenate([light[0], light[-1], light[1:-1, 0], light[1:-1, -1]])
    region = light if border.mean() < 0.5 else ~light
    parts, count = ndimage.label(region)
    if not count:
        return None
    largest = parts == 1 + np.bincount(parts.ravel())[1:].argmax()
    whole = ndimage.binary_fill_holes(largest)
    if not _is_sheet(whole, largest):
        return None
    margin = max(1, round(_MARGIN * min(whole.shape)))
    whole = ndimage.binary_erosion(whole, EIGHT_NEIGHBOURS, margin)
    if not whole.any():
        return None
    full = np.zeros(grey.shape, bool)
    enlarged = np.kron(whole, np.ones((step, step), bool))[: grey.shape[0], : grey.shape[1]]
    full[: enlarged.shape[0], : enlarged.shape[1]] = enlarged
    return full


def _is_sheet(whole: np.ndarray, part: np.ndarray) -> bool:
    area, holes = whole.sum(), whole & ~part
    if area < _LEAST_SHEET * whole.size or not 0 < holes.sum() <= _MOST_INK * area:
        return False
    edge = whole & ~ndimage.binary_erosion(whole, border_value=0)
    points = np.argwhere(edge)
    if area < _RECTANGULAR * smallest_rectangle(points):
        return False
    # What is in the sheet must be digit-sized, or the sheet is a light stroke with a spot in it.
    boxes = ndimage.find_objects(ndimage.label(holes, EIGHT_NEIGHBOURS)[0])
    return max(side.stop - side.start for box in boxes for side in box) >= min(whole.shape) / 15


def smallest_rectangle(points: np.ndarray) -> float:
    """The area of the smallest rectangle, at any angle, around pixels [n, 2]."""
    angles = np.deg2rad(np.arange(0, 90, 3))
    across = points @ np.stack([np.cos(angles), np.sin(angles)])
    along = points @ np.stack([-np.sin(angles), np.cos(angles)])
    return float(((np.ptp(across, axis=0) + 1) * (np.ptp(along, axis=0) + 1)).min())
