"""The declaration of a network: its layers, its recipe, and what the book claims for it.

A declaration is frozen data that checks itself when made and travels as canonical JSON with one
hash. A variant is a copy with some fields changed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from typing import Any

from zoo.errors import SpecError
from zoo.spec import layers, serialization, validation
from zoo.spec.claim import Claim
from zoo.spec.layers import KerasFunction, Layer, Shape, Vote
from zoo.spec.recipe import RENAMED_SETTINGS, Recipe

IMAGE_SHAPE: Shape = (28, 28, 1)

# The book's images are floats byte / 256, so that black is 0.996 and not 1.
PIXEL_SCALE = 1 / 256

DIGITS = 10


@dataclass(frozen=True)
class ModelSpec:
    """One network of the zoo: a name, its layers, the recipe that trains it, the book's claim.

    >>> tiny = ModelSpec("tiny", (FullyConnected(10),), Recipe(
    ...     cost="quadratic", epochs=1, learning_rate=3.0))
    >>> tiny.parameters
    7850
    >>> ModelSpec.from_json(tiny.to_json()) == tiny
    True
    """

    name: str
    layers: tuple[Layer, ...]
    recipe: Recipe
    claim: Claim | None = None
    summary: str = ""

    def __post_init__(self) -> None:
        parts = self.name.split(".") if isinstance(self.name, str) else []
        if len(parts) not in (1, 2) or not all(part.isidentifier() for part in parts):
            raise SpecError(
                f"{self.name!r} is no name for a network: use letters, digits and underscores, "
                "and a dot before the recipe, as in 'conv2_relu.expanded'"
            )
        object.__setattr__(self, "layers", tuple(self.layers))
        if not self.layers:
            raise SpecError(f"{self.name} has no layers: give it at least an output layer")
        if not self.is_function:
            self.walk()
            self._check_cost()

    @property
    def is_vote(self) -> bool:
        """Whether several networks, trained apart, answer together."""
        return isinstance(self.layers[0], Vote)

    @property
    def is_function(self) -> bool:
        """Whether a Keras function builds the network, so that only Keras can count its layers."""
        return isinstance(self.layers[0], KerasFunction)

    def walk(self) -> list[tuple[Layer, Shape, int]]:
        """Each layer with its output shape and its number of parameters, from input to output."""
        return layers.walk(self.layers, IMAGE_SHAPE)

    @property
    def outputs(self) -> str:
        """The activation of the last layer; that of a Keras function is taken to be softmax."""
        last = self.layers[0].members[0][-1] if self.is_vote else self.layers[-1]
        return getattr(last, "activation", "softmax")

    def _check_cost(self) -> None:
        # Keras would train these without a word, down the gradient of something else.
        allowed = {
            "cross_entropy": ("sigmoid", "softmax"),
            "log_likelihood": ("softmax",),
        }.get(self.recipe.cost)
        if allowed and self.outputs not in allowed:
            raise SpecError(
                f"{self.name} has {self.outputs} outputs, and the {self.recipe.cost} cost is for "
                f"{' or '.join(allowed)} outputs: change the last layer or the cost"
            )

    @property
    def parameters(self) -> int:
        """Weights and biases in all."""
        return sum(parameters for _, _, parameters in self.walk())

    @property
    def hash(self) -> str:
        """SHA-256 of what decides the weights: the layers and the recipe, not the words about them.

        Two specs with one hash train to the same network, whatever they are called.
        """
        plain = self.to_plain()
        recipe = serialization.in_first_spelling(plain["recipe"])
        return serialization.canonical_hash({"layers": plain["layers"], "recipe": recipe})

    def with_settings(self, **settings: Any) -> ModelSpec:
        """A copy with some settings of its recipe changed, or with other `layers`.

        Raises SpecError for a setting that does not exist, naming the nearest one.
        """
        for name in settings:
            if name in RENAMED_SETTINGS:
                raise SpecError(f"the setting {name!r} is now {RENAMED_SETTINGS[name]!r}")
        known = [*(field.name for field in fields(Recipe)), "layers"]
        validation.known_names(settings, known, f"the recipe of {self.name}")
        changed = {"layers": settings.pop("layers")} if "layers" in settings else {}
        return replace(self, recipe=replace(self.recipe, **settings), **changed)

    def to_plain(self) -> dict[str, Any]:
        """The spec as plain data: dicts, lists, strings and numbers.

        A field at its default is left out, so that a setting that recipes learn one day does not
        change the hash of every older network.
        """
        return {
            "name": self.name,
            "layers": [layers.to_plain(layer) for layer in self.layers],
            "recipe": layers.non_default_fields(self.recipe),
            "claim": layers.non_default_fields(self.claim) if self.claim else None,
            "summary": self.summary,
        }

    def to_json(self, indent: int | None = None) -> str:
        """The spec as canonical JSON: sorted keys, no spaces unless `indent` asks for them."""
        return serialization.canonical_json(self.to_plain(), indent)

    @classmethod
    def from_json(cls, text: str) -> ModelSpec:
        """Read a spec back; SpecError where a field is missing, unknown or out of range."""
        try:
            plain = json.loads(text)
            validation.known_names(plain, [field.name for field in fields(cls)], "a spec")
            for name, kind in (("recipe", Recipe), ("claim", Claim)):
                if plain.get(name) is not None:
                    if name == "recipe":
                        plain[name] = serialization.in_todays_spelling(plain[name])
                    known = [field.name for field in fields(kind)]
                    validation.known_names(plain[name], known, f"the spec's {name}")
                    plain[name] = kind(**plain[name])
            plain["layers"] = tuple(
                layers.from_plain(layer, f"layer {index}")
                for index, layer in enumerate(plain["layers"])
            )
            return cls(**plain)
        except (json.JSONDecodeError, TypeError, KeyError, AttributeError) as error:
            raise SpecError(
                f"this is no spec ({error}): expected the JSON that `python -m zoo show NAME "
                "--json` prints"
            ) from error
