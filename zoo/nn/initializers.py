"""Initial weights: the standard deviations of the book's initializers, by the fans of a layer."""

from __future__ import annotations

import math

from zoo.spec import ConvPool, FullyConnected


def kernel_deviation(kind: str, fan_in: float, fan_out: float) -> float:
    """The standard deviation of a layer's initial weights, which are normal with mean 0.

    'large' is 1 (network.py), 'scaled' 1/sqrt(fan_in) (network2.py, chapter 3), 'network3'
    1/sqrt(fan_out), although chapter 3 argues for fan_in, and 'he' sqrt(2/fan_in), for rectified
    linear units (He et al. 2015).
    """
    return {
        "large": 1.0,
        "scaled": 1 / math.sqrt(fan_in),
        "network3": 1 / math.sqrt(fan_out),
        "he": math.sqrt(2 / fan_in),
    }[kind]


def bias_deviation(kind: str) -> float:
    """The standard deviation of initial biases: 1 throughout the book, 0 with 'he'."""
    return 0.0 if kind == "he" else 1.0


def dense_fans(layer: FullyConnected, inputs: int, kind: str) -> tuple[float, int]:
    """Inputs and outputs of a dense layer.

    'he' counts the inputs that dropout leaves, since theirs is the variance it wants to keep; the
    book's initializers count all.
    """
    return (inputs * (1 - layer.dropout) if kind == "he" else inputs), layer.units


def conv_fans(layer: ConvPool, channels: int) -> tuple[int, float]:
    """Inputs and outputs of one neuron of a convolution, as network3.py counts them.

    A filter has kernel^2 x channels inputs. Its outputs are filters x kernel^2 / pool^2, since
    pooling keeps one activation of pool^2.
    """
    field = layer.kernel**2
    return field * channels, layer.filters * field / layer.pool**2
