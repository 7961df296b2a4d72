"""How votes are counted: the shares, and the step that decides ties and never a majority."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from zoo.spec.counting import shares_of, tie_break

GENERATOR = np.random.default_rng(0)


def least_difference(shares):
    """Of any two sums of members, none of whom is in both, in which the shares differ at all."""
    sums = (abs(np.dot(signs, shares)) for signs in product((-1, 0, 1), repeat=len(shares)))
    return min(each for each in sums if each > 1e-9)


@pytest.mark.parametrize(
    "weights",
    [
        (0.9956, 0.9951),
        (1, 2, 4, 8, 16, 32),
        (1, 1, 1.0001),
        (0.1, 0.2, 0.3),
        *(tuple(GENERATOR.uniform(0.5, 1.5, count).round(2)) for count in (3, 4, 5)),
    ],
)
def test_no_majority_is_outweighed_by_the_step(weights):
    shares = shares_of(weights, len(weights))
    expected = min(1 / 1000, least_difference(shares) / 2)
    assert tie_break(shares) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("members", [1, 2, 3, 5, 10, 35, 100])
def test_alike_members_keep_the_thousandth_and_their_shares(members):
    shares = shares_of((), members)
    assert shares == shares_of([0.7] * members, members)
    assert tie_break(shares) == 1 / 1000
    alike = np.ones(members, np.float32)
    assert np.array_equal(np.float32(shares), alike / alike.sum())


def test_many_uneven_weights_end_in_the_least_step():
    assert tie_break(shares_of(GENERATOR.uniform(1, 2, 40), 40)) == 5e-7


def test_weights_of_any_size_make_shares():
    assert shares_of((1e308, 1e308, 1e-308), 3) == pytest.approx((0.5, 0.5, 0))
