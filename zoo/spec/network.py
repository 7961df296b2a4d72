"""What every declaration of a network is: checked data with a recipe, a claim, and one hash.

A declaration is frozen data that checks itself when made and travels as canonical JSON with one
hash. A variant is a copy with some fields changed. There are three kinds behind one interface:
`ModelSpec`, a stack of layers; `EnsembleSpec`, several networks that answer together; and
`FunctionSpec`, a Keras function.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, ClassVar, Self

from zoo.errors import SpecError
from zoo.spec import layers, serialization, validation
from zoo.spec.claim import Claim
from zoo.spec.inputs import InputSpec
from zoo.spec.layers import Layer, Shape
from zoo.spec.recipe import RENAMED_SETTINGS, Recipe

# What a declaration may change beside the settings of its recipe.
ARCHITECTURE = ("layers", "input_shape", "classes")


class NetworkSpec:
    """What all kinds of network share: a name, a recipe, the book's claim, and one hash.

    Each kind is a frozen dataclass with at least these fields.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]
    name: str
    recipe: Recipe
    claim: Claim | None
    summary: str
    input: InputSpec

    # By the kind of the one entry in the `layers` of their JSON; '' is a stack of layers.
    KINDS: ClassVar[dict[str, type[NetworkSpec]]] = {}

    def _check_kinds(self) -> None:
        parts = self.name.split(".") if isinstance(self.name, str) else []
        if len(parts) not in (1, 2) or not all(part.isidentifier() for part in parts):
            raise SpecError(
                f"{validation.shown(self.name)} is no name for a network: use letters, digits and "
                "underscores, and a dot before the recipe, as in 'conv2_relu.expanded'"
            )
        for name, kind in (("recipe", Recipe), ("input", InputSpec), ("claim", Claim)):
            value = getattr(self, name)
            if not isinstance(value, kind) and not (name == "claim" and value is None):
                raise SpecError(
                    f"the {name} of {self.name} must be a zoo.{kind.__name__}, not "
                    f"{validation.shown(value)}"
                )

    def _check(self) -> None:
        validation.text(self, "summary")
        # Keras would train these without a word, down the gradient of something else.
        allowed = {
            "cross_entropy": ("sigmoid", "softmax"),
            "log_likelihood": ("softmax",),
        }.get(self.recipe.cost)
        if allowed and self.output_activation not in allowed:
            raise SpecError(
                f"{self.name} has {self.output_activation} outputs, and the {self.recipe.cost} "
                f"cost is for {' or '.join(allowed)} outputs: change the last layer or the cost"
            )

    # --- what each kind answers -------------------------------------------------------------------

    @property
    def members(self) -> tuple[NetworkSpec, ...]:
        """The networks that train apart and answer together; none of a single network."""
        return ()

    def walk(self) -> list[tuple[Layer, Shape, int]]:
        """Each layer with its output shape and its number of parameters, from input to output.

        Those of an ensemble are its members', one after another; a Keras function shows none.
        """
        return [row for member in self.members for row in member.walk()]

    @property
    def output_activation(self) -> str:
        """The activation of the outputs."""
        raise NotImplementedError

    @property
    def output_classes(self) -> int:
        """The number of classes, one an output."""
        raise NotImplementedError

    @property
    def parameters(self) -> int | None:
        """Weights and biases in all; None where only Keras can count them."""
        raise NotImplementedError

    def body(self) -> list[dict[str, Any]]:
        """What the network consists of, as plain data: the `layers` of its JSON."""
        raise NotImplementedError

    @classmethod
    def from_body(cls, body: list[Any], plain: dict[str, Any]) -> NetworkSpec:
        """Read a network of this kind back.

        Args:
            body: The `layers` of its JSON.
            plain: The other attributes by name; recipe, claim and input are records already.
        """
        raise NotImplementedError

    def with_classes(self, classes: int) -> Self:
        """A copy with another number of outputs."""
        raise NotImplementedError

    # --- what follows from it ---------------------------------------------------------------------

    @property
    def hash(self) -> str:
        """SHA-256 of what decides the weights: the body, the input and the recipe, not the words.

        Two specs with one hash train to the same network, whatever they are called.
        """
        plain = self.to_plain()
        kept = ("layers", "input", "classes")
        deciding: dict[str, Any] = {name: plain[name] for name in kept if name in plain}
        deciding["recipe"] = serialization.in_first_spelling(plain["recipe"])
        return serialization.canonical_hash(deciding)

    def with_settings(self, **settings: Any) -> Self:
        """A copy with some settings of its recipe changed, or its `input_shape` or `classes`.

        Raises:
            SpecError: A setting does not exist (the nearest is named), or its value does not fit.
        """
        for name in settings:
            if name in RENAMED_SETTINGS:
                raise SpecError(f"the setting {name!r} is now {RENAMED_SETTINGS[name]!r}")
        known = [*(field.name for field in fields(Recipe)), *ARCHITECTURE]
        validation.known_names(settings, known, f"the recipe of {self.name}")
        changed = {name: settings.pop(name) for name in ARCHITECTURE if name in settings}
        spec = replace(self, recipe=replace(self.recipe, **settings))
        return spec._with_architecture(**changed) if changed else spec

    def _with_architecture(
        self, layers: Any = None, input_shape: Any = None, classes: int | None = None
    ) -> Self:
        if layers is not None:
            raise SpecError(f"{self.name} has no layers of its own to change")
        spec = self if classes is None else self.with_classes(classes)
        if input_shape is None:
            return spec
        return replace(spec, input=replace(spec.input, shape=input_shape))

    def to_plain(self) -> dict[str, Any]:
        """The spec as plain data: dicts, lists, strings and numbers.

        A field at its default is left out, so that a setting that recipes learn one day does not
        change the hash of every older network.
        """
        plain: dict[str, Any] = {
            "name": self.name,
            "layers": self.body(),
            "recipe": layers.non_default_fields(self.recipe),
            "claim": layers.non_default_fields(self.claim) if self.claim else None,
            "summary": self.summary,
        }
        if self.input != InputSpec():
            plain["input"] = layers.non_default_fields(self.input)
        return plain

    def to_json(self, indent: int | None = None) -> str:
        """The spec as canonical JSON: sorted keys, no spaces unless `indent` asks for them."""
        return serialization.canonical_json(self.to_plain(), indent)

    @staticmethod
    def from_json(text: str) -> NetworkSpec:
        """Read a spec of any kind back.

        Raises:
            SpecError: It is no JSON, or a field is missing, unknown, of another type or out of
                range. Nothing that it names is executed: functions are looked up among those that
                were registered.
        """
        return NetworkSpec.from_plain(serialization.parse_json(text, "a spec"))

    @staticmethod
    def from_plain(plain: Any) -> NetworkSpec:
        """Read a spec of any kind back from `to_plain`'s form; SpecError as for `from_json`."""
        if not isinstance(plain, Mapping):
            raise SpecError(f"this is not a spec ({plain!r:.40}): {serialization.EXPECTED}")
        known = ("name", "layers", "recipe", "claim", "summary", "input", "classes")
        validation.known_names(plain, known, "a spec")
        for name in ("name", "layers", "recipe"):
            if name not in plain:
                raise SpecError(f"this is not a spec (no {name!r}): {serialization.EXPECTED}")
        body = plain["layers"]
        if not isinstance(body, list) or not body:
            raise SpecError(f"the spec's layers must be a list of layers, not {body!r}")
        values: dict[str, Any] = {
            "name": plain["name"],
            "recipe": serialization.record(Recipe, plain["recipe"], "the spec's recipe"),
            "claim": None,
            "summary": plain.get("summary", ""),
            "input": serialization.record(InputSpec, plain.get("input", {}), "the spec's input"),
        }
        if plain.get("claim") is not None:
            values["claim"] = serialization.record(Claim, plain["claim"], "the spec's claim")
        if "classes" in plain:
            values["classes"] = plain["classes"]
        first = body[0].get("kind") if isinstance(body[0], Mapping) else None
        kind = NetworkSpec.KINDS.get(str(first), NetworkSpec.KINDS[""])
        return kind.from_body(body, values)
