"""Perceptrons and sigmoid neurons: what one neuron can do."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from zoo.lab import style
from zoo.lab.experiment import Bench, Check, Outcome, experiment, plain


def draw_sigmoid_vs_step(data: dict[str, Any]) -> Figure:
    """Both functions over z."""
    drawn, axes = style.figure()
    axes.plot(data["z"], data["sigmoid"], **style.line(0, label="sigmoid, 1 / (1 + exp(-z))"))
    axes.plot(data["z"], data["step"], **style.line(1, label="step: 1 where z > 0"))
    axes.set(xlabel="z = w·x + b", ylabel="output of the neuron")
    style.legend_above(axes)
    return drawn


@experiment("ch1_sigmoid_vs_step", "The sigmoid is a smooth step", draw=draw_sigmoid_vs_step)
def sigmoid_vs_step(bench: Bench) -> Outcome:
    """A sigmoid neuron is a perceptron whose output changes a little when its weights do."""
    z = np.linspace(-5, 5, 201)
    sigmoid = 1 / (1 + np.exp(-z))
    data = {"z": plain(z), "sigmoid": plain(sigmoid), "step": plain(z > 0)}
    middle = float(sigmoid[100])
    return Outcome(data, (Check("sigmoid(0)", middle, 0.5, middle == 0.5),))
