"""The declaration of an ensemble: several networks, trained apart, that answer together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from zoo.errors import SpecError
from zoo.spec import layers, validation
from zoo.spec.claim import Claim
from zoo.spec.inputs import InputSpec
from zoo.spec.layers import Layer
from zoo.spec.model import ModelSpec
from zoo.spec.network import NetworkSpec
from zoo.spec.recipe import Recipe

Rule = Literal["plurality", "mean"]

# The kind of an ensemble in JSON.
KIND = "Vote"


@dataclass(frozen=True)
class EnsembleSpec(NetworkSpec):
    """Several networks, trained apart by one recipe, that vote (chapter 6).

    Attributes:
        member_layers: The layers of each member.
        rule: By 'plurality', the book's, each member votes for one class, and the outputs are the
            shares of the votes; of classes with equal shares the one with the higher mean
            probability wins. By 'mean' the outputs are the means of the members' probabilities.
        weights: One a member, above 0: how much each counts, by either rule.

    The other attributes are those of `ModelSpec`.

    Raises:
        SpecError: Members, rule or weights do not fit each other.
    """

    name: str
    member_layers: tuple[tuple[Layer, ...], ...]
    recipe: Recipe
    claim: Claim | None = None
    summary: str = ""
    rule: Rule = "plurality"
    weights: tuple[float, ...] = ()
    input: InputSpec = field(default_factory=InputSpec)

    def __post_init__(self) -> None:
        self._check_kinds()
        given = validation.as_tuple(self.member_layers)
        if not given:
            raise SpecError(f"{self.name} needs members: give each as a tuple of layers")
        members = tuple(layers.checked(member, f"a member of {self.name}") for member in given)
        object.__setattr__(self, "member_layers", members)
        check_rule(self, len(members))
        self._check()
        outputs = sorted({member.output_classes for member in self.members})
        if len(outputs) > 1:
            raise SpecError(f"the members of {self.name} put out different numbers: {outputs}")

    @property
    def members(self) -> tuple[ModelSpec, ...]:
        """Each member as a network of its own, named by number."""
        return tuple(
            ModelSpec(f"{self.name}_member_{number}", parts, self.recipe, input=self.input)
            for number, parts in enumerate(self.member_layers, start=1)
        )

    @property
    def output_activation(self) -> str:
        """The activation of the members' outputs."""
        return str(getattr(self.member_layers[0][-1], "activation", "softmax"))

    @property
    def output_classes(self) -> int:
        """The number of classes."""
        return self.members[0].output_classes

    @property
    def parameters(self) -> int:
        """The number of weights and biases of all members."""
        return sum(member.parameters for member in self.members)

    def __str__(self) -> str:
        weighted = ", weighted" if self.weights else ""
        return f"{len(self.member_layers)} networks answer together, by {self.rule}{weighted}"

    def body(self) -> list[dict[str, Any]]:
        """Return the members, rule and weights as plain data, under `layers`."""
        members = [[layers.to_plain(layer) for layer in member] for member in self.member_layers]
        plain: dict[str, Any] = {"kind": KIND, "members": members}
        if self.rule != "plurality":
            plain["rule"] = self.rule
        if self.weights:
            plain["weights"] = self.weights
        return [plain]

    @classmethod
    def from_body(cls, body: list[Any], plain: dict[str, Any]) -> EnsembleSpec:
        """Read an ensemble from plain data.

        Args:
            body: One `Vote`: its members, each a list of layers, and perhaps its rule and weights.
            plain: The other attributes, already records; `classes` is ignored, since the members'
                layers say it.

        Raises:
            SpecError: Something stands beside the Vote, a field of it is unknown, or what it holds
                does not fit.
        """
        (vote, *rest) = body
        if rest:
            raise SpecError("a Vote stands alone in a spec's layers: its members have the layers")
        validation.known_names(vote, ("kind", "members", "rule", "weights"), "layer 0, a Vote,")
        members = vote.get("members")
        if not isinstance(members, list) or not all(isinstance(each, list) for each in members):
            raise SpecError("the members of a Vote must be a list of lists of layers")
        read = tuple(
            tuple(
                layers.from_plain(part, f"member {number}, layer {i}") for i, part in enumerate(m)
            )
            for number, m in enumerate(members, start=1)
        )
        options = {name: vote[name] for name in ("rule", "weights") if name in vote}
        plain = {name: value for name, value in plain.items() if name != "classes"}
        return EnsembleSpec(member_layers=read, **plain, **options)

    def with_classes(self, classes: int) -> EnsembleSpec:
        """Return this ensemble with another number of classes."""
        members = (layers.with_outputs(member, classes) for member in self.member_layers)
        return replace(self, member_layers=tuple(members))


def check_rule(record: Any, members: int) -> None:
    """Check the `rule` and `weights` of a record for so many members, and store them.

    Args:
        record: A frozen record with these two fields.
        members: How many vote, 1 or more.

    Raises:
        SpecError: The rule is unknown, or there are not as many weights as members.
    """
    validation.choice(record, "rule", Rule)
    validation.positives(record, "weights")
    if record.weights and len(record.weights) != members:
        raise SpecError(
            f"{members} members vote, and {len(record.weights)} weights are given: "
            "give one a member, or none"
        )


NetworkSpec.KINDS[KIND] = EnsembleSpec
