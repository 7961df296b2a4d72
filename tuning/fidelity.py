"""Fidelity: how much of a problem a trial sees, so that most trials are cheap."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from zoo.data import Data
from zoo.spec import FullyConnected, ModelSpec, non_default_fields


@dataclass(frozen=True)
class Fidelity:
    """A reduced problem; what is left out stays as it is in the full one.

    `images` and `validation` are the numbers of training and validation images, `digits` those
    kept; `hidden=False` drops the hidden fully connected layers. `until` pauses a run after so many
    epochs, so that another trial may go on from there. With fewer images, lambda shrinks in
    proportion, so that the weights decay as they would in the full problem (section 3.5 of the book
    does so by hand: 1,000 for 50,000 images, 20 for 1,000).
    """

    images: int | None = None
    validation: int | None = None
    digits: tuple[int, ...] = ()
    epochs: int | None = None
    patience: int | None = None
    hidden: bool = True
    until: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "digits", tuple(self.digits))

    def of_spec(self, spec: ModelSpec) -> ModelSpec:
        """The declaration of the reduced problem."""
        recipe = spec.recipe
        images = min(self.images or recipe.images, recipe.images)
        share = images / recipe.images
        settings: dict[str, Any] = {
            "images": images,
            "l2": recipe.l2 * share,
            "l1": recipe.l1 * share,
            "epochs": self.epochs or recipe.epochs,
            "patience": self.patience or recipe.patience,
        }
        if not self.hidden:
            settings["layers"] = without_hidden(spec).layers
        return spec.with_settings(**settings)

    def of_data(self, data: Data) -> Data:
        """The images of the reduced problem."""
        if self.digits:
            data = data.only_digits(*self.digits)
        if self.images:
            data = data.take(min(self.images, len(data.train)))
        if self.validation:
            few = data.validation.take(min(self.validation, len(data.validation)))
            data = replace(data, validation=few)
        return data

    def to_plain(self) -> dict[str, Any]:
        """What differs from the full problem, as plain data."""
        return non_default_fields(self)

    @property
    def rank(self) -> tuple[Any, ...]:
        """Greater for more of the problem: scores compare among trials of one rank alone."""
        unlimited = float("inf")
        sizes = (self.images, self.validation, self.epochs, self.until)
        return (not self.digits, self.hidden, *(size or unlimited for size in sizes))

    def __str__(self) -> str:
        parts = [f"digits {' and '.join(map(str, self.digits))}"] if self.digits else []
        parts += ["no hidden layer"] if not self.hidden else []
        parts += [f"{self.images:,} images"] if self.images else []
        parts += [f"{self.validation:,} to validate"] if self.validation else []
        parts += [f"{self.until} epochs"] if self.until else []
        return ", ".join(parts) or "the full problem"


FULL = Fidelity()

# Problems are reduced from the book's images; of a smaller problem, this many are always left.
_WHOLE, _FEWEST = 50_000, 1_000


def without_hidden(spec: ModelSpec) -> ModelSpec:
    """The network without its hidden fully connected layers; itself where it has none."""
    *before, last = spec.layers
    kept = [layer for layer in before if not isinstance(layer, FullyConnected)]
    return spec.with_settings(layers=(*kept, last))


def shrunk(problem: Fidelity, spec: ModelSpec) -> Fidelity:
    """A reduced problem that is one for a network's recipe, too.

    Args:
        problem: Reduced from 50,000 images.
        spec: The network, with the images and epochs of its full problem.

    Returns:
        As large a share of the recipe's images, 1,000 at least; no more epochs than the recipe has.
    """
    images = problem.images or spec.recipe.images
    share = round(spec.recipe.images * images / _WHOLE)
    return replace(
        problem,
        images=min(images, max(share, _FEWEST)),
        epochs=min(problem.epochs or spec.recipe.epochs, spec.recipe.epochs),
    )
