"""Sets that come in one piece, divided into train, validation and test, class by class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from zoo.errors import DataError, SpecError

# As the book divides MNIST: 10,000 of 60,000 are for validation.
SHARE = 1 / 6

PARTS = ("train", "validation", "test")

LARGEST_LABEL = 99_999  # more than any set of labelled pictures has classes


def divide(
    labels: np.ndarray, shares: Mapping[str, float], seed: int, class_names: Sequence[str]
) -> dict[str, np.ndarray]:
    """The indices of each part of a set, each with its share of every class, drawn by `seed`.

    Args:
        labels: Whole numbers from 0 up, one an image.
        shares: What share of every class, above 0, goes to each part besides 'train', which gets
            the rest; each part gets at least one image of every class.
        seed: The same one draws the same parts.
        class_names: For errors.

    Returns:
        Indices into `labels` for 'train' and each part of `shares`, in mixed order.

    Raises:
        SpecError: Where the shares are not above 0, or leave nothing to train on.
        DataError: Where a class has too few images to be in every part.

    >>> parts = divide(np.array([0, 0, 0, 1, 1, 1]), {"test": 1 / 3}, 0, ("cat", "dog"))
    >>> {name: len(chosen) for name, chosen in parts.items()}
    {'train': 4, 'test': 2}
    """
    check_shares(shares)
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in ("train", *shares)}
    for label in np.unique(labels):
        members = np.random.default_rng([seed, int(label)]).permutation(
            np.flatnonzero(labels == label)
        )
        counts = {name: max(1, round(len(members) * share)) for name, share in shares.items()}
        if sum(counts.values()) >= len(members):
            raise DataError(
                f"The class {class_names[label]!r} has {len(members)} image(s), too few for"
                f" {', '.join(('train', *shares))}: add some, or give the parts in folders of"
                " their own."
            )
        for name, count in counts.items():
            drawn[name].append(members[:count])
            members = members[count:]
        drawn["train"].append(members)
    generator = np.random.default_rng(seed)
    return {name: generator.permutation(np.concatenate(parts)) for name, parts in drawn.items()}


def check_shares(shares: Mapping[str, float]) -> None:
    """Raise SpecError unless every share is above 0 and they leave something to train on."""
    for name, share in shares.items():
        if not isinstance(share, int | float) or not 0 < share < 1:
            raise SpecError(f"{name} must be a share of the images above 0, below 1, not {share!r}")
    if sum(shares.values()) >= 1:
        raise SpecError(f"the shares {dict(shares)} leave nothing to train on: make them smaller")


def check_parts(there: Iterable[object]) -> None:
    """Raise DataError unless these are names of parts, 'train' among them."""
    names = list(there)
    if "train" not in names or any(name not in PARTS for name in names):
        raise DataError(
            f"The parts of a set are {', '.join(PARTS)}, not {', '.join(map(repr, names))}: rename"
            " yours so, and leave others out."
        )


def check_unused(shares: Mapping[str, float | None], there: Iterable[str], what: str) -> None:
    """Raise SpecError where a share is given of a part that a set has already.

    Args:
        shares: For 'validation' and 'test', the share that was asked for; None where none was.
        there: The parts that the set has.
        what: The set, as the error names it.
    """
    for part in there:
        if shares.get(part) is not None:
            raise SpecError(
                f"{what} has {part} images of its own: leave {part}={shares[part]} away"
            )


def check_no_seed(seed: int | None, what: str) -> None:
    """Raise SpecError where a seed is given for a set of which nothing is drawn."""
    if seed is not None:
        raise SpecError(f"nothing of {what} is drawn at random: leave seed={seed} away")


def check_classes(labels: Mapping[str, np.ndarray], class_names: Sequence[str], what: str) -> None:
    """Raise DataError unless every class has training images, and no other part has other classes.

    Args:
        labels: The labels of each part.
        class_names: The names of the labels 0, 1, ..., or nothing where only the labels tell.
        what: The set, for errors.
    """
    _check_numbers(labels, what)
    if not len(labels["train"]):
        raise DataError(f"{what}: there is no training image.")
    trained = np.unique(labels["train"])
    classes = len(class_names) or int(trained.max()) + 1
    if classes < 2:
        raise DataError(f"{what}: there is one class only, label 0: a network needs two.")
    missing = np.setdiff1d(np.arange(classes), trained)
    if len(missing):
        first = missing[0]
        named = f"{class_names[first]!r}, label {first}" if class_names else f"label {first}"
        step = (
            "Every class needs some."
            if class_names
            else "Labels count the classes from 0 up without a gap: np.unique(labels,"
            " return_inverse=True)[1] numbers them so."
        )
        raise DataError(
            f"{what}: no training image has {named} ({len(missing)} of {classes} are missing)."
            f" {step}"
        )
    for name, values in labels.items():
        other = np.setdiff1d(values, trained)
        if len(other):
            raise DataError(
                f"{what}: the {name} images have {len(other)} class(es) that no training image has,"
                f" label {other[0]} for one. Train and {name} need the same classes."
            )


def _check_numbers(labels: Mapping[str, np.ndarray], what: str) -> None:
    """Refuse labels that are not whole numbers from 0 to LARGEST_LABEL, one an image."""
    for name, values in labels.items():
        if values.ndim != 1:
            raise DataError(
                f"{what}: the {name} labels have the shape {list(values.shape)}; they must be one"
                " number an image, [n], or one-hot rows."
            )
        if values.dtype.kind not in "iu":
            raise DataError(
                f"{what}: the {name} labels are {values.dtype} numbers; they must be whole numbers,"
                " one an image: labels.astype('int32') if they are whole."
            )
        if len(values) and values.min() < 0:
            raise DataError(f"{what}: a {name} label is {values.min()}; labels count from 0 up.")
        if len(values) and values.max() > LARGEST_LABEL:
            raise DataError(
                f"{what}: a {name} label is {values.max()}; labels number the classes, 0 to"
                f" {LARGEST_LABEL:,} at most."
            )
