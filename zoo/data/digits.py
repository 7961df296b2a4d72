"""The parts of a picture's ink that make a digit: which are its strokes, and which are not.

Specks, lines and what sticks out of the picture are left out; strokes near each other are one
digit, and groups of them that stand apart are several.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from zoo.data.ink import EIGHT_NEIGHBOURS, Ink, threshold
from zoo.data.ruling import without_lines
from zoo.errors import DataError

Box = tuple[int, int, int, int]

_FAINT = 0.02  # of the way to full ink: less is none, even at the edge of a stroke
# Ink nearer to the paper than this, or than 3.5 times the paper's noise, makes no digit.
_FAINTEST = 0.1
_SMALLEST = 5  # pixels: what is neither as high nor as wide is no digit
# Parts with less than this share of the largest part's pixels are specks: the bar of a 5 has more.
_SPECK = 0.05
# A group of strokes is a digit of its own if it is at least so high, as a share of the highest,
# and at least so far from the next, as a share of its own height.
_AS_HIGH = 0.5
_APART = 0.2
# Every stroke is compared with every other, and every digit has a mask of the picture's size.
_MOST_STROKES = 256
_MOST_DIGITS = 64


@dataclass(frozen=True)
class Part:
    """The ink of one digit, cropped, float32 [rows, columns], its strokes 1; and where it was.

    `box` is left, top, right and bottom in pixels of the grey picture, the last two exclusive.
    """

    ink: np.ndarray
    box: Box


def digit_parts(ink: Ink) -> list[Part]:
    """The digits in a picture's ink, by rows and from left to right; empty where there is none.

    Raises DataError, to be read after the picture's name, where there are too many.
    """
    mask = ink.blurred > threshold(ink.blurred)
    mask = _without_specks(without_lines(mask))
    if not mask.any():
        return []
    if np.percentile(ink.blurred[mask], 90) < max(_FAINTEST, 3.5 * ink.noise):
        return []
    return [_cut_out(ink, group) for group in _in_reading_order(_groups(mask))]


def _cut_out(ink: Ink, mask: np.ndarray) -> Part:
    full = np.percentile(ink.amount[mask], 95)
    # Strokes are soft at their edges: the faint pixels beside them are theirs.
    beside = ndimage.binary_dilation(mask, EIGHT_NEIGHBOURS)
    mask = mask | beside & (ink.amount > max(_FAINT, 3 * ink.noise))
    digit = np.where(mask, ink.amount / full, 0).clip(0, 1)
    rows, columns = (np.flatnonzero((digit > _FAINT).any(axis=axis)) for axis in (1, 0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    x, y = ink.left, ink.top
    box = (int(left) + x, int(top) + y, int(right) + x, int(bottom) + y)
    return Part(digit[top:bottom, left:right], box)


def _without_specks(mask: np.ndarray) -> np.ndarray:
    """The largest part, and those that are not far smaller; nothing where none is digit-sized.

    Parts that touch the edge of the picture (the table, a finger, a neighbour) are left out where
    there is another of some size.
    """
    parts, count = ndimage.label(mask, EIGHT_NEIGHBOURS)
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


def _groups(mask: np.ndarray) -> list[np.ndarray]:
    """The parts of a mask, those together that make one digit: bool [rows, columns] each."""
    parts, count = ndimage.label(mask, EIGHT_NEIGHBOURS)
    if count > _MOST_STROKES:
        raise DataError(
            f"shows {count:,} separate strokes, more than {_MOST_STROKES}: crop it to the digits."
        )
    boxes = ndimage.find_objects(parts)
    group = list(range(count))
    for one in range(count):
        for other in range(one):
            if _belong_together(boxes[one], boxes[other]):
                old, new = group[one], group[other]
                group = [new if number == old else number for number in group]
    members = [[n for n in range(count) if group[n] == g] for g in set(group)]
    heights = [
        max(boxes[n][0].stop for n in those) - min(boxes[n][0].start for n in those)
        for those in members
    ]
    digits = [
        those
        for those, height in zip(members, heights, strict=True)
        if height >= _AS_HIGH * max(heights)
    ]
    if len(digits) == 1:
        return [mask]  # a stroke that is far off, and no second digit
    if len(digits) > _MOST_DIGITS:
        raise DataError(
            f"shows {len(digits)} digits, more than {_MOST_DIGITS}: crop it to some of them."
        )
    return [np.isin(parts, [1 + n for n in those]) for those in digits]


def _belong_together(one: tuple[slice, slice], other: tuple[slice, slice]) -> bool:
    """Whether two boxes are near enough, for their sizes, to be strokes of one digit."""
    heights = [box[0].stop - box[0].start for box in (one, other)]
    above, beside = (
        max(a.start, b.start) - min(a.stop, b.stop) for a, b in zip(one, other, strict=True)
    )
    if min(heights) < _AS_HIGH * max(heights):
        return max(above, beside) <= 0.5 * max(heights)
    return max(above, beside) <= _APART * min(heights)


def _in_reading_order(groups: list[np.ndarray]) -> list[np.ndarray]:
    """Groups by rows, from left to right; those belong to one row whose middles are level."""
    boxes = [ndimage.find_objects(group.astype(int))[0] for group in groups]
    middles = [(box[0].start + box[0].stop) / 2 for box in boxes]
    tallest = max(box[0].stop - box[0].start for box in boxes)
    rows: list[list[int]] = []
    for number in sorted(range(len(groups)), key=lambda each: middles[each]):
        if rows and middles[number] - middles[rows[-1][-1]] < tallest / 2:
            rows[-1].append(number)
        else:
            rows.append([number])
    order = [n for row in rows for n in sorted(row, key=lambda each: boxes[each][1].start)]
    return [groups[number] for number in order]
