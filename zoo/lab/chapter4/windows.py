"""Windows of failure beside the steps, and the book's cure: shifted sets of bumps."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.special import logit

from zoo.lab.chapter4.construction import (
    Weights,
    X,
    build,
    bumps,
    centres,
    compute,
    equal_parts,
    middles,
    step_net,
    tiles,
    towers,
    wanted_sum,
)
from zoo.lab.chapter4.drawing import mark_only
from zoo.lab.core import style
from zoo.lab.core.experiment import Context, Result, check_close, experiment, plain

# The steepness of the book's pictures of bumps in this section; at it the windows can be seen.
SOFT = 300.0
# So steep that a step has no window on our grid.
SHARP = 1e7
BUMPS = 5


def shifted_sets(sets: int, steepness: float) -> Any:
    """M sets of bumps, each for 1/M of sigmoid^-1(f), each shifted by 1/M of a bump's width."""
    edges = [equal_parts(BUMPS, number / sets / BUMPS) for number in range(sets)]
    heights = [wanted_sum(middles(each)) / sets for each in edges]
    return step_net(*bumps(np.concatenate(edges), np.concatenate(heights)), steepness=steepness)


def departure(sets: int, x: np.ndarray) -> np.ndarray:
    """How far a net of soft steps is from the same net of sharp steps."""
    return np.abs(compute(shifted_sets(sets, SOFT), x) - compute(shifted_sets(sets, SHARP), x))


def windows(x: np.ndarray) -> np.ndarray:
    """Which x lie within 0.02 of an inner step of the unshifted set: its windows of failure."""
    inner = np.arange(1, BUMPS) / BUMPS
    return np.abs(x[:, None] - inner).min(axis=1) < 0.02


# --- two inputs: at the corners of towers, sharp steps or not, no tower stands --------------------


def surface_target(points: np.ndarray) -> np.ndarray:
    """A smooth function of two inputs, far enough from 1/2 to show a hole."""
    return 0.75 + 0.2 * points[:, 0] * points[:, 1]


def shifted_towers(sets: int, count: int = 5) -> Any:
    """M sets of towers for sigmoid^-1 of the function, shifted along the diagonal."""
    boxes = [tiles(count, number / sets / count) for number in range(sets)]
    values = [logit(surface_target(np.clip(each, 0, 1).mean(axis=2))) / sets for each in boxes]
    weights = Weights(np.concatenate(values)[:, None], np.zeros(1))
    return build(*towers(np.concatenate(boxes), 40, steepness=SOFT), weights)


def draw_fix_failure_window(data: dict[str, Any]) -> Figure:
    """The window; one set and two; departures over M; the holes between towers."""
    drawn, axes = style.figure(2, 2, size=(12, 7.6))
    x = data["x"]
    axes[0, 0].axvspan(0.45, 0.55, color="#dddddd", label="window of failure")
    axes[0, 0].plot(x, data["step"], **style.line(0))
    axes[0, 0].set(title="a step of w = 50", xlabel="input x", ylabel="output of the neuron")
    axes[0, 1].plot(x, data["wanted"], color="#777777", lw=1, label=r"$\sigma^{-1}(f)$")
    for number, (name, y) in enumerate(data["sums"].items()):
        axes[0, 1].plot(x, y, **style.line(number, label=name, lw=1.4))
    axes[0, 1].set(title="five bumps, w = 300", xlabel="input x", ylabel="weighted sum")
    for number, (name, y) in enumerate(data["over_M"].items()):
        look = style.line(number, label=name, marker=style.MARKS[number])
        axes[1, 0].loglog(data["M"], y, **look)
    mark_only(axes[1, 0], data["M"])
    axes[1, 0].set(title="one input", xlabel="shifted sets M", ylabel="largest |difference|")
    axes[1, 1].plot(
        x, data["diagonal"], color="#777777", lw=1, label=r"$\sigma^{-1}$ of the function"
    )
    for number, (name, y) in enumerate(data["holes"].items()):
        axes[1, 1].plot(x, y, **style.line(number, label=name, lw=1.4))
    axes[1, 1].set(title="two inputs: along x = y", xlabel="x = y", ylabel="weighted sum")
    for each in axes.flat:
        each.legend(frameon=False, fontsize=8)
    return drawn


@experiment("ch4_fix_failure_window", "Windows of failure, cured", draw=draw_fix_failure_window)
def fix_failure_window(context: Context) -> Result:
    """Steps of finite weights fail in narrow windows; M shifted sets of bumps cut that by M.

    Each set approximates 1/M of sigmoid^-1(f), so that a point lies in the windows of one set at
    most while the others are right there. In two inputs the windows are holes between towers.
    """
    x, fine, sets = X, centres(20_000), [1, 2, 4, 8]
    departures = [departure(each, fine) for each in sets]
    off = [np.abs(compute(shifted_sets(each, SOFT), fine) - wanted_sum(fine)) for each in sets]
    diagonal = np.stack([x, x], axis=1)
    wanted = logit(surface_target(diagonal))
    holes = {f"M = {each}": compute(shifted_towers(each), diagonal) for each in (1, 2, 4)}
    data = {
        "x": plain(x),
        "step": plain(compute(step_net([0.5], [1], steepness=50), x)),
        "wanted": plain(wanted_sum(x)),
        "sums": {f"M = {each}": plain(compute(shifted_sets(each, SOFT), x)) for each in (1, 2)},
        "M": sets,
        "over_M": {
            "from sharp steps": [plain(each.max()) for each in departures],
            r"from $\sigma^{-1}(f)$": [plain(each.max()) for each in off],
        },
        "diagonal": plain(wanted),
        "holes": {name: plain(each) for name, each in holes.items()},
    }
    old = departures[0][windows(fine)].max()
    depth = {name: float(np.abs(each - wanted)[windows(x)].max()) for name, each in holes.items()}
    ratios = {m: float(old / departures[sets.index(m)][windows(fine)].max()) for m in (2, 4)}
    # Bump heights differ from set to set, and towers are staircases: hence a tenth of the factor.
    checks = (
        check_close("one input: departure in the windows, M = 1 over M = 2", ratios[2], 2, 0.2),
        check_close("one input: M = 1 over M = 4", ratios[4], 4, 0.4),
        check_close("two inputs: depth of the holes, M = 1 over M = 2", _ratio(depth, 2), 2, 0.2),
        check_close("two inputs: M = 1 over M = 4", _ratio(depth, 4), 4, 0.4),
    )
    remark = (
        "In one input a sigmoid is between the neighbouring heights in a window, so it fails by "
        "half a step at most. In two inputs it fails at the corners of towers, where no tower "
        "reaches its threshold; there the sum drops to 0. The cure does not narrow the bumps: what "
        "remains of the difference from sigmoid^-1(f) is due to their width."
    )
    return Result(data, checks, remark)


def _ratio(depth: dict[str, float], sets: int) -> float:
    return depth["M = 1"] / depth[f"M = {sets}"]
