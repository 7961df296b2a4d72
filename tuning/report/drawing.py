"""Drawing in SVG: a frame with two axes, and what stands in it; all text is escaped here."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from tuning.report.scales import Scale

# Of a chart, in its own units, and the room around its frame for ticks and labels.
WIDTH, HEIGHT = 390, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 48

LONGEST = 16

Point = tuple[float, float]


def svg(name: str, parts: Iterable[str], width: float = WIDTH, height: float = HEIGHT) -> str:
    """A picture with a name for those who cannot see it.

    Args:
        name: Of the picture; it is escaped.
        parts: Elements of SVG, which are not.
        width: Of the picture, in its own units.
        height: Likewise.
    """
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escaped(name)}">'
        f"{''.join(parts)}</svg>"
    )


def framed(name: str, x: Scale, y: Scale, inside: Iterable[str]) -> str:
    """A chart: axes with grid, ticks and labels, and in front of them what is inside.

    Args:
        name: What the picture shows.
        x: The scale from left to right.
        y: The scale from the bottom up.
        inside: Elements of SVG, whose points are those of `at`.
    """
    bottom = HEIGHT - BOTTOM
    parts = [_tick_of_x(*tick) for tick in x.ticks] + [_tick_of_y(*tick) for tick in y.ticks]
    parts += [
        f'<path class="frame" d="M{LEFT} {TOP}V{bottom}H{WIDTH - RIGHT}"/>',
        text(x.label, ((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8), "label"),
        f'<g transform="translate(14 {(TOP + bottom) / 2:g}) rotate(-90)">'
        f"{text(y.label, (0, 0), 'label')}</g>",
    ]
    return svg(name, [*parts, *inside])


def at(x: float, y: float) -> Point:
    """The point of a frame at two places.

    Args:
        x: From 0, left, to 1, right.
        y: From 0, at the bottom, to 1, at the top.
    """
    return (
        LEFT + x * (WIDTH - LEFT - RIGHT),
        HEIGHT - BOTTOM - y * (HEIGHT - BOTTOM - TOP),
    )


def text(label: str, point: Point, kind: str = "") -> str:
    """Words at a point, cut where they are long; a hover tells the whole.

    Args:
        label: The words; they are escaped.
        point: In the picture's units; the style says which end of the words stands there.
        kind: The class in the style; one that begins with 'label' is never cut.
    """
    short = len(label) <= LONGEST or kind.startswith("label")
    cut = label if short else f"{label[: LONGEST - 1]}…"
    whole = "" if short else f"<title>{escaped(label)}</title>"
    return (
        f'<text class="{kind}" x="{point[0]:.1f}" y="{point[1]:.1f}">{whole}{escaped(cut)}</text>'
    )


def polyline(points: Sequence[Point], kind: str, hover: str = "", trial: int | None = None) -> str:
    """A line through points; of one point a short dash, so that it is seen.

    Args:
        points: In the picture's units, in order.
        kind: The class in the style.
        hover: What a hover tells; empty for nothing.
        trial: The number of the trial that it shows; None where it is of several.
    """
    if len(points) == 1:
        (x, y) = points[0]
        points = [(x - 3, y), (x + 3, y)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="{kind}"{_of(trial)} points="{path}">{_hover(hover)}</polyline>'


def mark(point: Point, kind: str, hover: str, trial: int) -> str:
    """One trial: a cross or a circle.

    Args:
        point: In the picture's units.
        kind: The class in the style; 'cross' draws a cross, and with 'best' in it the circle is
            larger.
        hover: What a hover tells.
        trial: The trial's number.
    """
    x, y = point
    if kind == "cross":
        path = f"M{x - 4:.1f} {y - 4:.1f}l8 8m0-8l-8 8"
        return f'<path class="cross"{_of(trial)} d="{path}">{_hover(hover)}</path>'
    radius = 6 if "best" in kind else 4.5
    return (
        f'<circle class="{kind}"{_of(trial)} cx="{x:.1f}" cy="{y:.1f}" r="{radius}">'
        f"{_hover(hover)}</circle>"
    )


def bar(y: float, x: Sequence[float], hover: str) -> str:
    """A level bar.

    Args:
        y: The height of its middle, in the picture's units.
        x: Its two ends, in either order.
        hover: What a hover tells.
    """
    low, high = min(x), max(x)
    return (
        f'<rect class="bar" x="{low:.1f}" y="{y - 8:.1f}" width="{max(high - low, 1):.1f}" '
        f'height="16">{_hover(hover)}</rect>'
    )


def escaped(label: object) -> str:
    """Text that stays text within HTML and its attributes."""
    return html.escape(str(label))


def _hover(label: str) -> str:
    return f"<title>{escaped(label)}</title>" if label else ""


def _of(trial: int | None) -> str:
    return "" if trial is None else f' data-trial="{trial}"'


def _tick_of_x(place: float, label: str) -> str:
    x, bottom = at(place, 0)
    line = f'<path class="grid" d="M{x:.1f} {TOP}V{bottom}"/>'
    return line + text(label, (x, bottom + 18), "below")


def _tick_of_y(place: float, label: str) -> str:
    left, y = at(0, place)
    line = f'<path class="grid" d="M{left} {y:.1f}H{WIDTH - RIGHT}"/>'
    return line + text(label, (left - 7, y + 4), "beside")
