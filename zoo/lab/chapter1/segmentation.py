"""Strings of digits cut into single ones, where the classifier of single digits is surest.

From the section 'A simple network to classify handwritten digits': a trial segmentation gets a high
score if the classifier is confident in all segments, and a low one if it is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.ndimage import center_of_mass

if TYPE_CHECKING:
    import keras

SIDE = 28
INK = 32  # bytes from here on are ink; fainter ones are the rim of a stroke
NARROWEST, WIDEST = 2, 24  # columns of a segment that is tried
Segment = tuple[int, int]


class Reading(NamedTuple):
    """Digits, the columns [start, end) each was read from, and how sure the classifier is of it."""

    digits: tuple[int, ...]
    segments: tuple[Segment, ...]
    confidence: tuple[float, ...]


def string_of(images: Sequence[np.ndarray], gap: int) -> tuple[np.ndarray, list[Segment]]:
    """Digits side by side, `gap` columns apart, and where each of them lies.

    Images are [28, 28] bytes; a gap of 0 lets them touch, a negative one lets them overlap.
    """
    inked = [np.flatnonzero((image > INK).any(axis=0)) for image in images]
    cropped = [image[:, ink[0] : ink[-1] + 1] for image, ink in zip(images, inked, strict=True)]
    starts = np.cumsum([2, *(each.shape[1] + gap for each in cropped[:-1])])
    segments = [
        (int(start), int(start) + each.shape[1])
        for start, each in zip(starts, cropped, strict=True)
    ]
    canvas = np.zeros((SIDE, segments[-1][1] + 2), np.uint8)
    for (start, end), each in zip(segments, cropped, strict=True):
        canvas[:, start:end] = np.maximum(canvas[:, start:end], each)
    return canvas, segments


def trial_cuts(canvas: np.ndarray) -> list[int]:
    """Columns before which the string may be cut: where there is least ink, and at both ends.

    Of a run of empty columns one is enough, since segments are centred afterwards.
    """
    ink = np.where(canvas > INK, canvas, 0).sum(axis=0, dtype=int)
    inked = np.flatnonzero(ink)
    first, end = int(inked[0]), int(inked[-1]) + 1
    inner = [
        x
        for x in range(first + 1, end)
        if ink[x] == ink[max(0, x - 2) : x + 2].min() and not ink[x - 1] == ink[x] == 0
    ]
    return [first, *inner, end]


def centred(piece: np.ndarray) -> np.ndarray:
    """A piece of a string as the classifier wants it: its centre of mass in the middle of 28x28."""
    if not piece.any():
        return np.zeros((SIDE, SIDE), np.uint8)
    row, column = center_of_mass(piece)
    top, left = round(SIDE / 2 - 0.5 - row), round(SIDE / 2 - 0.5 - column)
    framed = np.pad(piece, SIDE)
    return framed[SIDE - top : 2 * SIDE - top, SIDE - left : 2 * SIDE - left]


def trial_segments(cuts: Sequence[int]) -> list[Segment]:
    """All segments between two cuts that are as wide as a digit can be."""
    return [
        (start, end)
        for number, start in enumerate(cuts)
        for end in cuts[number + 1 :]
        if NARROWEST <= end - start <= WIDEST
    ]


def surest(cuts: Sequence[int], segments: Sequence[Segment], outputs: np.ndarray) -> Reading:
    """The segmentation whose confidences have the largest product, and what it reads.

    `outputs` [segments, 10] are the classifier's. The best way to each cut is the best way to an
    earlier one, and one segment more. No digits, where no segments lead from end to end.
    """
    best: dict[int, tuple[float, tuple[int, ...]]] = {cuts[0]: (0.0, ())}
    logs = np.log(np.maximum(outputs.max(axis=1), 1e-30))
    for number in np.lexsort(np.transpose(segments)[::-1]):
        start, end = segments[number]
        if start in best:
            score = best[start][0] + logs[number]
            if end not in best or score > best[end][0]:
                best[end] = (score, (*best[start][1], int(number)))
    chosen = best.get(cuts[-1], (0.0, ()))[1]
    return _reading([segments[number] for number in chosen], outputs[list(chosen)])


def _reading(segments: Sequence[Segment], outputs: np.ndarray) -> Reading:
    digits = tuple(int(digit) for digit in outputs.argmax(axis=1)) if len(segments) else ()
    confidence = tuple(float(row.max()) for row in outputs)
    return Reading(digits, tuple(segments), confidence)


def _answers(
    model: keras.Model, strings: Sequence[np.ndarray], segments: Sequence[Sequence[Segment]]
) -> list[np.ndarray]:
    """The classifier's outputs for the segments of each string, all of them asked at once."""
    pieces = [
        centred(canvas[:, start:end])
        for canvas, each in zip(strings, segments, strict=True)
        for start, end in each
    ]
    outputs = model.predict(np.array(pieces)[..., None], batch_size=1000, verbose=0)
    return np.split(outputs, np.cumsum([len(each) for each in segments])[:-1])


def read_by_trial(model: keras.Model, strings: Sequence[np.ndarray]) -> list[Reading]:
    """Each string as the surest of all trial segmentations reads it."""
    cuts = [trial_cuts(canvas) for canvas in strings]
    segments = [trial_segments(each) for each in cuts]
    answers = _answers(model, strings, segments)
    return [surest(*each) for each in zip(cuts, segments, answers, strict=True)]


def read_segments(
    model: keras.Model, strings: Sequence[np.ndarray], segments: Sequence[Sequence[Segment]]
) -> list[Reading]:
    """Each string as it is read when its segments are known."""
    answers = _answers(model, strings, segments)
    return [_reading(each, outputs) for each, outputs in zip(segments, answers, strict=True)]


def between_blanks(canvas: np.ndarray) -> list[Segment]:
    """The segments that empty columns leave: what one does who has no classifier."""
    inked = np.concatenate([[False], (canvas > INK).any(axis=0), [False]])
    edges = np.flatnonzero(np.diff(inked.astype(int)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]
