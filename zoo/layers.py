"""The layers that a network is declared with: frozen records that know their shapes and sizes.

They hold no Keras; `zoo/builder.py` turns each kind into Keras layers.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from zoo import checks
from zoo.errors import SpecError, nearest

Shape = tuple[int, ...]
Activation = Literal["sigmoid", "tanh", "relu", "linear"]
Rule = Literal["plurality", "mean"]

# The book's images are floats byte / 256, so that black is 0.996 and not 1.
PIXEL_SCALE = 1 / 256

# How far a vote's shares are moved towards the mean probabilities: too little to outweigh a vote,
# enough to tell two digits with equal votes apart.
TIE_BREAK = 1 / 1000


@dataclass(frozen=True)
class ConvPool:
    """A convolution (valid, stride 1), max-pooling, and an activation (chapter 6, eq. 125).

    >>> ConvPool(20).output_shape((28, 28, 1)), ConvPool(20).parameters((28, 28, 1))
    ((12, 12, 20), 520)
    """

    filters: int
    activation: Activation = "sigmoid"
    kernel: int = 5
    pool: int = 2

    def __str__(self) -> str:
        size = f"{self.kernel}x{self.kernel}"
        pool = f"{self.pool}x{self.pool}"
        return f"{self.filters} filters {size}, max-pool {pool}, {self.activation}"

    def __post_init__(self) -> None:
        checks.whole(self, "filters", "kernel", "pool")
        checks.choice(self, "activation", Activation)

    def output_shape(self, shape: Shape) -> Shape:
        height, width, _ = _as_image(shape)
        side = [(length - self.kernel + 1) // self.pool for length in (height, width)]
        if min(side) < 1:
            raise SpecError(
                f"a {self.kernel}x{self.kernel} convolution with {self.pool}x{self.pool} pooling "
                f"does not fit an input of {height}x{width}: use a smaller kernel or fewer layers"
            )
        return (*side, self.filters)

    def parameters(self, shape: Shape) -> int:
        channels = _as_image(shape)[2]
        return self.filters * (self.kernel**2 * channels + 1)


@dataclass(frozen=True)
class FullyConnected:
    """A dense layer; `dropout` is the chance that one of its *inputs* is dropped in training.

    >>> FullyConnected(30).parameters((28, 28, 1))
    23550
    """

    units: int
    activation: Activation = "sigmoid"
    dropout: float = 0.0

    def __str__(self) -> str:
        return f"{self.units} fully connected, {self.activation}{_dropped(self.dropout)}"

    def __post_init__(self) -> None:
        checks.whole(self, "units")
        checks.choice(self, "activation", Activation)
        checks.real(self, "dropout", least=0, below=1)

    def output_shape(self, shape: Shape) -> Shape:
        return (self.units,)

    def parameters(self, shape: Shape) -> int:
        return self.units * (math.prod(shape) + 1)


@dataclass(frozen=True)
class Softmax:
    """The output layer of chapter 6: dense, its activations a distribution (chapter 3, eq. 78)."""

    units: int = 10
    dropout: float = 0.0

    def __str__(self) -> str:
        return f"{self.units} fully connected, softmax{_dropped(self.dropout)}"

    def __post_init__(self) -> None:
        checks.whole(self, "units")
        checks.real(self, "dropout", least=0, below=1)

    def output_shape(self, shape: Shape) -> Shape:
        return (self.units,)

    def parameters(self, shape: Shape) -> int:
        return self.units * (math.prod(shape) + 1)


@dataclass(frozen=True)
class Vote:
    """Several networks, trained apart, that answer together (chapter 6); each member is its layers.

    By the rule 'plurality', the book's, each member votes for one digit, and the outputs are the
    shares of the votes; of digits with equal shares the one with the higher mean probability wins.
    By 'mean' the outputs are the means of the members' probabilities. `weights`, one a member, make
    some members count for more, by either rule. Raises SpecError where members or weights do not
    fit each other.
    """

    members: tuple[tuple[Layer, ...], ...]
    rule: Rule = "plurality"
    weights: tuple[float, ...] = ()

    def __str__(self) -> str:
        weighted = ", weighted" if self.weights else ""
        return f"{len(self.members)} networks answer together, by {self.rule}{weighted}"

    def __post_init__(self) -> None:
        checks.choice(self, "rule", Rule)
        checks.positives(self, "weights")
        object.__setattr__(self, "members", tuple(tuple(member) for member in self.members))
        if not self.members or not all(self.members):
            raise SpecError("a vote needs members: give each as a tuple of layers")
        if self.weights and len(self.weights) != len(self.members):
            raise SpecError(
                f"{len(self.members)} members vote, and {len(self.weights)} weights are given: "
                "give one a member, or none"
            )

    def output_shape(self, shape: Shape) -> Shape:
        shapes = {walk(member, shape)[-1][1] for member in self.members}
        if len(shapes) > 1:
            raise SpecError(f"the members of a vote put out different shapes: {sorted(shapes)}")
        return shapes.pop()

    def parameters(self, shape: Shape) -> int:
        return sum(row[2] for member in self.members for row in walk(member, shape))


@dataclass(frozen=True)
class KerasFunction:
    """A whole network written as a function that returns a Keras model of bytes 28x28x1.

    In JSON it is `module:name`, and it is read back only from a module that is already imported:
    a declaration never causes code to be loaded.
    """

    function: Callable[[], Any]

    def __str__(self) -> str:
        return f"the Keras function {self.reference}"

    @property
    def reference(self) -> str:
        return f"{self.function.__module__}:{self.function.__qualname__}"


Layer = ConvPool | FullyConnected | Softmax | Vote | KerasFunction
KINDS = {kind.__name__: kind for kind in get_args(Layer)}


def walk(layers: Iterable[Layer], shape: Shape) -> list[tuple[Layer, Shape, int]]:
    """Each layer with its output shape and number of parameters, given the input's shape.

    Raises SpecError where a layer does not fit the one before it.
    """
    rows = []
    for layer in layers:
        if isinstance(layer, KerasFunction):
            raise SpecError(f"only Keras can count the layers of {layer.reference}: build it")
        parameters = layer.parameters(shape)
        shape = layer.output_shape(shape)
        rows.append((layer, shape, parameters))
    return rows


def to_plain(layer: Layer) -> dict[str, Any]:
    """A layer as plain data for JSON: its fields, and its `kind`."""
    if isinstance(layer, KerasFunction):
        return {"kind": "KerasFunction", "function": layer.reference}
    plain = told_fields(layer)
    if isinstance(layer, Vote):
        plain["members"] = [[to_plain(part) for part in member] for member in layer.members]
    return {"kind": type(layer).__name__, **plain}


def told_fields(record: Any) -> dict[str, Any]:
    """The fields of a record that are not at their defaults."""
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    defaults = {field.name: field.default for field in fields(record)}
    return {name: value for name, value in values.items() if value != defaults[name]}


def from_plain(plain: dict[str, Any], where: str = "layer") -> Layer:
    """Read a layer back from `to_plain`'s form; SpecError for a kind or field that is unknown."""
    kind = plain.get("kind") if isinstance(plain, dict) else None
    if kind not in KINDS:
        raise SpecError(
            f"{where} is of no known kind ({kind!r}).{nearest(str(kind), KINDS)} "
            f"Kinds: {', '.join(KINDS)}."
        )
    values = {name: value for name, value in plain.items() if name != "kind"}
    checks.known_names(values, [field.name for field in fields(KINDS[kind])], f"{where}, a {kind},")
    if kind == "KerasFunction":
        return KerasFunction(_loaded_function(values["function"]))
    if kind == "Vote":
        values["members"] = tuple(
            tuple(from_plain(part, f"{where}.members") for part in member)
            for member in values["members"]
        )
    return KINDS[kind](**values)


def _loaded_function(reference: str) -> Callable[[], Any]:
    module, _, name = reference.partition(":")
    function = getattr(sys.modules.get(module), name, None)
    if not callable(function):
        raise SpecError(f"{reference} builds this network but is not loaded: import {module} first")
    return function


def _dropped(dropout: float) -> str:
    return f", drops {dropout:.0%} of its inputs".replace("%", " %") if dropout else ""


def _as_image(shape: Shape) -> Shape:
    if len(shape) != 3:
        raise SpecError(
            f"a ConvPool layer needs an image, but the layer before it puts out {shape}: "
            "place it before the fully connected layers"
        )
    return shape
