"""The layers that a network is declared with: frozen records that know their shapes and sizes.

Dense layers are here, `ConvPool` is in convolution.py, and recurrent layers in recurrent.py. They
hold no Keras; `zoo/nn/builder.py` turns each kind into Keras layers. A kind of your own is a
frozen dataclass that `register_layer` makes known, and a function for it in the builder.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Protocol, TypeVar

from zoo.errors import SpecError, nearest
from zoo.spec import validation

Shape = tuple[int, ...]
Activation = Literal["sigmoid", "tanh", "relu", "linear"]


class Layer(Protocol):
    """What every kind of layer can tell of itself; `str` describes it in a line."""

    def output_shape(self, shape: Shape) -> Shape:
        """The shape that it puts out, given its input's; SpecError where that does not fit."""

    def parameters(self, shape: Shape) -> int:
        """Its weights and biases, given its input's shape."""


Kind = TypeVar("Kind", bound=type)
KINDS: dict[str, type] = {}


def register_layer(kind: Kind) -> Kind:
    """Make a kind of layer known by its class name, so that declarations in JSON can name it.

    A class of the same module and qualified name replaces the earlier one, as where a cell of a
    notebook is run again.

    Args:
        kind: A frozen dataclass with the methods of `Layer`, whose fields are plain data.

    Returns:
        The class itself, so that this can stand above it as a decorator.

    Raises:
        SpecError: The name is taken by another kind.
    """
    there = KINDS.get(kind.__name__, kind)
    if (there.__module__, there.__qualname__) != (kind.__module__, kind.__qualname__):
        raise SpecError(f"a layer kind {kind.__name__!r} is there already: choose another name")
    KINDS[kind.__name__] = kind
    return kind


@register_layer
@dataclass(frozen=True)
class FullyConnected:
    """A dense layer; `dropout` is the chance that one of its *inputs* is dropped in training.

    `dropconnect` is the chance that one of its weights and biases is (Wan et al. 2013), drawn
    afresh for every image.

    >>> FullyConnected(30).parameters((28, 28, 1))
    23550
    """

    units: int
    activation: Activation = "sigmoid"
    dropout: float = 0.0
    dropconnect: float = 0.0

    def __str__(self) -> str:
        return f"{self.units} fully connected, {self.activation}{_dropped(self)}"

    def __post_init__(self) -> None:
        validation.whole(self, "units")
        validation.choice(self, "activation", Activation)
        validation.real(self, "dropout", "dropconnect", least=0, below=1)

    def output_shape(self, shape: Shape) -> Shape:
        """Return (units,)."""
        return (self.units,)

    def parameters(self, shape: Shape) -> int:
        """Return the number of weights and biases."""
        return self.units * (math.prod(shape) + 1)


@register_layer
@dataclass(frozen=True)
class Softmax:
    """The output layer of chapter 6: dense, its activations a distribution (chapter 3, eq. 78)."""

    units: int = 10
    dropout: float = 0.0

    def __str__(self) -> str:
        return f"{self.units} fully connected, softmax{_dropped(self)}"

    def __post_init__(self) -> None:
        validation.whole(self, "units")
        validation.real(self, "dropout", least=0, below=1)

    def output_shape(self, shape: Shape) -> Shape:
        """Return (units,)."""
        return (self.units,)

    def parameters(self, shape: Shape) -> int:
        """Return the number of weights and biases."""
        return self.units * (math.prod(shape) + 1)


def checked(layers: Any, where: str) -> tuple[Layer, ...]:
    """Layers as a tuple, each of a registered kind.

    Args:
        layers: Any sequence.
        where: What they are of, as the error names it.

    Raises:
        SpecError: There are none, or something else stands among them.
    """
    given = validation.as_tuple(layers)
    if given is None:
        raise SpecError(
            f"the layers of {where} must be a sequence of layers, not {validation.shown(layers)}"
        )
    if not given:
        raise SpecError(f"{where} has no layers: give it at least an output layer")
    for layer in given:
        if KINDS.get(type(layer).__name__) is not type(layer):
            raise SpecError(
                f"{validation.shown(layer)} is no layer that {where} could have: its kind is not "
                f"registered. Kinds: {', '.join(KINDS)}."
            )
    return given


def with_outputs(layers: tuple[Layer, ...], units: int) -> tuple[Layer, ...]:
    """The layers with another number of outputs: the last one's units replaced.

    Args:
        layers: One or more; nothing but the last is changed.
        units: 1 or more.

    Raises:
        SpecError: The last layer has no units.
    """
    *body, last = layers
    outputs: Any = last  # of whatever kind
    if not hasattr(last, "units"):
        raise SpecError(f"the last layer ({last}) has no units to set: end with a dense layer")
    return (*body, replace(outputs, units=units))


def walk(layers: Iterable[Layer], shape: Shape) -> list[tuple[Layer, Shape, int]]:
    """Each layer with its output shape and number of parameters, given the input's shape.

    Args:
        layers: In order, the first next to the input.
        shape: Of one input, without the number of images.

    Returns:
        A row for each layer: the layer, the shape of one output, and its weights and biases in all.

    Raises:
        SpecError: A layer does not fit the one before it.
    """
    rows = []
    for layer in layers:
        parameters = layer.parameters(shape)
        shape = layer.output_shape(shape)
        rows.append((layer, shape, parameters))
    return rows


def to_plain(layer: Layer) -> dict[str, Any]:
    """A layer as plain data for JSON: its fields, and its `kind`."""
    return {"kind": type(layer).__name__, **non_default_fields(layer)}


def non_default_fields(record: Any) -> dict[str, Any]:
    """The fields of a record that are not at their defaults."""
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    defaults = {field.name: field.default for field in fields(record)}
    return {name: value for name, value in values.items() if value != defaults[name]}


def from_plain(plain: Any, where: str = "layer") -> Layer:
    """Read a layer back from `to_plain`'s form.

    Args:
        plain: A mapping with the layer's `kind` and its fields; a field left out is at its default.
        where: What it is, as the error names it.

    Raises:
        SpecError: The kind or a field is unknown, or a value out of range.
    """
    kind = plain.get("kind") if isinstance(plain, Mapping) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise SpecError(
            f"{where} is of no known kind ({kind!r}).{nearest(str(kind), KINDS)} "
            f"Kinds: {', '.join(KINDS)}."
        )
    values = {name: value for name, value in plain.items() if name != "kind"}
    known = [field.name for field in fields(KINDS[kind])]
    validation.known_names(values, known, f"{where}, a {kind},")
    try:
        return KINDS[kind](**values)
    except TypeError as error:
        raise SpecError(f"{where}, a {kind}, cannot be made: {error}") from error


def _dropped(layer: FullyConnected | Softmax) -> str:
    shares = {"inputs": layer.dropout, "weights": getattr(layer, "dropconnect", 0.0)}
    parts = [
        f", drops {100 * share:.0f} % of its {what}" for what, share in shares.items() if share
    ]
    return "".join(parts)
