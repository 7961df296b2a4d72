"""Straight lines in a mask of ink: what is long, thin and nearly level or plumb, fitted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from zoo.data.ink import EIGHT_NEIGHBOURS

_SLOPES = np.linspace(-0.12, 0.12, 17)  # up to seven degrees off the level or the plumb line
_SHORTEST = 0.3  # of the ink's longer side
_THICKEST = 0.15  # of its own length
GAP = 5  # pixels of the scaled mask: what is missing in a line, and how near lines must be to meet


@dataclass(frozen=True)
class Line:
    """A straight line of ink, across if `level`, else upright (rows and columns change places).

    It runs from `start` to `end`, at `offset + slope * place`, and is `width` thick; all in pixels.
    """

    level: bool
    start: float
    end: float
    offset: float
    slope: float
    width: float

    @property
    def length(self) -> float:
        """Pixels from its start to its end."""
        return self.end - self.start + 1

    @property
    def middle(self) -> float:
        """Its offset half way along it."""
        return self.offset + self.slope * (self.start + self.end) / 2

    def band(self, shape: tuple[int, int], spare: float) -> np.ndarray:
        """The pixels of the line, and some more on each side of it and at its ends.

        Args:
            shape: Rows and columns of the mask.
            spare: Pixels more.

        Returns:
            True on the line, [rows, columns].
        """
        if not self.level:
            shape = shape[::-1]
        across, along = np.mgrid[: shape[0], : shape[1]]
        off = np.abs(across - self.offset - self.slope * along)
        within = (along >= self.start - spare) & (along <= self.end + spare)
        band = within & (off <= self.width / 2 + spare)
        return band if self.level else band.T


def find_lines(mask: np.ndarray) -> list[Line]:
    """The straight lines of a mask that are nearly level or plumb, longest first."""
    boxes = ndimage.find_objects(mask.astype(int))
    shortest = max(12, round(_SHORTEST * max(side.stop - side.start for side in boxes[0])))
    lines = []
    for level in (True, False):
        turned = mask if level else mask.T
        straight = _straight(turned, shortest)
        parts, _ = ndimage.label(straight, EIGHT_NEIGHBOURS)
        for number, box in enumerate(ndimage.find_objects(parts), start=1):
            rows, columns = np.nonzero(parts[box] == number)
            line = _fitted(rows + box[0].start, columns + box[1].start, level)
            if line and line.length >= shortest:
                lines.append(line)
    return sorted(lines, key=lambda line: -line.length)


def _straight(mask: np.ndarray, length: int) -> np.ndarray:
    """What of a mask lies on nearly level runs of some length."""
    height, width = mask.shape
    columns = np.arange(width)
    # Slanted lines are stairs, and the pixel above or below makes a run of them.
    thick = ndimage.maximum_filter1d(mask.astype(np.uint8), 3, axis=0)
    pad = int(np.ceil(np.abs(_SLOPES).max() * width)) + 1
    thick = np.pad(thick, ((pad, pad), (0, 0)))
    straight = np.zeros(mask.shape, bool)
    for slope in _SLOPES:
        rows = np.arange(height)[:, None] + pad + np.rint(slope * (columns - width / 2)).astype(int)
        runs = ndimage.maximum_filter1d(thick[rows, columns], GAP, axis=1)
        runs = ndimage.minimum_filter1d(runs, length + GAP - 1, axis=1, mode="constant", cval=1)
        runs = ndimage.maximum_filter1d(runs, length, axis=1)
        if runs.any():
            back = np.zeros(thick.shape, bool)
            back[rows, columns] = runs
            straight |= back[pad : pad + height]
    return straight & mask


def _fitted(rows: np.ndarray, columns: np.ndarray, level: bool) -> Line | None:
    """The line through pixels, or None where they are too thick or too crooked for one."""
    if np.ptp(columns) < 5:
        return None
    start, end = int(columns.min()), int(columns.max())
    counts = np.bincount(columns - start)
    counts_seen = counts[counts > 0]
    # Where a stroke crosses or runs along the line there are more pixels than its own.
    width = float(np.percentile(counts_seen, 25))
    usual = counts[columns - start] <= 1.5 * width
    slope, offset = np.polyfit(columns[usual], rows[usual], 1)
    off = np.abs(rows[usual] - offset - slope * columns[usual])
    if np.median(counts_seen) > _THICKEST * (end - start + 1):
        return None
    if np.percentile(off, 90) > width / 2 + 2:
        return None
    return Line(level, start, end, float(offset), float(slope), width)


def shrunk(mask: np.ndarray, step: int) -> np.ndarray:
    """The mask with blocks of `step` pixels made one, ink if any of them is.

    Args:
        mask: True where there is ink, [rows, columns].
        step: The side of a block, from 1 up; blocks at the right and at the bottom may be smaller.
    """
    height, width = (-(-length // step) for length in mask.shape)
    padded = np.zeros((height * step, width * step), bool)
    padded[: mask.shape[0], : mask.shape[1]] = mask
    return padded.reshape(height, step, width, step).max(axis=(1, 3))


def enlarged(line: Line, step: int) -> Line:
    """A line that was found in a mask that `shrunk` made, in the pixels of the mask before.

    Args:
        line: The line, in pixels of the shrunk mask.
        step: The side of the blocks.
    """
    middle = (step - 1) / 2
    offset = step * line.offset + middle * (1 - line.slope)
    start, end = step * line.start, step * line.end + step - 1
    return Line(line.level, start, end, offset, line.slope, step * line.width)
