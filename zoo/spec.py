"""The records that declare a network: its layers, its recipe, and what the book claims for it.

They are plain frozen data that check themselves when made and travel as canonical JSON with one
hash; nothing here needs Keras. A variant is a copy with some fields changed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from zoo import checks, layers
from zoo.errors import SpecError
from zoo.layers import ConvPool, FullyConnected, KerasFunction, Layer, Shape, Softmax, Vote

__all__ = [
    "Claim", "ConvPool", "FullyConnected", "KerasFunction", "ModelSpec", "Recipe", "Softmax", "Vote"
]  # fmt: skip

Cost = Literal["quadratic", "cross_entropy", "log_likelihood"]
Initializer = Literal["large", "scaled", "network3", "he"]
Schedule = Literal["constant", "halve", "tenth", "one_cycle"]
Precision = Literal["float32", "mixed_bfloat16"]
Augmentation = Literal["shift", "rotate", "skew", "elastic"]
Protocol = Literal["best epoch", "last epoch", "best validation epoch"]

IMAGE_SHAPE: Shape = (28, 28, 1)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained: everything that, with a seed, decides its weights.

    `l2` and `l1` are the book's lambda (eq. 85, 95). It is divided by the training images in
    chapters 3 and 5, but by the mini-batches in chapter 6, where the same number weighs
    `batch_size` times as much: `lambda_per` says which. `images` is the size of the training set,
    the first so many of it; `expanded` adds the four one-pixel shifts of every image before they
    are counted, and `augment` alters each image afresh whenever it is seen. The last `calm` epochs
    are without dropout, and of the alterations only shifts remain.

    `momentum` is the book's mu (eq. 107). `schedule` says what happens when the validation accuracy
    has not improved in `patience` epochs: 'constant' stops, 'halve' and 'tenth' divide the learning
    rate by 2 or 10, and stop when it is 128 or 1,000 times smaller. 'one_cycle' raises it to
    `learning_rate` in the first fifth of all steps, and lowers it to 0 in the rest. `signed`
    targets are -1 and 1 in place of 0 and 1, for tanh outputs. `label_smoothing` takes that share
    from the target of the right digit and spreads it evenly over all ten. 'mixed_bfloat16' computes
    with 8 significant bits and keeps weights with 24, which is faster on processors that know how.

    Raises SpecError for values out of range and for choices that do not exist.
    """

    cost: Cost
    epochs: int
    learning_rate: float
    batch_size: int = 10
    l2: float = 0.0
    l1: float = 0.0
    lambda_per: Literal["image", "batch"] = "image"
    momentum: float = 0.0
    nesterov: bool = False
    schedule: Schedule = "constant"
    patience: int | None = None
    signed: bool = False
    label_smoothing: float = 0.0
    initializer: Initializer = "scaled"
    shuffle: bool = True
    partial_batch: bool = True
    expanded: bool = False
    augment: tuple[Augmentation, ...] = ()
    calm: int = 0
    images: int = 50_000
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        checks.whole(self, "epochs", "batch_size", "images")
        checks.positive(self, "learning_rate")
        checks.real(self, "l2", "l1", least=0)
        checks.real(self, "momentum", "label_smoothing", least=0, below=1)
        checks.whole(self, "calm", least=0)
        checks.flag(self, "nesterov", "signed", "shuffle", "partial_batch", "expanded")
        checks.choice(self, "cost", Cost)
        checks.choice(self, "initializer", Initializer)
        checks.choice(self, "lambda_per", Literal["image", "batch"])
        checks.choice(self, "schedule", Schedule)
        checks.choice(self, "precision", Precision)
        checks.choices(self, "augment", Augmentation)
        if self.patience is not None:
            checks.whole(self, "patience")
        self._check_together()

    def _check_together(self) -> None:
        if self.schedule in ("halve", "tenth") and self.patience is None:
            raise SpecError(f"schedule {self.schedule!r} needs patience: after how many epochs?")
        if self.signed and self.cost != "quadratic":
            raise SpecError(f"signed targets are for the quadratic cost, not for {self.cost}")
        if self.label_smoothing and self.cost != "log_likelihood":
            raise SpecError(f"label_smoothing is for log_likelihood, not for {self.cost}")
        if self.batches < 1:
            raise SpecError(
                f"{self.images} images do not fill one batch of {self.batch_size}: use a smaller "
                "batch_size, more images, or partial_batch=True"
            )

    @property
    def batches(self) -> int:
        """Mini-batches in one epoch."""
        full, rest = divmod(self.images, self.batch_size)
        return full + (1 if rest and self.partial_batch else 0)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What the book reports for a network, and how it measured it; `accuracy` is in per cent.

    `quoted` figures are other people's, which the book only tells of.
    """

    chapter: int
    section: str
    accuracy: float | None = None
    protocol: Protocol = "best epoch"
    on: Literal["test", "validation"] = "test"
    note: str = ""
    quoted: bool = False

    def __str__(self) -> str:
        place = f"chapter {self.chapter}, {self.section!r}"
        if self.accuracy is None:
            return f"no figure ({place})"
        how = "quoted" if self.quoted else self.protocol
        return f"{self.accuracy:.2f} % ({place}; {self.on} images, {how})"


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
        deciding = {"layers": plain["layers"], "recipe": plain["recipe"]}
        return hashlib.sha256(_canonical(deciding).encode()).hexdigest()

    def with_settings(self, **settings: Any) -> ModelSpec:
        """A copy with some settings of its recipe changed, or with other `layers`.

        Raises SpecError for a setting that does not exist, naming the nearest one.
        """
        known = [*(field.name for field in fields(Recipe)), "layers"]
        checks.known_names(settings, known, f"the recipe of {self.name}")
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
            "recipe": layers.told_fields(self.recipe),
            "claim": layers.told_fields(self.claim) if self.claim else None,
            "summary": self.summary,
        }

    def to_json(self, indent: int | None = None) -> str:
        """The spec as canonical JSON: sorted keys, no spaces unless `indent` asks for them."""
        return _canonical(self.to_plain(), indent)

    @classmethod
    def from_json(cls, text: str) -> ModelSpec:
        """Read a spec back; SpecError where a field is missing, unknown or out of range."""
        try:
            plain = json.loads(text)
            checks.known_names(plain, [field.name for field in fields(cls)], "a spec")
            for name, kind in (("recipe", Recipe), ("claim", Claim)):
                if plain.get(name) is not None:
                    known = [field.name for field in fields(kind)]
                    checks.known_names(plain[name], known, f"the spec's {name}")
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


def _canonical(plain: Any, indent: int | None = None) -> str:
    separators = (",", ":") if indent is None else None
    return json.dumps(plain, sort_keys=True, indent=indent, separators=separators, allow_nan=False)
