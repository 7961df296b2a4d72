"""Handwriting for the tests of the page: each digit as strokes, lists of points in 0..1."""

from __future__ import annotations

import math

Stroke = list[tuple[float, float]]


def arc(x: float, y: float, width: float, height: float, start: float, end: float) -> Stroke:
    """Points of an ellipse about (x, y), from angle to angle: degrees, clockwise from the right."""
    angles = [math.radians(start + (end - start) * step / 24) for step in range(25)]
    return [(x + width * math.cos(a), y + height * math.sin(a)) for a in angles]


DIGITS: dict[int, list[Stroke]] = {
    0: [arc(0.5, 0.5, 0.27, 0.4, -90, 270)],
    1: [[(0.38, 0.25), (0.54, 0.1), (0.52, 0.9)]],
    2: [[*arc(0.5, 0.32, 0.24, 0.21, -170, 35), (0.3, 0.86), (0.8, 0.84)]],
    3: [[*arc(0.47, 0.3, 0.23, 0.2, -150, 90), *arc(0.47, 0.7, 0.27, 0.21, -90, 150)]],
    4: [[(0.34, 0.12), (0.26, 0.52), (0.78, 0.5)], [(0.68, 0.14), (0.64, 0.9)]],
    5: [
        [(0.36, 0.14), (0.33, 0.47), *arc(0.47, 0.66, 0.25, 0.22, -115, 140)],
        [(0.36, 0.14), (0.76, 0.12)],
    ],
    6: [[(0.62, 0.1), (0.4, 0.36), (0.3, 0.62), *arc(0.5, 0.68, 0.2, 0.2, 180, -180)]],
    7: [[(0.24, 0.16), (0.78, 0.14), (0.44, 0.9)]],
    8: [[*arc(0.5, 0.3, 0.18, 0.18, 90, -270), *arc(0.5, 0.69, 0.22, 0.2, -90, 270)]],
    9: [[*arc(0.48, 0.34, 0.2, 0.2, 0, -360), (0.68, 0.34), (0.64, 0.62), (0.56, 0.9)]],
}  # fmt: skip

# Turned or mirrored, this hook is another.
HOOK: list[Stroke] = [[(0.3, 0.15), (0.3, 0.85), (0.75, 0.85)]]


def turned(strokes: list[Stroke], quarters: int) -> list[Stroke]:
    """The strokes after so many quarter turns against the clock, as `numpy.rot90` turns."""
    for _ in range(quarters):
        strokes = [[(y, 1 - x) for x, y in stroke] for stroke in strokes]
    return strokes
