"""Sets of made-up photos: digits of the test set on paper, under the troubles of real photos.

Each kind is a function from a digit (uint8 [28, 28]) and a generator of random numbers to what is
saved: a picture, its format, and options for saving it. The same seed makes the same pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

Random = np.random.Generator
Photo = tuple[Image.Image, str, dict[str, Any]]

ORIENTATION = 0x0112
_STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def large(digit: np.ndarray, side: int) -> np.ndarray:
    """A digit enlarged to `side` pixels and cropped to its ink: floats 0 to 1."""
    picture = Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC)
    ink = np.asarray(picture, np.float32) / 255
    rows, columns = (np.flatnonzero((ink > 0.3).any(axis=axis)) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def placed(ink: np.ndarray, shape: tuple[int, int], top: int, left: int) -> np.ndarray:
    page = np.zeros(shape, np.float32)
    page[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return page


def somewhere(digit: np.ndarray, random: Random, shape=(260, 320)) -> np.ndarray:
    """A digit on a page of its own, away from the page's border: ink, 0 to 1."""
    ink = large(digit, int(random.integers(130, 200)))
    top, left = (
        int(random.integers(15, length - side - 14))
        for length, side in zip(shape, ink.shape, strict=True)
    )
    return placed(ink, shape, top, left)


def drawn(shape: tuple[int, int], lines, width: int) -> np.ndarray:
    """Straight lines of soft edges, as ((x, y), (x, y)) each: ink, 0 to 1."""
    page = Image.new("L", shape[::-1])
    for line in lines:
        ImageDraw.Draw(page).line([tuple(point) for point in line], fill=255, width=width)
    return ndimage.gaussian_filter(np.asarray(page, np.float32) / 255, 0.7)


def on_paper(ink: np.ndarray, random: Random, *, dark: float | None = None) -> np.ndarray:
    """Ink on unevenly lit paper, seen by a camera with some noise: grey, 0 black to 1 white."""
    y, x = np.mgrid[: ink.shape[0], : ink.shape[1]]
    slope, bend = random.uniform(-0.12, 0.12, 2)
    light = 0.88 + slope * (x / ink.shape[1] - 0.5) + bend * (y / ink.shape[0] - 0.5) ** 2
    dark = random.uniform(0.5, 0.85) if dark is None else dark
    return light * (1 - dark * ink) + 0.012 * random.standard_normal(ink.shape)


def in_bytes(grey: np.ndarray) -> Image.Image:
    return Image.fromarray((255 * grey.clip(0, 1)).astype(np.uint8))


def jpeg(grey: np.ndarray) -> Photo:
    return in_bytes(grey), "JPEG", {"quality": 88}


# --- the kinds ------------------------------------------------------------------------------------


def plain(digit: np.ndarray, random: Random) -> Photo:
    return jpeg(on_paper(somewhere(digit, random), random))


def blackboard(digit: np.ndarray, random: Random) -> Photo:
    ink = somewhere(digit, random)
    return jpeg(0.15 + 0.7 * ink + 0.02 * random.standard_normal(ink.shape))


def turned_in_16_bits(digit: np.ndarray, random: Random) -> Photo:
    grey = on_paper(somewhere(digit, random), random).clip(0, 1)
    picture = Image.fromarray((65_535 * grey).astype(np.uint16))
    orientation = int(random.integers(1, 9))
    if _STORED[orientation] is not None:
        picture = picture.transpose(_STORED[orientation])
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return picture, "PNG", {"exif": exif}


def white_on_nothing(digit: np.ndarray, random: Random) -> Photo:
    ink = somewhere(digit, random)
    colour = np.full((*ink.shape, 4), random.integers(225, 256), np.uint8)
    colour[ink == 0, :3] = random.choice([0, 255])  # what nobody sees
    colour[..., 3] = 255 * ink.clip(0, 1)
    return Image.fromarray(colour), "PNG", {}


def _framed(grey: np.ndarray, random: Random) -> np.ndarray:
    # As a scanner leaves it: black around the sheet, of another width on each side.
    top, bottom, left, right = (int(n) for n in random.integers(6, 32, 4))
    framed = np.pad(grey, ((top, bottom), (left, right)), constant_values=random.uniform(0, 0.2))
    return framed + 0.01 * random.standard_normal(framed.shape)


def dark_frame(digit: np.ndarray, random: Random) -> Photo:
    return jpeg(_framed(on_paper(somewhere(digit, random), random), random))


def dark_table(digit: np.ndarray, random: Random) -> Photo:
    """A sheet that lies turned on a table of wood."""
    sheet = on_paper(somewhere(digit, random), random)
    shape = (440, 520)
    angle = random.uniform(-8, 8)
    top, left = (
        int(random.integers(40, length - side - 40))
        for length, side in zip(shape, sheet.shape, strict=True)
    )
    cover = placed(np.ones(sheet.shape, np.float32), shape, top, left)
    page = placed(sheet.astype(np.float32), shape, top, left)
    # The digit stays upright in the camera, so it is the sheet's edges that are turned.
    cover = ndimage.rotate(cover, angle, reshape=False, order=1) * (cover > 0)
    y, x = np.mgrid[: shape[0], : shape[1]]
    grain = 0.04 * np.sin(y / random.uniform(3, 8) + 2 * np.sin(x / 90))
    table = random.uniform(0.15, 0.4) + grain + 0.02 * random.standard_normal(shape)
    return jpeg(table * (1 - cover) + page * cover)


def _pen(ink: np.ndarray, random: Random) -> int:
    # Lines of a form are about as wide as a pen's, or thinner.
    return int(random.integers(2, 8))


def underlined(digit: np.ndarray, random: Random) -> Photo:
    shape = (280, 320)
    ink = large(digit, int(random.integers(130, 190)))
    height, width = ink.shape
    top, left = int(random.integers(20, 260 - height - 30)), int(random.integers(60, 250 - width))
    gap = int(random.integers(-4, 20))  # below nothing the line touches the digit
    tilt = random.uniform(-0.05, 0.05)
    reach = int(max(width, 0.5 * height) * random.uniform(0.12, 0.4))
    middle, half = left + width / 2, width / 2 + reach
    y = top + height + gap
    line = ((middle - half, y - tilt * half), (middle + half, y + tilt * half))
    page = placed(ink, shape, top, left)
    both = np.maximum(page, drawn(shape, [line], _pen(ink, random)))
    return jpeg(on_paper(both, random))


def in_a_cell(digit: np.ndarray, random: Random) -> Photo:
    """One box of a form with paper around it; every third digit touches the box or crosses it."""
    shape = (300, 340)
    ink = large(digit, int(random.integers(120, 170)))
    height, width = ink.shape
    room = [int(n) for n in random.integers(8, 40, 4)]
    if random.random() < 1 / 3:
        room[int(random.integers(4))] = int(random.integers(-8, 1))
    top, left = (length // 2 - side // 2 for length, side in zip(shape, ink.shape, strict=True))
    y0, y1, x0, x1 = top - room[0], top + height + room[1], left - room[2], left + width + room[3]
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    box = drawn(shape, zip(corners, corners[1:] + corners[:1], strict=True), _pen(ink, random))
    box = ndimage.rotate(box, random.uniform(-2, 2), reshape=False, order=1)
    both = np.maximum(placed(ink, shape, top, left), box * random.uniform(0.6, 1))
    return jpeg(on_paper(both, random))


def in_a_grid(digit: np.ndarray, random: Random) -> Photo:
    """A cell of a table whose lines run out of the picture."""
    shape = (300, 340)
    ink = large(digit, int(random.integers(120, 170)))
    height, width = ink.shape
    room = [int(n) for n in random.integers(6, 40, 4)]
    if random.random() < 1 / 3:
        room[int(random.integers(4))] = int(random.integers(-8, 1))
    top, left = (length // 2 - side // 2 for length, side in zip(shape, ink.shape, strict=True))
    rows = (top - room[0], top + height + room[1])
    columns = (left - room[2], left + width + room[3])
    lines = [((-20, y), (shape[1] + 20, y)) for y in rows]
    lines += [((x, -20), (x, shape[0] + 20)) for x in columns]
    grid = drawn(shape, lines, _pen(ink, random))
    grid = ndimage.rotate(grid, random.uniform(-2, 2), reshape=False, order=1, mode="nearest")
    both = np.maximum(placed(ink, shape, top, left), grid * random.uniform(0.6, 1))
    return jpeg(on_paper(both, random))


def on_ruled_paper(digit: np.ndarray, random: Random) -> Photo:
    """Written across the pale lines of a notebook."""
    page = somewhere(digit, random)
    step, first = int(random.integers(45, 90)), int(random.integers(10, 45))
    lines = [((-5, y), (page.shape[1] + 5, y)) for y in range(first, page.shape[0], step)]
    ruling = drawn(page.shape, lines, int(random.integers(1, 4))) * random.uniform(0.3, 0.7)
    return jpeg(on_paper(np.maximum(page, ruling), random))


def cropped(digit: np.ndarray, random: Random) -> Photo:
    """With next to no paper around it, so that strokes run from edge to edge."""
    ink = large(digit, int(random.integers(130, 200)))
    margin = int(random.integers(2, 8))
    return jpeg(on_paper(np.pad(ink, margin), random))


def two_digits(digit: np.ndarray, second: np.ndarray, random: Random) -> Photo:
    """Two digits side by side, of about one size; the second stands a little higher or lower."""
    inks = [large(each, int(random.integers(110, 140))) for each in (digit, second)]
    gap = int(random.integers(30, 60))
    page = np.zeros((260, 360), np.float32)
    left = int(random.integers(12, 30))
    for ink in inks:
        top = 70 + int(random.integers(-15, 16))
        page[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
        left += ink.shape[1] + gap
    return jpeg(on_paper(page, random))


KINDS: dict[str, Callable[[np.ndarray, Random], Photo]] = {
    "plain": plain,
    "blackboard": blackboard,
    "turned, in 16 bits": turned_in_16_bits,
    "white on nothing": white_on_nothing,
    "dark frame": dark_frame,
    "dark table": dark_table,
    "underlined": underlined,
    "in a cell": in_a_cell,
    "in a grid": in_a_grid,
    "on ruled paper": on_ruled_paper,
    "cropped": cropped,
}
