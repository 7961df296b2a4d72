"""Pools of networks whose votes of five are compared, beside votes counted by hand."""

from __future__ import annotations

import itertools
import statistics

import numpy as np
import pytest

from benchmarks import vote_members
from zoo.registry import get_spec

# Three networks of two classes, and four images of class 0: each row says which are right.
RIGHT = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 0, 0]], bool)
BETTER = np.array([[1, 1, 1, 0], [1, 1, 1, 0], [1, 0, 0, 0]], bool)


def outputs(right):
    """Outputs whose greatest is class 0 where an image is right."""
    sure = np.where(right, 0.9, 0.2)
    return np.stack([sure, 1 - sure], axis=-1)


def test_the_candidates_differ_in_what_the_question_names():
    base, smoothed = (vote_members.STUDY.spec(each) for each in vote_members.CANDIDATES.values())
    assert base.recipe.epochs * base.recipe.images == 500_000
    assert base.hash == get_spec("conv2_relu_dropout.half").hash  # whose runs they share
    assert base.with_settings(label_smoothing=0.1).hash == smoothed.hash != base.hash


def test_votes_of_five_of_six_are_those_counted_by_hand():
    labels = np.zeros(4, int)
    pools = {"first": outputs(RIGHT), "other": outputs(BETTER)}
    rows = vote_members.compare({n: np.concatenate([p, p]) for n, p in pools.items()}, labels, of=5)
    first, other = rows[:2]
    assert [row["rule"] for row in rows] == ["plurality", "plurality", "mean", "mean"]
    # One network alone: (2 + 2 + 2) / 3 and (3 + 3 + 1) / 3 of the four images.
    assert (first["alone"], other["alone"]) == (2.0, 2.33)
    # Any five of six have one majority: for images 0 and 1 of the first, for 0 to 2 of the other.
    assert (first["vote"], first["gain"], first["error"]) == (2.0, 0.0, 0.0)
    assert (other["vote"], other["gain"], other["error"]) == (3.0, 1.0, 0.0)


def test_the_jackknife_of_pairs_is_its_definition():
    members = np.array([3.0, 5.0, 4.0, 8.0])
    subsets = np.array(list(itertools.combinations(range(4), 2)))
    values = members[subsets].mean(axis=1)
    # A mean over all pairs is the mean of the members, whose jackknife error is the ordinary one.
    expected = statistics.stdev(members) / 2
    assert vote_members.jackknife_error(values, subsets, 4) == pytest.approx(expected)


def test_the_table_marks_what_the_others_are_compared_with():
    first, other = vote_members.CANDIDATES
    row = {"rule": "plurality", "alone": "9941.0", "vote": "9955.25", "gain": "0.0", "error": "0.0"}
    rows = [row | {"members": first}, row | {"members": other, "gain": "-1.25", "error": "0.61"}]
    lines = vote_members.table(rows).splitlines()
    assert lines[2] == f"| `{first}` | plurality | 99.41 % | 99.55 % | - |"
    assert lines[3].endswith("| 99.41 % | 99.55 % | -1.2 ± 0.6 |")
