"""Four ways to count a vote, beside counts made by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

import zoo
from benchmarks import vote_rules
from zoo.data import Split


@pytest.fixture
def labels():
    return Split(np.zeros((2, 28, 28, 1), np.uint8), np.array([0, 1]))


def test_two_hesitant_members_outvote_a_sure_one_but_not_its_probability(labels):
    # Image 0 is a 0: two members say 1 with 0.5 against 0.4, one says 0 with certainty.
    hesitant, sure = [0.4, 0.5, 0.1], [1.0, 0.0, 0.0]
    clear = [0.0, 1.0, 0.0]
    probabilities = np.array([[hesitant, clear], [hesitant, clear], [sure, clear]], "float32")
    assert vote_rules.right("plurality", probabilities, labels).tolist() == [False, True]
    assert vote_rules.right("mean", probabilities, labels).tolist() == [True, True]


def test_mcnemar_is_the_tail_of_coin_tosses():
    ours = np.array([True] * 9 + [False] + [True] * 90)
    theirs = np.array([False] * 9 + [True] + [True] * 90)
    expected = 2 * (math.comb(10, 0) + math.comb(10, 1)) / 2**10
    assert vote_rules.mcnemar(ours, theirs) == pytest.approx(expected)
    assert vote_rules.mcnemar(ours, ours) == 1.0


def test_outputs_are_each_members_and_their_means_over_shifts(mnist):
    voters = [zoo.load("linear"), zoo.load("mlp30")]
    few = mnist.validation.take(3)
    plain, moved = vote_rules.outputs(voters, few)
    padded = np.pad(few.images, [(0, 0), (1, 1), (1, 1), (0, 0)])
    places = [(1, 1), (2, 1), (0, 1), (1, 2), (1, 0)]
    for number, voter in enumerate(voters):
        np.testing.assert_allclose(plain[number], voter.predict(few.images, verbose=0), atol=1e-6)
        views = [padded[:, row : row + 28, column : column + 28] for row, column in places]
        expected = np.mean([voter.predict(view, verbose=0) for view in views], axis=0)
        np.testing.assert_allclose(moved[number], expected, atol=1e-6)


def test_the_published_rows_are_of_every_way():
    rows = vote_rules.read_rows(vote_rules.CSV)
    ways = [(row["rule"], row["shifts"]) for row in rows]
    assert ways == [(rule, shifts) for shifts in ("no", "yes") for rule in vote_rules.RULES]
    assert all(0 < int(row["test"]) <= 10_000 for row in rows)
    assert "| mean | no | 99.63 % | 1.00 | 99.69 % |" in vote_rules.table(rows)
