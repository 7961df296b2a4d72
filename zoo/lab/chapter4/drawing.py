"""Two kinds of picture that most experiments of the chapter share: curves, and surfaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zoo.lab.chapter4.construction import centres, compute, square
from zoo.lab.core import style
from zoo.lab.core.experiment import plain

SIDE = 50


def draw_panels(data: dict[str, Any]) -> Figure:
    """One axes for each panel: its curves over the same x."""
    panels = data["panels"]
    columns = min(len(panels), 3)
    rows = -(-len(panels) // columns)
    drawn, axes = style.figure(rows, columns, squeeze=False, sharex=True, sharey=True)
    for each, panel in zip(axes.flat, panels, strict=False):
        for number, (label, y) in enumerate(panel["curves"].items()):
            each.plot(data["x"], y, **style.line(number, label=label))
        each.set(title=panel["title"], xlabel="input x", ylabel=panel["ylabel"])
        each.margins(y=0.08)
        if len(panel["curves"]) > 1:
            each.legend(frameon=False, fontsize=8)
    for each in axes.flat[len(panels) :]:
        each.set_axis_off()
    return drawn


def mark_only(axes: Axes, ticks: Sequence[int]) -> None:
    """Name these places of a logarithmic x axis and no others."""
    axes.set_xticks(ticks, [str(each) for each in ticks])
    axes.set_xticks([], minor=True)


def surface(model: Any, title: str) -> dict[str, Any]:
    """A model's outputs over the unit square, for draw_surfaces."""
    return surface_of(compute(model, square(SIDE)), title)


def surface_of(values: np.ndarray, title: str) -> dict[str, Any]:
    """Values at square(SIDE), for draw_surfaces."""
    return {"title": title, "z": plain(values.reshape(SIDE, SIDE), 4)}


def draw_surfaces(data: dict[str, Any]) -> Figure:
    """Each surface over the unit square, in axes of its own."""
    surfaces = data["surfaces"]
    columns = min(len(surfaces), data.get("columns", 4))
    rows = -(-len(surfaces) // columns)
    options = {"squeeze": False, "subplot_kw": {"projection": "3d"}}
    drawn, axes = style.figure(rows, columns, size=(3.4 * columns, 3.3 * rows), **options)
    x, y = np.meshgrid(centres(SIDE), centres(SIDE), indexing="ij")
    for each, series in zip(axes.flat, surfaces, strict=False):
        z = np.array(series["z"])
        # Rasterised: thousands of little faces would make the SVG huge.
        look = {"cmap": "cividis", "rasterized": True, "linewidth": 0, "antialiased": False}
        each.plot_surface(x, y, z, rcount=SIDE, ccount=SIDE, **look)
        each.set_title(series["title"], fontsize=9)
        each.set(xlabel="x", ylabel="y", zlabel=data["zlabel"], zlim=data.get("zlim"))
        each.zaxis.set_rotate_label(False)  # or it stands on its head
        each.zaxis.label.set_rotation(90)
        each.tick_params(labelsize=7, pad=0)
        each.view_init(elev=28, azim=-125)
        each.set_box_aspect(None, zoom=0.85)
    for each in axes.flat[len(surfaces) :]:
        each.set_axis_off()
    return drawn
