"""Initial weights: the standard deviations of the book's initializers, by the fans of a layer."""

from __future__ import annotations

import math

from zoo.spec import ConvPool, FullyConnected


def kernel_deviation(kind: str, fan_in: float, fan_out: float) -> float:
    """The standard deviation of a layer's initial weights, which are normal with mean 0.

    Args:
        kind: 'unit_normal' is 1 (network.py), 'lecun_normal' 1/sqrt(fan_in) (network2.py, chapter
            3), 'fan_out_normal' 1/sqrt(fan_out) (network3.py, although chapter 3 argues for
            fan_in), and 'he_normal' sqrt(2/fan_in), for rectified linear units (He et al. 2015).
        fan_in: Inputs of a neuron.
        fan_out: Neurons that an input goes to.
    """
    return {
        "unit_normal": 1.0,
        "lecun_normal": 1 / math.sqrt(fan_in),
        "fan_out_normal": 1 / math.sqrt(fan_out),
        "he_normal": math.sqrt(2 / fan_in),
    }[kind]


def bias_deviation(kind: str) -> float:
    """The standard deviation of initial biases: 1 throughout the book, 0 with 'he_normal'."""
    return 0.0 if kind == "he_normal" else 1.0


def dense_fans(layer: FullyConnected, inputs: int, kind: str) -> tuple[float, int]:
    """Inputs and outputs of a dense layer.

    'he_normal' counts the inputs that dropout and DropConnect leave, since theirs is the variance
    it wants to keep; the book's initializers count all.

    Args:
        layer: The layer.
        inputs: How many numbers come into each of its neurons.
        kind: The initializer, as for `kernel_deviation`.

    Returns:
        The inputs of a neuron, as the initializer counts them, and the number of neurons.
    """
    kept = (1 - layer.dropout) * (1 - layer.dropconnect)
    return (inputs * kept if kind == "he_normal" else inputs), layer.units


def conv_fans(layer: ConvPool, channels: int) -> tuple[int, float]:
    """Inputs and outputs of one neuron of a convolution, as network3.py counts them.

    A filter has kernel^2 x channels inputs. Its outputs are filters x kernel^2 / pool^2, since
    pooling keeps one activation of pool^2. Of several groups, a filter sees the channels of one.

    Args:
        layer: The layer.
        channels: Of its input, all groups together.

    Returns:
        Inputs and outputs of a neuron. The outputs are those of all groups together.
    """
    field = layer.kernel**2
    return field * channels // layer.groups, layer.filters * field / layer.pool**2
