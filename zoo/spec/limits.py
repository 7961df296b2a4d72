"""Limits of size: a network is counted before anything of it is allocated."""

from __future__ import annotations

import math
import os

from zoo.errors import SpecError
from zoo.spec.network import NetworkSpec
from zoo.utils.whole import whole_number

# The largest network of the book has 1.8 million parameters; these take a gigabyte as float32, and
# three while they are trained with momentum.
MOST_PARAMETERS = 250_000_000

# Lifts, or lowers, the limit.
VARIABLE = "ZOO_MAX_PARAMETERS"


def most_parameters() -> int:
    """How many weights and biases a network may have: $ZOO_MAX_PARAMETERS, or MOST_PARAMETERS.

    Raises:
        SpecError: The variable holds no whole number from 1 up.
    """
    text = os.environ.get(VARIABLE) or str(MOST_PARAMETERS)
    number = whole_number(text, least=1)
    if number is None:
        raise SpecError(f"{VARIABLE} must be a whole number from 1 up, not {text[:40]!r}")
    return number


def check_size(spec: NetworkSpec) -> None:
    """Refuse a network that is larger than the limit; a Keras function's is not known before.

    Args:
        spec: Its weights and biases are counted, and the numbers that each layer puts out for one
            image, for which the limit is the same.

    Raises:
        SpecError: It is larger; the message says how the limit is lifted.
    """
    limit = most_parameters()
    count = spec.parameters or 0
    largest = max((math.prod(shape) for _, shape, _ in spec.walk()), default=0)
    for number, what in ((count, "weights and biases"), (largest, "outputs of one layer")):
        if number > limit:
            raise SpecError(
                f"{spec.name} has {_short(number)} {what}, more than the {limit:,} that are allowed"
                f": make it smaller, or lift the limit with --max-parameters or {VARIABLE}"
            )


def _short(number: int) -> str:
    return f"{number:,}" if number < 10**18 else f"{float(min(number, 10**300)):.1e}"
