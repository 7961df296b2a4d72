"""Two inputs and more: steps along an axis, bumps, towers, and sums of towers."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.special import expit, logit

from zoo.lab.chapter4.construction import (
    Weights,
    build,
    compute,
    square,
    steps,
    tiles,
    towers,
)
from zoo.lab.chapter4.drawing import SIDE, draw_surfaces, mark_only, surface, surface_of
from zoo.lab.core import style
from zoo.lab.core.experiment import (
    Check,
    Context,
    Result,
    check_close,
    check_expected,
    experiment,
    plain,
)

# The book's tower stands on this rectangle.
BOX = [[0.4, 0.6], [0.3, 0.7]]


def weighted_steps(positions: Any, axes: Any, heights: Any) -> Any:
    """A net of two inputs whose hidden neurons step along x (axis 0) or y (axis 1)."""
    hidden = steps(positions, axes, inputs=2)
    return build(hidden, Weights(np.reshape(heights, (-1, 1)), np.zeros(1)))


@experiment("ch4_two_inputs", "A step in two inputs", draw=draw_surfaces)
def two_inputs(context: Context) -> Result:
    """With a large weight for x and none for y, a neuron of two inputs is a step along x.

    A large weight for y alone makes a step along y. The step stands at s = -b/w as before.
    """
    surfaces = []
    for w, b in ((50, -5), (100, -5), (100, -21), (100, -37), (1000, -500)):
        net = build(Weights(np.array([[w], [0]]), np.array([b]), "sigmoid"))
        surfaces.append(surface(net, f"w1 = {w}, w2 = 0, b = {b}"))
    net = build(steps([0.5], [1], inputs=2))
    surfaces.append(surface(net, "w1 = 0, w2 = 1000, b = -500"))
    left, right = compute(net, [[0.9, 0.45], [0.1, 0.55]])
    checks = (
        check_expected("step along y at 0.5: output at (0.9, 0.45)", float(left), 0, within=1e-6),
        check_expected("step along y at 0.5: output at (0.1, 0.55)", float(right), 1, within=1e-6),
    )
    data = {"surfaces": surfaces, "columns": 3, "zlabel": "output", "zlim": [0, 1]}
    return Result(data, checks)


@experiment("ch4_bump_2d", "Bumps along x and y, and their sum", draw=draw_surfaces)
def bump_2d(context: Context) -> Result:
    """Two steps along x make a wall, two along y another; where they cross the sum is 2h."""
    h = 0.3
    along_x = weighted_steps([0.3, 0.7], [0, 0], [2 * h, -2 * h])
    along_y = weighted_steps([0.3, 0.7], [1, 1], [2 * h, -2 * h])
    crossed = weighted_steps(np.ravel(BOX), [0, 0, 1, 1], [h, -h, h, -h])
    surfaces = [
        surface(along_x, "along x, 0.30 to 0.70, h = 0.6"),
        surface(along_y, "along y, 0.30 to 0.70, h = 0.6"),
        surface(crossed, "both walls, h = 0.3"),
    ]
    centre, wall, beside = compute(crossed, [[0.5, 0.5], [0.5, 0.1], [0.1, 0.1]])
    checks = (
        check_close("sum where the walls of h = 0.3 cross", float(centre), 0.6, within=0.005),
        check_close("sum on one wall", float(wall), 0.3, within=0.005),
        check_expected("sum beside both", float(beside), 0, within=0.005),
    )
    data = {"surfaces": surfaces, "zlabel": "weighted output", "zlim": [0, 0.65]}
    return Result(data, checks)


@experiment("ch4_tower", "A tower: four steps and a bias", draw=draw_surfaces)
def tower(context: Context) -> Result:
    """If the output neuron is a sigmoid with bias -3h/2 and h is large, only the crossing fires.

    The walls' plateau of height h stays below the threshold, the crossing of 2h is above it.
    """
    surfaces = [
        surface(build(*towers([BOX], h)), f"h = {h}, b = {-1.5 * h:g}") for h in (0.3, 3, 10)
    ]
    two = [[[0.1, 0.2], [0.8, 0.9]], [[0.7, 0.8], [0.2, 0.3]]]
    weights = Weights(np.array([[0.7], [0.5]]), np.zeros(1))
    surfaces.append(surface(build(*towers(two, 40), weights), "two towers, w = 0.7 and 0.5"))
    inside, wall = compute(build(*towers([BOX], 10)), [[0.5, 0.5], [0.5, 0.1]])
    checks = (
        check_expected("output in the tower, h = 10 (tower: 1)", float(inside), 1, within=0.01),
        check_expected("output on a wall, h = 10 (ground: 0)", float(wall), 0, within=0.01),
    )
    remark = "At h = 10 a tower misses 1, and its walls miss 0, by sigmoid(-5) = 0.0067."
    data = {"surfaces": surfaces, "zlabel": "output", "zlim": [0, 1]}
    return Result(data, checks, remark)


def two_functions(points: np.ndarray) -> np.ndarray:
    """Two functions of (x, y) with values in (0, 1): a bowl and a wave."""
    x, y = points.T
    bowl = 0.1 + 0.4 * (x**2 + y**2)
    wave = 0.5 + 0.3 * np.sin(2 * np.pi * x) * np.cos(2 * np.pi * y)
    return np.stack([bowl, wave], axis=1)


def many_towers(count: int) -> Any:
    """count x count towers, weighted so that a sigmoid gives both functions.

    h = 40, since beside its walls each of the many towers must add next to nothing.
    """
    boxes = tiles(count)
    values = logit(two_functions(boxes.mean(axis=2)))
    return build(*towers(boxes, 40), Weights(values, np.zeros(2), "sigmoid"))


def draw_many_towers(data: dict[str, Any]) -> Figure:
    """Both functions, the net of 8 x 8 towers, and the deviation over the number of towers."""
    drawn, axes = style.figure(2, 3, size=(12, 6.6))
    look = {"origin": "lower", "extent": (0, 1, 0, 1), "cmap": "cividis"}
    for row, name in enumerate(("bowl", "wave")):
        limits = {"vmin": np.min(data[name]["f"]), "vmax": np.max(data[name]["f"])}
        for each, key in zip(axes[row], ("f", "net"), strict=False):
            shown = each.imshow(np.transpose(data[name][key]), **look, **limits)
            each.grid(False)
            label = "the function" if key == "f" else "the net, 8 x 8 towers"
            each.set(title=f"{name}: {label}", xlabel="x", ylabel="y")
        drawn.colorbar(shown, ax=axes[row, 1], shrink=0.8, label="output")
        for number, key in enumerate(("largest", "mean")):
            curve = style.line(number, label=key, marker=style.MARKS[number])
            axes[row, 2].loglog(data["K"], data[name][key], **curve)
        axes[row, 2].set(xlabel="towers along each side, K", ylabel="|net - f|")
        mark_only(axes[row, 2], data["K"])
        axes[row, 2].legend(frameon=False, fontsize=8)
    return drawn


@experiment("ch4_many_towers", "Towers approximate functions of x and y", draw=draw_many_towers)
def approximation_by_towers(context: Context) -> Result:
    """A weighted sum of K x K towers approximates a function of two inputs.

    Our net has two output neurons, so that it computes two functions at once: a map to R^2.
    """
    sides = [2, 4, 8, *context.choose([16, 32], [16])]
    points = square(context.choose(99, 61))
    wanted = two_functions(points)
    misses = np.array([np.abs(compute(many_towers(k), points) - wanted) for k in sides])
    shown = compute(many_towers(8), square(SIDE))
    data: dict[str, Any] = {"K": sides}
    for number, name in enumerate(("bowl", "wave")):
        data[name] = {
            "f": surface_of(two_functions(square(SIDE))[:, number], "f")["z"],
            "net": surface_of(shown[:, number], "net")["z"],
            "largest": plain(misses[:, :, number].max(axis=1), 3),
            "mean": plain(misses[:, :, number].mean(axis=1), 3),
        }
    ours = [data[name]["mean"][-1] for name in ("bowl", "wave")]
    label = f"mean deviation, {sides[-1]} x {sides[-1]} towers, "
    checks = (Check(label + "bowl", ours[0]), Check(label + "wave", ours[1]))
    left_out = context.choose("", " K ends at 16; the full form goes on to 32.")
    remark = (
        "The mean deviation falls with K, the largest does not: at a corner where four towers meet "
        "none of them fires. ch4_fix_failure_window shows these holes and the book's cure."
    )
    return Result(data, checks, remark + left_out)


def draw_tower_m(data: dict[str, Any]) -> Figure:
    """The output over the number of inputs in their interval, for every m; errors over the bias."""
    drawn, axes = style.figure(1, 2)
    for number, (m, outputs) in enumerate(data["outputs"].items()):
        look = style.line(number, label=f"m = {m}", marker=style.MARKS[number])
        axes[0].plot(np.arange(len(outputs)) - int(m), outputs, **look)
    axes[0].set(xlabel="inputs in their interval, less m", ylabel="output")
    axes[0].set_title("bias (-m + 1/2) h, h = 10")
    for number, (m, outputs) in enumerate(data["bias"].items()):
        axes[1].plot(data["shares"], outputs, **style.line(number, label=f"m = {m}"))
    axes[1].set(xlabel="bias, in units of h, plus m", ylabel="largest error of the tower")
    axes[1].set_title("for every m alike, the middle is best")
    axes[1].axvline(0.5, color="#777777", lw=1, ls=":")
    for each in axes:
        each.legend(frameon=False, fontsize=8)
    return drawn


def corner_outputs(m: int, h: float, biases: Any) -> np.ndarray:
    """Largest outputs [0 to m inputs inside, biases] of towers in m inputs with these biases.

    Each input is in the middle of its interval [0.4, 0.6], or well outside, in every combination.
    """
    first, second = towers([[[0.4, 0.6]] * m], h)
    kernel = np.tile(second.kernel, len(biases))
    net = build(first, Weights(kernel, np.asarray(biases), "sigmoid"))
    inside = np.array(list(product((False, True), repeat=m)))
    outputs = compute(net, np.where(inside, 0.5, 0.1)).reshape(-1, len(biases))
    groups = (outputs[inside.sum(axis=1) == count] for count in range(m + 1))
    return np.array([group.max(axis=0) for group in groups])


@experiment("ch4_tower_3d", "Towers in three inputs and more", draw=draw_tower_m)
def tower_m(context: Context) -> Result:
    """A tower in three inputs needs bias -5h/2, one in m inputs (-m + 1/2) h.

    Every combination of inputs in and out of their interval is tried.
    """
    h, shares = 10, np.linspace(-0.5, 1.5, 41)
    outputs = {m: plain(corner_outputs(m, h, [(0.5 - m) * h])[:, 0]) for m in range(1, 7)}
    bias = {}
    for m in (2, 3, 6):
        found = corner_outputs(m, h, (shares - m) * h)
        bias[m] = plain(np.maximum(1 - found[-1], found[:-1].max(axis=0)))
    data = {"outputs": outputs, "shares": plain(shares), "bias": bias}
    least = {m: float(shares[int(np.argmin(errors))]) - m for m, errors in bias.items()}
    checks = (
        check_close("m = 3: best bias, in units of h", least[3], -2.5, within=0.05),
        check_close("m = 6: best bias, in units of h", least[6], -5.5, within=0.05),
        check_expected("m = 3: output with all inputs inside", outputs[3][3], 1, within=0.01),
        check_expected("m = 3: output with two inputs inside", outputs[3][2], 0, within=0.01),
    )
    theory = float(expit(-h / 2))
    remark = f"sigmoid(-h/2) = {theory:.4f} is what both sides miss at the best bias."
    return Result(data, checks, remark)
