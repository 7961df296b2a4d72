"""One hidden layer for two inputs: walls in many directions add up to circular towers."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.special import dawsn

from zoo.lab.chapter4.construction import STEEP, Weights, build, centres, compute, square
from zoo.lab.chapter4.drawing import SIDE, surface_of
from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, check_expected, experiment, plain

CENTRE = np.array([0.5, 0.5])
RADIUS = 0.15
WIDTH = 0.12  # the standard deviation of the smooth tower
REACH = 0.75  # no point of the square is further from its centre


def ridge_net(directions: int, positions: Any, rises: Any) -> Any:
    """One hidden layer: in each of so many directions, steps at these distances from the centre.

    The output is the mean over the directions; hidden neurons: directions x positions.
    """
    angles = np.pi * np.arange(directions) / directions
    along = np.stack([np.cos(angles), np.sin(angles)])
    kernel = STEEP * np.repeat(along, len(positions), axis=1)
    offsets = np.repeat(CENTRE @ along, len(positions)) + np.tile(positions, directions)
    weights = np.tile(rises, directions)[:, None] / directions
    return build(Weights(kernel, -STEEP * offsets, "sigmoid"), Weights(weights, np.zeros(1)))


def disc_net(directions: int) -> Any:
    """Walls of height 1 and half width RADIUS."""
    return ridge_net(directions, [-RADIUS, RADIUS], [1, -1])


def smooth_profile(t: np.ndarray) -> np.ndarray:
    """The wall whose mean over all directions is exp(-d^2 / 2 WIDTH^2), with no tail.

    It inverts Abel's integral: 1 - 2 u D(u) with u = t / (sqrt(2) WIDTH), D Dawson's function.
    """
    u = t / (np.sqrt(2) * WIDTH)
    return 1 - 2 * u * dawsn(u)


def smooth_net(directions: int, count: int) -> Any:
    """The same with walls of that profile, each a staircase of so many steps."""
    edges = np.linspace(-REACH, REACH, count)
    levels = smooth_profile((edges[1:] + edges[:-1]) / 2)
    rises = np.diff(levels, prepend=0, append=0)
    return ridge_net(directions, edges, rises)


def profile(net: Any, distances: np.ndarray) -> np.ndarray:
    """The mean output at these distances from the centre, over 90 angles."""
    angles = 2 * np.pi * centres(90)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points = CENTRE + distances[:, None, None] * circle
    return compute(net, points.reshape(-1, 2)).reshape(len(distances), -1).mean(axis=1)


def draw_no_second_hidden(data: dict[str, Any]) -> Figure:
    """The sums from above, and their profiles."""
    pictures = data["pictures"]
    drawn, axes = style.figure(2, 3, size=(12, 6.8))
    look = {"origin": "lower", "extent": (0, 1, 0, 1), "cmap": "cividis", "vmin": 0, "vmax": 1}
    for each, series in zip(axes.flat, pictures, strict=False):
        shown = each.imshow(np.transpose(series["z"]), **look)
        each.set(title=series["title"], xlabel="x", ylabel="y")
        each.grid(False)
    drawn.colorbar(shown, ax=axes[0, 2], shrink=0.8, label="output")
    for number, (name, curve) in enumerate(data["profiles"].items()):
        axes[1, 2].plot(data["distance"], curve, **style.line(number, label=name))
    axes[1, 2].set(xlabel="distance from the centre", ylabel="output, mean over angles")
    axes[1, 2].legend(frameon=False, fontsize=8)
    return drawn


@experiment("ch4_no_second_hidden", "Towers with one hidden layer", draw=draw_no_second_hidden)
def no_second_hidden(context: Context) -> Result:
    """The problem: one hidden layer suffices. Walls in many directions add up to a circular tower.

    Plain walls leave a tail around the tower; walls of another profile cancel it, and sums of such
    towers approximate any function of two inputs, without a second hidden layer.
    """
    directions, count = context.choose((64, 61), (32, 41))
    nets = {f"directions: {many}": disc_net(many) for many in (1, 2, 4, directions)}
    nets["walls that cancel the tail"] = smooth_net(directions, count)
    points, distance = square(SIDE), np.linspace(0, 0.5, 101)
    pictures = [surface_of(compute(net, points), name) for name, net in nets.items()]
    disc, smooth = [profile(net, distance) for net in list(nets.values())[-2:]]
    beyond = np.arcsin(RADIUS / np.maximum(distance, RADIUS)) * 2 / np.pi
    gauss = np.exp(-(distance**2) / (2 * WIDTH**2))
    curves = {"plain walls": disc, r"$(2/\pi)$ arcsin(r/d)": beyond, "cancelling": smooth}
    curves["Gaussian"] = gauss
    data = {
        "pictures": pictures,
        "distance": plain(distance),
        "profiles": {name: plain(curve) for name, curve in curves.items()},
    }
    third = float(profile(disc_net(directions), np.array([2 * RADIUS]))[0])
    off = float(np.abs(smooth - gauss).max())
    neurons = directions * count
    checks = (
        Check("share of the height left at twice the radius (geometry: 1/3)", plain(third, 3)),
        check_expected("tail-free tower: largest distance from its Gaussian", off, 0, within=0.05),
    )
    remark = (
        "The book sets (a) walls in any direction, (b) circular towers, (c) their sums as a "
        f"problem and prints no numbers. Our tail-free tower takes {neurons:,} hidden neurons; "
        "0.05 is half a step of its staircase."
    )
    return Result(data, checks, remark)
