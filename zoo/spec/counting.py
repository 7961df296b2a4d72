"""How a vote is counted: what each member counts, and how little decides between equal shares."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

# How far a vote's shares are moved towards the mean probabilities: enough to tell two classes with
# equal votes apart.
_TIE_BREAK = 1 / 1000

# Shares are added in single precision: what differs by less than the first is equal but for
# rounding, and sums are not told apart reliably below the second.
_EQUAL, _LEAST = 1e-9, 1e-6


def shares_of(weights: Sequence[float], members: int) -> tuple[float, ...]:
    """What each member of a vote counts: numbers from 0 up whose sum is 1.

    Args:
        weights: One a member, finite and above 0; none counts all alike.
        members: How many vote, 1 or more.

    >>> shares_of((3, 1), 2)
    (0.75, 0.25)
    """
    numbers = [float(weight) for weight in weights] or [1.0] * members
    largest = max(numbers)  # the sum of the largest numbers would be infinite
    total = sum(number / largest for number in numbers)
    return tuple(number / largest / total for number in numbers)


@lru_cache
def tie_break(shares: tuple[float, ...]) -> float:
    """How far the shares of a vote are moved towards the mean probabilities, which decides ties.

    A thousandth, or less where that could outweigh a majority: half of the least difference between
    the votes that two classes can get. Shares that differ by less than a millionth are not told
    apart reliably.

    Args:
        shares: What each member counts, as `shares_of` gives it.

    >>> tie_break(shares_of((), 5)), round(tie_break(shares_of((1, 1.001), 2)), 6)
    (0.001, 0.00025)
    """
    # What two classes get differs as two sums of members do: who votes for neither counts in none.
    sums, least = [0.0], 2 * _TIE_BREAK
    for share in shares:
        ordered = sorted([*sums, *(each + share for each in sums)])
        sums = ordered[:1]
        for each in ordered[1:]:
            if each - sums[-1] > _EQUAL:
                least = min(least, each - sums[-1])
                sums.append(each)
        if least <= _LEAST:
            return _LEAST / 2
    return least / 2
