"""Fidelity: how much of a problem a trial sees, so that most trials are cheap."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from zoo.data import Data
from zoo.errors import DataError
from zoo.spec import FullyConnected, ModelSpec, non_default_fields
from zoo.training.fitting import fitted


@dataclass(frozen=True)
class Fidelity:
    """A reduced problem; what is left out stays as it is in the full one.

    `images` and `validation` are the most training and validation images, `digits` the classes
    kept: of data without images of them, as many classes that have some. `hidden=False` drops the
    hidden fully connected layers. `until` pauses a run after so many epochs, so that another trial
    may go on from there. With fewer images, lambda shrinks in proportion, so that the weights decay
    as they would in the full problem (section 3.5 of the book does so by hand: 1,000 for 50,000
    images, 20 for 1,000).
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

    def of(self, spec: ModelSpec, data: Data, seen: Data | None = None) -> tuple[ModelSpec, Data]:
        """The reduced problem: the declaration as it is trained, and what it is trained on.

        Args:
            spec: The declaration of the full problem.
            data: The full data set.
            seen: Its `of_data`, where that is at hand.

        Returns:
            The declaration `fitted` to the images that are left, with their share of lambda; and
            the data.

        Raises:
            DataError: Too few classes have images to train and to validate.
            SpecError: As for `fitted`.
        """
        seen = self.of_data(data) if seen is None else seen
        reduced = fitted(self._reduced(spec), seen)
        share = reduced.recipe.images / fitted(spec, data).recipe.images
        return _with_lambda(reduced, spec, share), seen

    def of_spec(self, spec: ModelSpec) -> ModelSpec:
        """The declaration of the reduced problem, where all the images that it asks for are there.

        `of` is for the images that really are.
        """
        reduced = self._reduced(spec)
        return _with_lambda(reduced, spec, reduced.recipe.images / spec.recipe.images)

    def of_data(self, data: Data) -> Data:
        """The images to train and to validate of the reduced problem; those to test stay.

        Raises:
            DataError: Too few classes have images to train and to validate.
        """
        train, validation = data.train, data.validation
        if self.digits:
            kept = self._classes(data)
            train, validation = train.only_classes(*kept), validation.only_classes(*kept)
        if self.images:
            train = train.take(min(self.images, len(train)))
        if self.validation:
            validation = validation.take(min(self.validation, len(validation)))
        if train is data.train and validation is data.validation:
            return data
        return replace(data, train=train, validation=validation)

    def _reduced(self, spec: ModelSpec) -> ModelSpec:
        """The declaration with less of the problem, and lambda as it was."""
        recipe = spec.recipe
        # A rate that rises and falls once must do so to its end: half-way it tells little.
        patience = None if recipe.schedule == "one_cycle" else self.patience
        settings: dict[str, Any] = {
            "images": min(self.images or recipe.images, recipe.images),
            "epochs": min(self.epochs or recipe.epochs, recipe.epochs),
            "patience": patience or recipe.patience,
        }
        if not self.hidden:
            settings["layers"] = without_hidden(spec).layers
        return spec.with_settings(**settings)

    def _classes(self, data: Data) -> list[int]:
        """The classes that are kept of some data: all have images to train and to validate."""
        there = sorted({*data.train.labels.tolist()} & {*data.validation.labels.tolist()})
        if len(there) < len(self.digits):
            raise DataError(
                f"{len(there)} of the {data.classes} classes of {data.name} have images both to "
                f"train and to validate, and {len(self.digits)} are needed: mix the classes before "
                "the data are split"
            )
        known = set(self.digits) <= set(there)
        return list(self.digits) if known else there[: len(self.digits)]

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
        # Where classes are left out, nobody knows how many images are left.
        most = "up to " if self.digits else ""
        parts = [f"{_number(len(self.digits))} classes"] if self.digits else []
        parts += ["no hidden layer"] if not self.hidden else []
        parts += [f"{most}{self.images:,} images"] if self.images else []
        parts += [f"up to {self.validation:,} to validate"] if self.validation else []
        parts += [_epochs(self.epochs)] if self.epochs else []
        parts += [f"the first {_epochs(self.until)}"] if self.until else []
        return ", ".join(parts) or "the full problem"


def _number(count: int) -> str:
    return "two" if count == 2 else f"{count:,}"


def _epochs(count: int) -> str:
    return "1 epoch" if count == 1 else f"{count:,} epochs"


def _with_lambda(reduced: ModelSpec, spec: ModelSpec, share: float) -> ModelSpec:
    """A reduced declaration with a share of what weighs the penalties of the full one."""
    return reduced.with_settings(l2=spec.recipe.l2 * share, l1=spec.recipe.l1 * share)


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
