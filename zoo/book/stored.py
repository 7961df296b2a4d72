"""The JSON in which network2.py keeps a network: read, and checked before memory is taken."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from zoo.errors import DataError
from zoo.utils.regular import readable


class Stored(NamedTuple):
    """What a file of network2.py has: arrays of its sizes, and the name of its cost, unchecked."""

    sizes: list[int]
    weights: list[np.ndarray]
    biases: list[np.ndarray]
    cost: Any


def read(filename: str | Path) -> Stored:
    """Read what `Network.save`, or the author's network2.py, wrote.

    Raises:
        DataError: The file cannot be read, is no such JSON, or its arrays do not fit its sizes.
    """
    try:
        data = json.loads(readable(Path(filename)).read_text(encoding="utf-8"))
        sizes, cost = data["sizes"], data["cost"]
        weights = [np.array(w, dtype=np.float64) for w in data["weights"]]
        biases = [np.array(b, dtype=np.float64) for b in data["biases"]]
    except OSError as error:
        raise DataError(f"Cannot read {filename}: {error.strerror}.") from error
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise DataError(
            f"{filename} is no network of network2.py ({error}): expected JSON with sizes, "
            "weights, biases and cost, as `net.save` writes it."
        ) from error
    _check_sizes(sizes, weights, biases, filename)
    return Stored(sizes, weights, biases, cost)


def _check_sizes(
    sizes: Any, weights: list[np.ndarray], biases: list[np.ndarray], filename: str | Path
) -> None:
    """Raise DataError unless stored arrays are of the stored sizes, for which memory is taken."""
    if not isinstance(sizes, list) or not all(type(size) is int for size in sizes):
        raise DataError(f"{filename}: its sizes are not a list of whole numbers, as [784, 30, 10].")
    for what, arrays, shapes in (
        ("weights", weights, [(outputs, inputs) for inputs, outputs in pairwise(sizes)]),
        ("biases", biases, [(outputs, 1) for outputs in sizes[1:]]),
    ):
        if [array.shape for array in arrays] != shapes:
            raise DataError(f"{filename}: its {what} do not fit its sizes {sizes}.")
        if not all(np.isfinite(array).all() for array in arrays):
            raise DataError(f"{filename}: its {what} hold infinities or NaN.")
