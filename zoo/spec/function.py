"""The declaration of a network that a Keras function builds, and the functions that may be named.

In JSON a function is `module:name`, and it is read back only from among those that were registered:
a declaration never causes code to be imported, looked up or run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from zoo.errors import SpecError, nearest
from zoo.spec import validation
from zoo.spec.claim import Claim
from zoo.spec.inputs import InputSpec
from zoo.spec.network import NetworkSpec
from zoo.spec.recipe import Recipe

# The kind of a Keras function in JSON.
KIND = "KerasFunction"

_FUNCTIONS: dict[str, Callable[[], Any]] = {}


def reference_of(function: Callable[[], Any]) -> str:
    """The name of a function in JSON: `module:name`."""
    return f"{function.__module__}:{function.__qualname__}"


def register_function(function: Callable[[], Any]) -> None:
    """Let declarations in JSON name a function that builds a Keras model."""
    _FUNCTIONS[reference_of(function)] = function


@dataclass(frozen=True)
class FunctionSpec(NetworkSpec):
    """A whole network written as a function that takes nothing and returns a Keras model.

    Attributes:
        function: It returns a `keras.Model` of byte images with one probability a class. Its
            layers have initializers of their own: the recipe's `initializer` is not for them.
        classes: The number of classes.

    The other attributes are those of `ModelSpec`.
    """

    name: str
    function: Callable[[], Any]
    recipe: Recipe
    claim: Claim | None = None
    summary: str = ""
    input: InputSpec = field(default_factory=InputSpec)
    classes: int = 10

    def __post_init__(self) -> None:
        self._check_kinds()
        if not callable(self.function) or not hasattr(self.function, "__qualname__"):
            raise SpecError(
                f"{self.name} needs a function with a name, by def, that returns a Keras model, "
                f"not {validation.shown(self.function)}"
            )
        validation.whole(self, "classes")
        self._check()
        if self.recipe.l1 or self.recipe.l2:
            raise SpecError(
                f"{self.name} is a Keras function, whose weights no l1 or l2 of a recipe reaches: "
                "give its layers a kernel_regularizer, and the recipe l1=0.0, l2=0.0"
            )

    @property
    def output_activation(self) -> str:
        """Taken to be softmax: only Keras knows."""
        return "softmax"

    @property
    def output_classes(self) -> int:
        """The number of classes, as declared."""
        return self.classes

    @property
    def parameters(self) -> None:
        """Only Keras can count them."""
        return

    def __str__(self) -> str:
        return f"the Keras function {reference_of(self.function)}"

    def body(self) -> list[dict[str, Any]]:
        """Return the function's registered name as plain data, under `layers`."""
        return [{"kind": KIND, "function": reference_of(self.function)}]

    def to_plain(self) -> dict[str, Any]:
        """Return this declaration as plain data, for JSON."""
        plain = super().to_plain()
        return plain if self.classes == 10 else {**plain, "classes": self.classes}

    @classmethod
    def from_body(cls, body: list[Any], plain: dict[str, Any]) -> FunctionSpec:
        """Read a function's declaration from plain data.

        Args:
            body: One `KerasFunction`, with the registered name of its function.
            plain: The other attributes, already records.

        Raises:
            SpecError: Something stands beside it, a field of it is unknown, or no function of the
                name is registered.
        """
        (layer, *rest) = body
        if rest:
            raise SpecError("a KerasFunction stands alone in a spec's layers")
        validation.known_names(layer, ("kind", "function"), "layer 0, a KerasFunction,")
        name = layer.get("function")
        if not isinstance(name, str) or name not in _FUNCTIONS:
            raise SpecError(
                f"no function {name!r} is registered.{nearest(str(name), _FUNCTIONS)} Import the "
                "module whose @zoo.register names it first, as in `zoo --import MODULE ...`"
            )
        return FunctionSpec(function=_FUNCTIONS[name], **plain)

    def with_classes(self, classes: int) -> FunctionSpec:
        """Return this declaration if it has so many classes, else refuse."""
        if validation.whole_number(classes, "classes") == self.classes:
            return self
        raise SpecError(
            f"{self.name} is a Keras function with {self.classes} outputs, which cannot be made "
            f"{classes}: register a function with {classes} outputs"
        )

    def _with_architecture(
        self, layers: Any = None, input_shape: Any = None, classes: int | None = None
    ) -> FunctionSpec:
        shape = self.input.shape if input_shape is None else InputSpec(input_shape).shape
        if shape != self.input.shape:
            raise SpecError(
                f"{self.name} is a Keras function of images {self.input.shape}, which cannot be "
                f"made {shape}: register a function for them"
            )
        return super()._with_architecture(layers, None, classes)


NetworkSpec.KINDS[KIND] = FunctionSpec
