"""Recurrent layers (section 6.5): they read an image row by row, and put out their last state."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.errors import SpecError
from zoo.spec import validation
from zoo.spec.layers import Activation, Shape, register_layer


@dataclass(frozen=True)
class _Recurrent:
    """What recurrent layers share: units that see a row of the image and their own last outputs."""

    units: int

    def __post_init__(self) -> None:
        validation.whole(self, "units")

    def output_shape(self, shape: Shape) -> Shape:
        """Return (units,), for an image or a sequence."""
        row_length(shape)
        return (self.units,)


@register_layer
@dataclass(frozen=True)
class SimpleRNN(_Recurrent):
    """Neurons that see, beside a row of the image, what they put out at the row before.

    h_t = f(x_t W + h_(t-1) U + b), from the first row to the last (Elman 1990).

    >>> SimpleRNN(128).output_shape((28, 28, 1)), SimpleRNN(128).parameters((28, 28, 1))
    ((128,), 20096)
    """

    activation: Activation = "tanh"

    def __str__(self) -> str:
        return f"{self.units} recurrent, row by row, {self.activation}"

    def __post_init__(self) -> None:
        super().__post_init__()
        validation.choice(self, "activation", Activation)

    def parameters(self, shape: Shape) -> int:
        """Return the number of weights, for rows and for the state, and biases."""
        return self.units * (row_length(shape) + self.units + 1)


@register_layer
@dataclass(frozen=True)
class LSTM(_Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), with a forget gate.

    Three gates decide what a unit's memory takes in, forgets and shows, row by row.

    >>> LSTM(128).parameters((28, 28, 1))
    80384
    """

    def __str__(self) -> str:
        return f"{self.units} LSTM units, row by row"

    def parameters(self, shape: Shape) -> int:
        """Return the number of weights and biases: four times those of a SimpleRNN."""
        return 4 * self.units * (row_length(shape) + self.units + 1)


def row_length(shape: Shape) -> int:
    """Numbers in a row of an image [height, width, channels], as a recurrent layer reads it.

    Raises:
        SpecError: The input is no image.
    """
    if len(shape) != 3:
        raise SpecError(
            f"a recurrent layer reads an image row by row, but the layer before it puts out "
            f"{shape}: place it before the fully connected layers"
        )
    return shape[1] * shape[2]
