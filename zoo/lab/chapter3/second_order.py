"""Section 3.6 in a small net: the Hessian, conjugate gradient and BFGS beside gradient descent."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import minimize

from zoo.lab.chapter2.backpropagation import Parameters, backpropagate, forward
from zoo.lab.core import style
from zoo.lab.core.experiment import (
    Check,
    Context,
    Result,
    check_claim,
    check_expected,
    experiment,
    plain,
)

SIZES = (49, 10, 10)
LAMBDA = 1e-3  # of the penalty lambda/2 sum w^2, so that the cost has a minimum
RATES = (0.3, 1.0, 3.0, 10.0)


class SmallNet:
    """The cross-entropy of 49-10-10 on images pooled to 7x7, as a function of one flat vector."""

    def __init__(self, x: np.ndarray, y: np.ndarray):
        self.x, self.y = x, y
        self.shapes = [shape for a, b in pairwise(SIZES) for shape in ((a, b), (b,))]
        self.count = sum(int(np.prod(shape)) for shape in self.shapes)
        self.costs: list[float] = []

    def parameters(self, flat: np.ndarray) -> Parameters:
        """The vector as weights and biases, layer by layer."""
        ends = np.cumsum([np.prod(shape) for shape in self.shapes])[:-1]
        parts = np.split(flat, ends)
        return [part.reshape(shape) for part, shape in zip(parts, self.shapes, strict=True)]

    def __call__(self, flat: np.ndarray) -> tuple[float, np.ndarray]:
        """Cost and gradient; the cost is kept, one for each gradient that was asked for."""
        parameters = self.parameters(flat)
        a = np.clip(forward(parameters, self.x)[-1], 1e-12, 1 - 1e-12)
        entropy = -np.sum(self.y * np.log(a) + (1 - self.y) * np.log(1 - a)) / len(self.x)
        gradient = backpropagate(parameters, self.x, self.y, np.subtract)
        flat_gradient = np.concatenate([each.ravel() for each in gradient]) + LAMBDA * flat
        cost = float(entropy + LAMBDA / 2 * flat @ flat)
        self.costs.append(cost)
        return cost, flat_gradient

    def hessian(self, flat: np.ndarray, step: float = 1e-5) -> np.ndarray:
        """All second derivatives, by central differences of the gradient."""
        rows = [
            (self(flat + offset)[1] - self(flat - offset)[1]) / (2 * step)
            for offset in step * np.eye(self.count)
        ]
        return (np.array(rows) + np.array(rows).T) / 2


def pooled(images: np.ndarray) -> np.ndarray:
    """Images [n, 28, 28, 1] as [n, 49] means of 4x4 pixels, from 0 to 1."""
    return images.reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(-1, 49) / 256


def start(net: SmallNet, seed: int = 0) -> np.ndarray:
    """Initial weights with a deviation of 1/sqrt(inputs), and biases from N(0, 1)."""
    generator = np.random.default_rng(seed)
    parts = [
        generator.normal(size=shape) / (np.sqrt(shape[0]) if len(shape) == 2 else 1)
        for shape in net.shapes
    ]
    return np.concatenate([part.ravel() for part in parts])


def descend(net: SmallNet, flat: np.ndarray, rate: float, steps: int) -> np.ndarray:
    """Gradient descent."""
    for _ in range(steps):
        flat = flat - rate * net(flat)[1]
    return flat


def newton(net: SmallNet, flat: np.ndarray, steps: int) -> list[float]:
    """Costs of -H^-1 grad C (eq. 105) after each step; curvatures that are not positive are turned.

    A step that would raise the cost is halved until it does not.
    """
    costs = [net(flat)[0]]
    for _ in range(steps):
        curvatures, directions = np.linalg.eigh(net.hessian(flat))
        cost, gradient = net(flat)
        along = directions.T @ gradient / np.maximum(np.abs(curvatures), LAMBDA)
        move = -directions @ along
        while net(flat + move)[0] > cost and np.abs(move).max() > 1e-9:
            move = move / 2
        flat = flat + move
        costs.append(net(flat)[0])
    return costs


def draw_second_order(data: dict[str, Any]) -> Figure:
    """The cost over gradients asked for, and over steps of Newton's method."""
    drawn, (gradients, steps) = style.figure(1, 2)
    for number, (label, costs) in enumerate(data["costs"].items()):
        gradients.plot(costs, **style.line(number, label=label))
    steps.plot(data["newton"], marker="o", **style.line(0, label="Hessian, eq. 105"))
    lowest = min(min(costs) for costs in data["costs"].values())
    steps.axhline(lowest, **style.line(1, lw=0.9, label="lowest of the others"))
    gradients.set(xlabel="gradients computed", ylabel="cost, lowest so far", yscale="log")
    steps.set(xlabel="step", ylabel="cost", yscale="log")
    for each in (gradients, steps):
        each.legend(frameon=False, fontsize=9)
    return drawn


@experiment("ch3_second_order", "The Hessian, conjugate gradient and BFGS", draw=draw_second_order)
def second_order(context: Context) -> Result:
    """What section 3.6 names beside gradient descent, on a net small enough for all of it.

    49-10-10 with 610 weights and biases learns digits pooled to 7x7 pixels. Every method starts
    from the same weights, and is told how many gradients it may ask for. Claimed before the run:
    both of SciPy's methods end lower than gradient descent at its best learning rate of four.
    """
    images, budget, steps = context.choose((1_000, 400, 12), (200, 120, 3))
    split = context.data.train.take(images)
    net = SmallNet(pooled(split.images), np.eye(10)[split.labels])
    begin = start(net)
    ways: dict[str, Callable[[], Any]] = {
        f"gradient descent, eta = {rate:g}": partial(descend, net, begin, rate, budget)
        for rate in RATES
    }
    for label, method in (("conjugate gradient", "CG"), ("BFGS", "BFGS")):
        options = {"maxiter": budget}
        ways[label] = partial(minimize, net, begin, jac=True, method=method, options=options)
    costs = {}
    for label, way in ways.items():
        net.costs.clear()
        way()
        costs[label] = plain(np.minimum.accumulate(net.costs[:budget]))
    by_hessian = newton(net, begin, steps)
    plainly = min(curve[-1] for label, curve in costs.items() if "descent" in label)
    checks = (
        *(
            check_claim(
                f"{label}: cost after {budget} gradients",
                costs[label][-1],
                f"below {plainly:.4g}",
                costs[label][-1] < plainly,
            )
            for label in ("conjugate gradient", "BFGS")
        ),
        Check("gradient descent at its best rate", plainly),
        Check(f"{steps} steps with the Hessian", plain(by_hessian[-1])),
        check_expected("entries of the Hessian of 610 weights", net.count**2, 372_100, 0),
    )
    remark = (
        "A step with the Hessian takes 1,220 gradients here, two for each weight, which is why "
        "nobody takes it for a network of any size; where curvature is negative its sign is turned."
    )
    return Result({"costs": costs, "newton": plain(by_hessian)}, checks, remark)
