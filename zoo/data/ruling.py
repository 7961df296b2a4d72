"""Straight lines that are not the digit's: underlines, the boxes of a form, ruled paper.

A line is foreign by its place, not by its look: it runs across the whole picture, is a side of a
box around all else, or lies under everything else. Strokes of a digit do so too, but end where the
digit does; what is foreign goes on beyond it, or does not touch it. Where nothing of a digit's size
is left without them, the lines are the digit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from zoo.data.ink import EIGHT_NEIGHBOURS, smallest_rectangle
from zoo.data.lines import GAP, Line, enlarged, find_lines, shrunk

# Lines are sought in a mask that is scaled down to at most this, and none in smaller pictures.
_SIDE = 240
_LEAST_SIDE = 64
# What runs out of the picture reaches its last pixels; a digit that is cropped close does not.
_RIM = 1


def without_lines(mask: np.ndarray) -> np.ndarray:
    """The ink, bool [rows, columns], without lines that are not the digit's.

    Where a stroke crosses such a line, the crossing stays.
    """
    if max(mask.shape) < _LEAST_SIDE or not mask.any():
        return mask
    inside = _out_of_box(mask)
    if inside is not None:
        return inside
    step = -(-max(mask.shape) // _SIDE)
    small = shrunk(mask, step)
    foreign = _foreign(small, find_lines(small))
    return _erased(mask, [enlarged(line, step) for line in foreign])


def _out_of_box(mask: np.ndarray) -> np.ndarray | None:
    """What is in a rectangle that touches nothing in it, if that is of a digit's size; or None."""
    parts, _ = ndimage.label(mask, EIGHT_NEIGHBOURS)
    boxes = ndimage.find_objects(parts)
    lengths = [max(side.stop - side.start for side in box) for box in boxes]
    for number, (box, length) in enumerate(zip(boxes, lengths, strict=True), start=1):
        if length < max(mask.shape) / 6:
            continue
        whole = ndimage.binary_fill_holes(parts[box] == number)
        # An empty 0 is not so rectangular, and has no other part in it.
        edge = whole & ~ndimage.binary_erosion(whole, border_value=0)
        within = [n for n in np.unique(parts[box][whole]) if n and n != number]
        if max(
            (lengths[n - 1] for n in within), default=0
        ) >= 0.25 * length and whole.sum() >= 0.86 * smallest_rectangle(np.argwhere(edge)):
            inside = np.zeros_like(mask)
            inside[box] = whole & (parts[box] != number)
            return mask & inside
    return None


def _foreign(mask: np.ndarray, lines: Sequence[Line]) -> list[Line]:
    crossing = [line for line in lines if _crosses(line, mask.shape)]
    chosen = [line for line in crossing if not _is_stroke_of_crop(line, crossing, mask)]
    chosen += [line for line in _boxes(lines, mask) if line not in chosen]
    rest = _erased(mask, chosen)
    if chosen and not _is_digit(rest, chosen, mask.shape):
        chosen, rest = [], mask
    under = [line for line in lines if line not in chosen and _is_under(line, rest)]
    return chosen + under[:1]


def _is_digit(rest: np.ndarray, lines: Sequence[Line], shape: tuple[int, int]) -> bool:
    """Whether what is left without lines is a digit, and they are not strokes of one.

    Strokes run from edge to edge too in a picture that is cropped to its digit, but they are not
    half as long again as the rest.
    """
    box = _main_box(rest)
    if box is None or _extent(rest) < 0.2 * max(line.length for line in lines):
        return False
    height, width = (side.stop - side.start for side in box)
    return all(
        line.length >= 1.4 * (width if line.level else height)
        for line in lines
        if _crosses(line, shape)
    )


def _crosses(line: Line, shape: tuple[int, int]) -> bool:
    """Whether a line runs from one end of the picture to the other, as on ruled paper."""
    longest = shape[1] if line.level else shape[0]
    return line.start <= _RIM and line.end >= longest - 1 - _RIM


def _is_stroke_of_crop(line: Line, crossing: Sequence[Line], mask: np.ndarray) -> bool:
    """Whether a line that crosses the picture does so because that is cropped to the digit.

    It is the only one of its direction then, and with the rest of the ink it fills the picture.
    """
    box = _main_box(_erased(mask, crossing))
    if box is None or sum(line.level == other.level for other in crossing) > 1:
        return False
    across, longest = (box[0], mask.shape[0]) if line.level else (box[1], mask.shape[1])
    places = [line.offset + line.slope * place for place in (line.start, line.end)]
    first = min(across.start, *places) - line.width / 2
    last = max(across.stop - 1, *places) + line.width / 2
    return first <= GAP and last >= longest - 1 - GAP


def _boxes(lines: Sequence[Line], mask: np.ndarray) -> list[Line]:
    """The sides of boxes: of lines that meet, the outermost, if three of them are as long as all.

    A box may be open on one side, or run out of the picture. Its sides go on beyond what is in it,
    which those of an angular 0 do not, nor the arcs of a 3; a 4 has no second upright so long.
    """
    if len(lines) < 3:
        return []
    bands = [line.band(mask.shape, GAP) for line in lines]
    parts, _ = ndimage.label(np.any(bands, axis=0), EIGHT_NEIGHBOURS)
    sides = []
    for number in {parts[band].max() for band in bands}:
        group = [
            line for line, band in zip(lines, bands, strict=True) if parts[band].max() == number
        ]
        outer = [line for line in group if _is_outer(line, parts == number, mask.shape)]
        inside = _main_box(_erased(mask, outer))
        outer = [line for line in outer if inside and _goes_beyond(line, inside)]
        across = sum(line.level for line in outer)
        if len(outer) >= 3 and 1 <= across < len(outer):
            sides += outer
    return sides


def _goes_beyond(line: Line, box: tuple[slice, slice]) -> bool:
    """Whether a line goes on beyond a box at one end, and at the other hardly ends within it."""
    along = box[1] if line.level else box[0]
    length = along.stop - along.start
    before, behind = along.start - line.start, line.end - (along.stop - 1)
    return max(before, behind) >= max(2, 0.03 * length) and min(before, behind) >= -0.15 * length


def _is_outer(line: Line, part: np.ndarray, shape: tuple[int, int]) -> bool:
    box = ndimage.find_objects(part.astype(int))[0]
    along, across = (box[1], box[0]) if line.level else box
    reach = (along.stop - along.start - 2 * GAP, across.stop - across.start - 2 * GAP)
    near = min(line.middle - across.start, across.stop - 1 - line.middle) - GAP
    if line.length >= 0.9 * reach[0]:
        return near <= 0.2 * reach[1]
    return line.length >= 0.6 * reach[0] and near <= 0.1 * reach[1]


def _is_under(line: Line, mask: np.ndarray) -> bool:
    """Whether a line lies below all other ink, and is no base of a 2."""
    rest = _erased(mask, [line])
    box = _main_box(rest)
    if not line.level or box is None:
        return False
    height, width = (side.stop - side.start for side in box)
    if height < 0.3 * line.length or line.length < 0.35 * width:
        return False
    if line.middle < box[0].stop - 1 - max(2, 0.08 * height):
        return False
    parts, _ = ndimage.label(mask, EIGHT_NEIGHBOURS)
    band = line.band(mask.shape, 0) & mask
    digit = np.bincount(parts[rest & ~line.band(mask.shape, 2)].ravel(), minlength=2)[1:].argmax()
    if not (parts[band] == 1 + digit).any():
        return True
    # They touch: the base of a 2 begins where the 2 does, an underline before it.
    spare = max(2, 0.06 * max(height, width))
    return line.start <= box[1].start - spare and line.end >= box[1].stop - 1 + spare


# --- without them ---------------------------------------------------------------------------------


def _erased(mask: np.ndarray, lines: Sequence[Line]) -> np.ndarray:
    """The mask without some lines; where a stroke goes on at both sides of one, it stays."""
    if not lines:
        return mask
    bands = [line.band(mask.shape, 1.5) for line in lines]
    bare = mask & ~np.any(bands, axis=0)
    kept = bare.copy()
    for line, band in zip(lines, bands, strict=True):
        crossing = _crossing(bare if line.level else bare.T, line)
        kept |= mask & (band & crossing if line.level else band & crossing[:, None])
    return kept


def _crossing(bare: np.ndarray, line: Line) -> np.ndarray:
    """At which places along a level line there is ink on both its sides."""
    along = np.arange(bare.shape[1])
    centre = line.offset + line.slope * along
    sides = []
    for sign in (-1, 1):
        beyond = np.rint(centre + sign * (line.width / 2 + 3)).astype(int)
        there = (beyond >= 0) & (beyond < len(bare)) & (along >= line.start) & (along <= line.end)
        side = np.zeros(len(along), bool)
        side[there] = bare[beyond[there], along[there]]
        # A slanting stroke comes out a little further on than it went in.
        sides.append(ndimage.binary_dilation(side, iterations=max(1, round(line.width))))
    return sides[0] & sides[1]


def _main_box(mask: np.ndarray) -> tuple[slice, slice] | None:
    """The box around the largest part and those that are not far smaller."""
    parts, count = ndimage.label(mask, EIGHT_NEIGHBOURS)
    if not count:
        return None
    sizes = np.bincount(parts.ravel())[1:]
    kept = np.isin(parts, 1 + np.flatnonzero(sizes >= 0.15 * sizes.max()))
    return ndimage.find_objects(kept.astype(int))[0]


def _extent(mask: np.ndarray) -> int:
    box = _main_box(mask)
    return 0 if box is None else max(side.stop - side.start for side in box)
