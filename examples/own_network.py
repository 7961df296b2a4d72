"""Networks of your own: one from declared layers, one with a new layer kind, one written in Keras.

python examples/own_network.py

On the command line, `python -m zoo --import own_network list`, run in this folder, knows them too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import keras

import zoo
from zoo.nn.builder import add_layer
from zoo.spec import validation


# A layer kind is a frozen record that knows its shapes and sizes ...
@zoo.register_layer
@dataclass(frozen=True)
class Gelu:
    """A dense layer of GELU neurons (Hendrycks and Gimpel 2016)."""

    units: int

    def __post_init__(self) -> None:
        validation.whole(self, "units")

    def __str__(self) -> str:
        return f"{self.units} fully connected, gelu"

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """One number per neuron."""
        return (self.units,)

    def parameters(self, shape: tuple[int, ...]) -> int:
        """A weight per input and a bias, for each neuron."""
        return self.units * (math.prod(shape) + 1)


# ... and a function that adds it to a Keras graph, with initial weights from the network's seed.
@add_layer.register
def _(layer: Gelu, x, context):
    if len(x.shape) > 2:
        x = keras.layers.Flatten(name=context.name("flatten"))(x)
    initializer = context.initial((2 / x.shape[-1]) ** 0.5)
    return keras.layers.Dense(
        layer.units, "gelu", kernel_initializer=initializer, name=context.name("gelu")
    )(x)


RECIPE = zoo.Recipe(cost="log_likelihood", epochs=3, learning_rate=0.05)

zoo.register(
    zoo.ModelSpec(
        "wide_filters",
        (zoo.ConvPool(20, "relu", kernel=9), zoo.Softmax()),
        RECIPE,
        summary="20 filters of 9x9",
    )
)
zoo.register(zoo.ModelSpec("gelu30", (Gelu(30), zoo.Softmax()), RECIPE, summary="30 GELU neurons"))


@zoo.register("my_net", recipe=RECIPE)
def my_net() -> keras.Model:
    """Two dense layers, written in Keras."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Rescaling(1 / 256),
            keras.layers.Flatten(),
            keras.layers.Dense(64, "relu"),
            keras.layers.Dense(10, "softmax"),
        ]
    )


NAMES = ("wide_filters", "gelu30", "my_net")


def main(images: int = 50_000, epochs: int = 3) -> dict[str, zoo.Score]:
    """Train each network on the first images, and score it on the test images."""
    data = zoo.load_data().take(images)
    scores = {}
    for name in NAMES:
        result = zoo.train(name, data, epochs=epochs, seed=1)
        scores[name] = zoo.evaluate(result.model, data.test)
        print(f"{name}: {scores[name]}")
    return scores


if __name__ == "__main__":
    main()
