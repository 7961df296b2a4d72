"""One look for every figure of the lab: readable in grey, lines told apart by dash and mark too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# From dark to light as well as from hue to hue.
COLORS = ("#1f4e79", "#c1440e", "#4b8b3b", "#8a6fb0", "#9a9a9a", "#b8860b")
DASHES = ("-", "--", ":", "-.", (0, (5, 1)), (0, (6, 1, 1, 1, 1, 1)))
MARKS = ("o", "s", "^", "D", "v", "x")
BOOK: dict[str, Any] = {
    "color": "#111111",
    "marker": "x",
    "ls": "none",
    "ms": 7,
    "mew": 1.6,
    "label": "the book",
}


def line(number: int, **changes: Any) -> dict[str, Any]:
    """How line number 0, 1, 2... of a plot is drawn.

    >>> line(1, label="test")
    {'color': '#c1440e', 'ls': '--', 'lw': 1.8, 'label': 'test'}
    """
    index = number % len(COLORS)
    return {"color": COLORS[index], "ls": DASHES[index], "lw": 1.8, **changes}


def legend_above(axes: Axes, columns: int = 2) -> None:
    """A legend above the plot, where no line can run into it.

    Args:
        axes: With labelled lines.
        columns: Entries side by side.
    """
    look = {"frameon": False, "fontsize": 9, "ncols": columns}
    axes.legend(**look, loc="lower left", bbox_to_anchor=(0, 1))


def figure(
    rows: int = 1, columns: int = 1, *, size: tuple[float, float] | None = None, **options: Any
) -> tuple[Figure, Any]:
    """A figure and its axes, as `matplotlib.figure.Figure.subplots` gives them.

    Args:
        rows: Axes one above the other.
        columns: Axes side by side.
        size: Width and height of the whole figure in inches; None gives each axes 5 by 3.6.
        **options: Of `subplots`.
    """
    drawn = Figure(figsize=size or (5 * columns, 3.6 * rows), layout="constrained")
    axes = drawn.subplots(rows, columns, **options)
    for each in np.atleast_1d(axes).flat:
        tidy(each)
    return drawn, axes


def tidy(axes: Axes) -> None:
    """A faint grid, and no frame at the top and on the right."""
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def show_images(axes: Iterable[Axes], images: Iterable[Any], titles: Sequence[str] = ()) -> None:
    """Draw grey images [rows, columns], dark for high as on paper, each in an axes of its own.

    Args:
        axes: At least as many as images; those left over stay empty.
        images: Arrays [rows, columns], or [rows, columns, 1].
        titles: Above the first images, one each.
    """
    axes = list(axes)
    for number, (each, image) in enumerate(zip(axes, images, strict=False)):
        each.imshow(np.asarray(image).squeeze(), cmap="gray_r", interpolation="nearest")
        if number < len(titles):
            each.set_title(titles[number], fontsize=9)
    for each in axes:
        each.set_axis_off()
