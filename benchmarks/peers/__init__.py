"""The same network trained by several programs, each as its users would write it.

Each module `with_<peer>.py` has a class `Program` that keeps to the one described here. All start
from the same weights, take the same steps of ten images by the network's recipe, and read images
that are in memory before the clock starts. `python -m benchmarks.peers` times one of them.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from zoo.data import Split
from zoo.registry import get_spec
from zoo.spec import IMAGE_SHAPE, ConvPool, ModelSpec, Shape, Softmax

PEERS = (
    "zoo", "zoo_onednn", "keras", "keras_tuned", "torch", "torch_channels_last", "torch_compiled",
    "jax", "numpy",
)  # fmt: skip

Weights = list[tuple[np.ndarray, np.ndarray]]


class Program(Protocol):
    """A network that learns by the recipe of `spec`, from `initial_weights(spec)`."""

    def __init__(self, spec: ModelSpec, weights: Weights) -> None: ...

    def prepare(self, split: Split) -> Any:
        """The images and labels as the program wants them in memory."""

    def train(self, data: Any, epochs: int) -> None:
        """Take all steps of so many epochs over what `prepare` returned."""

    def answer(self, data: Any) -> np.ndarray:
        """The digit the network sees in each image."""


def spec_of(net: str) -> ModelSpec:
    """The network that is trained, in batches of another size where its name goes on with one.

    The learning rate grows with the batch, so that an epoch brings as much.

    >>> recipe = spec_of("conv2_relu:50").recipe
    >>> recipe.batch_size, round(recipe.learning_rate, 2)
    (50, 0.15)
    """
    name, _, size = net.partition(":")
    spec = get_spec(name)
    if not size:
        return spec
    rate = spec.recipe.learning_rate * int(size) / spec.recipe.batch_size
    return spec.with_settings(batch_size=int(size), learning_rate=rate)


def initial_weights(spec: ModelSpec, seed: int = 0) -> Weights:
    """A kernel and a bias for each layer, float32, in the shapes that Keras gives them.

    Kernels are normal with deviation 1/sqrt(inputs), biases with 1; a softmax layer starts at 0.
    """
    generator = np.random.default_rng(seed)
    weights = []
    for layer, shape in with_inputs(spec):
        if isinstance(layer, ConvPool):
            kernel = (layer.kernel, layer.kernel, shape[-1], layer.filters)
        else:
            kernel = (math.prod(shape), layer.units)
        scale = 0.0 if isinstance(layer, Softmax) else 1.0
        drawn = generator.normal(0, scale / math.sqrt(math.prod(kernel[:-1])), kernel)
        bias = generator.normal(0, scale, kernel[-1])
        weights.append((drawn.astype("float32"), bias.astype("float32")))
    return weights


def with_inputs(spec: ModelSpec) -> list[tuple[Any, Shape]]:
    """Each layer with the shape of its input."""
    rows = spec.walk()
    shapes = [IMAGE_SHAPE, *(output for _, output, _ in rows)]
    return [(layer, shape) for (layer, _, _), shape in zip(rows, shapes, strict=False)]


def decay(spec: ModelSpec) -> float:
    """By what the cost's L2 term pulls at a weight w, as a factor of w (eq. 88: lambda / n)."""
    recipe = spec.recipe
    return recipe.l2 / (recipe.images if recipe.lambda_per == "image" else recipe.batches)


def floats(images: np.ndarray) -> np.ndarray:
    """Bytes as the book's floats, byte / 256."""
    return images.astype("float32") / 256
