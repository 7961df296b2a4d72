"""Other activation functions: which of them step, and so approximate, and which do not."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from zoo.lab.chapter4.construction import (
    Weights,
    X,
    build,
    bumps,
    centres,
    compute,
    equal_parts,
    middles,
    neuron,
    step_net,
    target,
    wanted_sum,
)
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


def wavy(z: Any) -> Any:
    """The book's s(z) of limits 0 and 1: sigmoid(z) + 0.2 sin(10 z) exp(-|z|)."""
    from keras import ops

    return ops.sigmoid(z) + 0.2 * ops.sin(10 * z) * ops.exp(-ops.abs(z))


def hill(z: Any) -> Any:
    """A function of equal limits, 0 on both sides: exp(-z^2)."""
    from keras import ops

    return ops.exp(-ops.square(z))


def draw_general_activation(data: dict[str, Any]) -> Figure:
    """For both functions: the function, the neuron as w grows, and five bumps of it."""
    drawn, axes = style.figure(2, 3, size=(13, 7))
    for row, (name, series) in zip(axes, data["functions"].items(), strict=True):
        row[0].plot(data["z"], series["s"], **style.line(0))
        row[0].set(title=name, xlabel="z", ylabel="s(z)")
        for number, (setting, y) in enumerate(series["steeper"].items()):
            row[1].plot(data["x"], y, **style.line(number, label=setting, lw=1.3))
        row[1].set(title="output of a neuron (w, b)", xlabel="input x", ylabel="s(wx + b)")
        row[1].legend(frameon=False, fontsize=8)
        row[2].plot(data["x"], data["wanted"], color="#777777", lw=1, label="wanted")
        row[2].plot(data["x"], series["sum"], **style.line(1, label="20 bumps", lw=1.3))
        row[2].set(title="sum of 20 bumps, w = 1000", xlabel="input x", ylabel=r"$\sigma^{-1}(f)$")
        row[2].legend(frameon=False, fontsize=8)
    return drawn


@experiment("ch4_general_activation", "Any s(z) that steps will do", draw=draw_general_activation)
def general_activation(context: Context) -> Result:
    """Any activation with two different finite limits becomes a step as its weight grows.

    Where both limits are the same, the neuron becomes a needle, and bumps of it have no height.
    """
    z, edges = np.linspace(-4, 4, 401), equal_parts(20)
    heights = wanted_sum(middles(edges))
    functions, means = {}, {}
    for name, s in (("limits 0 and 1", wavy), ("equal limits", hill)):
        net = step_net(*bumps(edges, heights), activation=s)
        settings = ((6, -3), (25, -3), (50, -3), (100, -3))
        functions[name] = {
            "s": plain(compute(neuron(1, 0, s), z)),
            "steeper": {str(each): plain(compute(neuron(*each, s), X)) for each in settings},
            "sum": plain(compute(net, X)),
        }
        means[name] = plain(np.abs(compute(net, X) - wanted_sum(X)).mean(), 3)
    ends = [compute(neuron(100, -3, s), [-1, 1]) for s in (wavy, hill)]
    data = {"z": plain(z), "x": plain(X), "wanted": plain(wanted_sum(X)), "functions": functions}
    checks = (
        check_close(
            "s of different limits, (100, -3): rise from x = -1 to 1", _rise(ends[0]), 1, 0.05
        ),
        check_expected("s of equal limits, (100, -3): rise", _rise(ends[1]), 0, 0.05),
        Check("mean deviation of 20 bumps, different limits", means["limits 0 and 1"]),
        Check("mean deviation of 20 bumps, equal limits", means["equal limits"]),
    )
    remark = (
        "Equal limits break this construction, not universality: Leshno et al. (1993) proved that "
        "every continuous activation that is no polynomial will do, by other constructions."
    )
    return Result(data, checks, remark)


def _rise(ends: np.ndarray) -> float:
    return float(ends[1] - ends[0])


def relu_net(count: int) -> Any:
    """A ReLU net that joins f at 0, 1/N, ..., 1 by straight lines; count + 1 hidden neurons.

    Neuron i bends the line at i/N by weight times max(0, x - i/N); the last one stands still
    before 0 and carries f(0).
    """
    knots = np.arange(count + 1) / count
    slopes = np.diff(target(knots)) * count
    bends = np.diff(slopes, prepend=0)
    kernel = np.append(np.ones(count), 0)[None, :]
    hidden = Weights(kernel, np.append(-knots[:-1], 1.0), "relu")
    weights = np.append(bends, target(0.0))[:, None]
    return build(hidden, Weights(weights, np.zeros(1)))


def linear_net(count: int, seed: int = 0) -> Any:
    """count linear hidden neurons with random weights; the output layer is the best fit to f."""
    generator = np.random.default_rng(seed)
    hidden = Weights(generator.normal(size=(1, count)), generator.normal(size=count))
    outputs = compute(build(hidden), X)
    best = np.linalg.lstsq(outputs, target(X), rcond=None)[0]
    return build(hidden, Weights(best[:, None], np.zeros(1)))


def relu_step(steepness: float, s: float) -> Any:
    """Two ReLUs whose difference is a step at s: it rises from 0 to 1 within 1/steepness."""
    starts = np.array([s - 0.5 / steepness, s + 0.5 / steepness])
    hidden = Weights(np.full((1, 2), steepness), -steepness * starts, "relu")
    return build(hidden, Weights(np.array([[1.0], [-1.0]]), np.zeros(1)))


def draw_relu_linear(data: dict[str, Any]) -> Figure:
    """Steps of ReLU pairs, both nets beside f, and their deviations over the neurons."""
    drawn, axes = style.figure(1, 3)
    for number, (name, y) in enumerate(data["steps"].items()):
        axes[0].plot(data["x"], y, **style.line(number, label=name))
    axes[0].set(title="two ReLUs make a step", xlabel="input x", ylabel="difference of the two")
    axes[1].plot(data["x"], data["f"], color="#777777", lw=1, label="f, eq. 113")
    for number, name in enumerate(("relu", "linear")):
        label = f"{name}, {data['shown']} hidden neurons"
        axes[1].plot(data["x"], data["nets"][name], **style.line(number, label=label))
        look = style.line(number, label=name, marker=style.MARKS[number])
        axes[2].loglog(data["neurons"], data["off"][name], **look)
    axes[1].set(title="nets for f", xlabel="input x", ylabel="output")
    axes[2].set(title="deviation from f", xlabel="hidden neurons", ylabel="mean |net - f|")
    for each in axes:
        each.legend(frameon=False, fontsize=8)
    return drawn


@experiment("ch4_relu_linear", "ReLU will do, a linear s(z) will not", draw=draw_relu_linear)
def relu_and_linear(context: Context) -> Result:
    """The problem: ReLU has no finite limit on the right, yet two of them make a step.

    A net of linear neurons s(z) = z computes a straight line, however many there are.
    """
    neurons, x = [6, 11, 21, 41, 81, 161], centres(4001)
    nets = {
        "relu": [relu_net(count - 1) for count in neurons],
        "linear": [linear_net(count) for count in neurons],
    }
    off = {
        name: [plain(np.abs(compute(each, x) - target(x)).mean(), 3) for each in made]
        for name, made in nets.items()
    }
    line = compute(nets["linear"][-1], X)
    data = {
        "x": plain(X),
        "f": plain(target(X)),
        "shown": neurons[1],
        "nets": {name: plain(compute(made[1], X)) for name, made in nets.items()},
        "steps": {f"w = {w}": plain(compute(relu_step(w, 0.4), X)) for w in (5, 20, 1000)},
        "neurons": neurons,
        "off": off,
    }
    checks = (
        check_expected(
            "linear: largest second difference", float(np.abs(np.diff(line, 2)).max()), 0, 1e-9
        ),
        Check("linear: mean deviation, 161 neurons", off["linear"][-1]),
        Check("ReLU: mean deviation, 161 neurons", off["relu"][-1]),
        Check("ReLU: slope of log(deviation) over log N, N >= 41", _slope(neurons, off["relu"])),
    )
    remark = "Lines between points of f miss it by about N^-2, where a staircase does by N^-1."
    return Result(data, checks, remark)


def _slope(neurons: list[int], off: list[float]) -> float:
    return plain(np.polyfit(np.log(neurons[3:]), np.log(off[3:]), 1)[0], 3)
