"""The declaration of one network: a stack of layers, its recipe, and the book's claim for it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from zoo.errors import SpecError
from zoo.spec import layers, validation
from zoo.spec.claim import Claim
from zoo.spec.inputs import InputSpec
from zoo.spec.layers import Layer, Shape
from zoo.spec.network import NetworkSpec
from zoo.spec.recipe import Recipe


@dataclass(frozen=True)
class ModelSpec(NetworkSpec):
    """One network of the zoo: a name, its layers, the recipe that trains it, the book's claim.

    Attributes:
        name: The architecture, and after a dot the recipe, as in 'conv2_relu.expanded'.
        layers: The layers, from the first to the outputs.
        recipe: How it is trained.
        claim: What the book reports for it.
        summary: What it is, in a few words.
        input: The images that go in.
        classes: The number of outputs, if it is given; it is that of the last layer.

    Raises:
        SpecError: A layer does not fit the one before it, or the outputs do not fit the cost.

    >>> tiny = ModelSpec("tiny", (layers.FullyConnected(10),), Recipe(
    ...     cost="quadratic", epochs=1, learning_rate=3.0))
    >>> tiny.parameters, tiny.classes
    (7850, 10)
    >>> ModelSpec.from_json(tiny.to_json()) == tiny
    True
    """

    name: str
    layers: tuple[Layer, ...]
    recipe: Recipe
    claim: Claim | None = None
    summary: str = ""
    input: InputSpec = field(default_factory=InputSpec)
    classes: int | None = None

    def __post_init__(self) -> None:
        self._check_kinds()  # `walk` needs the input
        object.__setattr__(self, "layers", layers.checked(self.layers, self.name))
        shape = self.walk()[-1][1]
        self._check()
        if len(shape) != 1:
            raise SpecError(f"{self.name} puts out {shape}: end with a dense layer")
        if self.classes is not None:
            validation.whole(self, "classes")
        if self.classes not in (None, shape[0]):
            raise SpecError(
                f"{self.name} has {shape[0]} outputs, and classes says {self.classes}: give the "
                f"last layer {self.classes} units, or give classes=None"
            )
        object.__setattr__(self, "classes", shape[0])

    def walk(self) -> list[tuple[Layer, Shape, int]]:
        """Return each layer with its output shape and number of parameters, in order."""
        return layers.walk(self.layers, self.input.shape)

    @property
    def output_activation(self) -> str:
        """The activation of the last layer."""
        return str(getattr(self.layers[-1], "activation", "softmax"))

    @property
    def output_classes(self) -> int:
        """The number of classes: the length of the last layer's output."""
        return self.walk()[-1][1][0]

    @property
    def parameters(self) -> int:
        """The number of weights and biases."""
        return sum(parameters for _, _, parameters in self.walk())

    def body(self) -> list[dict[str, Any]]:
        """Return the layers as plain data."""
        return [layers.to_plain(layer) for layer in self.layers]

    @classmethod
    def from_body(cls, body: list[Any], plain: dict[str, Any]) -> ModelSpec:
        """Read a network from plain data.

        Args:
            body: The layers, as `layers.to_plain` gives them.
            plain: The other attributes, already records.

        Raises:
            SpecError: A layer's kind or a field is unknown, a value is out of range, or the layers
                do not fit each other or the recipe.
        """
        read = (layers.from_plain(layer, f"layer {index}") for index, layer in enumerate(body))
        return ModelSpec(layers=tuple(read), **plain)

    def with_classes(self, classes: int) -> ModelSpec:
        """Return this network with another number of outputs."""
        return replace(self, layers=layers.with_outputs(self.layers, classes), classes=None)

    def _with_architecture(
        self, layers: Any = None, input_shape: Any = None, classes: int | None = None
    ) -> ModelSpec:
        spec = self if layers is None else replace(self, layers=layers, classes=None)
        if input_shape is not None:
            spec = replace(spec, input=replace(spec.input, shape=input_shape), classes=None)
        return spec if classes is None else spec.with_classes(classes)


NetworkSpec.KINDS[""] = ModelSpec
