"""Networks whose hidden layers differ in size, in one program: filled up with idle neurons.

A neuron that was added has no weights in or out and puts out 0, so no gradient reaches it, and what
the others learn does not change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import cast

import numpy as np

from zoo.spec import FullyConnected, ModelSpec

# A sigmoid of this is 0; of 0 the other activations are.
SILENT = {"sigmoid": -1e30}

# Weights of a network up to which it costs less to be filled up than to be trained apart.
SMALL = 60_000

# The most that a larger network's weights may grow by.
GROWTH = 2.0


def unsized(template: ModelSpec) -> ModelSpec:
    """A declaration without the sizes of its hidden layers: equal for networks that may share."""
    return _resized(template, [1] * (len(template.layers) - 1))


def widest(templates: Sequence[ModelSpec]) -> ModelSpec:
    """The declaration that holds all of some.

    Args:
        templates: One or more, which differ in the sizes of hidden layers alone.

    Returns:
        The first with the largest size of each layer, rounded up to a multiple of 16 where sizes
        differ, so that other networks find the same program.
    """
    sizes = [_sizes(template) for template in templates]
    if sizes.count(sizes[0]) == len(sizes):
        return templates[0]
    return rounded(_resized(templates[0], [*map(max, zip(*sizes, strict=True))]))


def rounded(template: ModelSpec) -> ModelSpec:
    """The declaration with its hidden layers rounded up to multiples of 16."""
    return _resized(template, [-(-size // 16) * 16 for size in _sizes(template)])


def fits(templates: Sequence[ModelSpec], inputs: int) -> bool:
    """Whether filling up networks costs less than to train them apart.

    Args:
        templates: Declarations that differ in the sizes of hidden layers alone.
        inputs: Numbers an image.
    """
    least = min(weights(template, inputs) for template in templates)
    return weights(widest(templates), inputs) <= max(SMALL, GROWTH * least)


def holds(larger: ModelSpec, template: ModelSpec) -> bool:
    """Whether networks of one declaration, filled up, become those of another."""
    pairs = zip(_sizes(larger), _sizes(template), strict=True)
    return unsized(larger) == unsized(template) and all(most >= size for most, size in pairs)


def weights(template: ModelSpec, inputs: int) -> int:
    """How many a network has, its biases aside.

    Args:
        template: Its declaration.
        inputs: Numbers an image.
    """
    sizes = [inputs, *_sizes(template), template.output_classes]
    return sum(before * after for before, after in pairwise(sizes))


def fill(arrays: Sequence[np.ndarray], template: ModelSpec, *, silent: bool) -> list[np.ndarray]:
    """The arrays of a network, in Keras' order, filled up to the sizes of a template.

    Args:
        arrays: A kernel [inputs, units] and a bias [units] a layer.
        template: The declaration with the sizes that they are to have.
        silent: Whether they are weights; False for velocities, which are filled with 0.
    """
    filled, before = [], 0
    for index, layer in enumerate(template.layers):
        kernel, bias = arrays[2 * index : 2 * index + 2]
        more = getattr(layer, "units", len(bias)) - len(bias)
        value = SILENT.get(getattr(layer, "activation", ""), 0.0) if silent else 0.0
        filled.append(np.pad(kernel, [(0, before), (0, more)]))
        filled.append(np.pad(bias, (0, more), constant_values=value))
        before = more
    return filled


def cut(arrays: Sequence[np.ndarray], shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
    """What `fill` was given, by the shapes that it had."""
    return [array[tuple(map(slice, shape))] for array, shape in zip(arrays, shapes, strict=True)]


def _hidden(template: ModelSpec) -> list[FullyConnected]:
    return [cast(FullyConnected, layer) for layer in template.layers[:-1]]


def _sizes(template: ModelSpec) -> list[int]:
    return [layer.units for layer in _hidden(template)]


def _resized(template: ModelSpec, sizes: Sequence[int]) -> ModelSpec:
    pairs = zip(_hidden(template), sizes, strict=True)
    hidden = [replace(layer, units=units) for layer, units in pairs]
    return replace(template, layers=(*hidden, template.layers[-1]))
