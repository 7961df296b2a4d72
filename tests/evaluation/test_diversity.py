"""Ensembles: the vote is counted as by hand, and its members can be taken apart again."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
from zoo.errors import SpecError, UnknownNameError
from zoo.evaluation import diversity
from zoo.nn import voting


def guesser(digit: int, true: float = 5.0) -> keras.Model:
    """A network that answers one digit, unless the pixel of the true one outshines it."""
    model = zoo.build("linear")
    kernel = np.zeros((784, 10), np.float32)
    kernel[np.arange(10), np.arange(10)] = true
    model.set_weights([kernel, 3 * np.eye(10, dtype=np.float32)[digit]])
    return model


@pytest.fixture(scope="module")
def split() -> zoo.Split:
    """Six images; pixel d of the first row tells the digit d, and of the last three it is faint."""
    images, labels = np.zeros((6, 28, 28, 1), np.uint8), np.array([0, 1, 2, 3, 4, 5])
    images[np.arange(6), 0, labels] = [[255]] * 3 + [[40]] * 3
    return zoo.Split(images, labels)


@pytest.fixture(scope="module")
def three() -> keras.Model:
    return zoo.vote([guesser(7), guesser(7), guesser(3)])


def test_it_is_one_keras_model(three, split):
    assert three.predict(split.images, verbose=0).shape == (6, 10)
    # The first three images are told by all; the others as two of three guess.
    assert zoo.predict(three, split).predicted.tolist() == [0, 1, 2, 7, 7, 7]


def test_outputs_by_name(three, split):
    outputs = voting.with_named_outputs(three).predict(split.images, verbose=0)
    assert set(outputs) == {"digit", "votes", "probabilities"}
    assert outputs["digit"].tolist() == [0, 1, 2, 7, 7, 7]
    assert outputs["digit"].dtype == np.int64
    np.testing.assert_allclose(outputs["votes"][4, [3, 7]], [1 / 3, 2 / 3], rtol=1e-6)
    np.testing.assert_allclose(outputs["probabilities"].sum(axis=1), 1, rtol=1e-5)


def test_one_network_has_names_too(split):
    outputs = voting.with_named_outputs(guesser(3)).predict(split.images, verbose=0)
    assert set(outputs) == {"digit", "probabilities"}
    assert outputs["digit"].tolist() == [0, 1, 2, 3, 3, 3]


def test_diversity_is_counted_as_by_hand(three, split):
    found = diversity.diversity(three, split)
    assert [score.correct for score in found.scores] == [3, 3, 4]
    assert found.vote.correct == 3
    np.testing.assert_allclose(found.disagreement, [[0, 0, 0.5], [0, 0, 0.5], [0.5, 0.5, 0]])
    assert found.missed_by_all.tolist() == [4, 5]
    assert found.oracle.correct == 4
    assert "two members disagree on 33.33 % of the images (0.00 % to 50.00 %)" in str(found)
    assert "missed by every member: images 4, 5" in str(found)


def test_a_declared_vote_has_members_too():
    spec = zoo.get_spec("conv2_relu_dropout_x5")
    model = zoo.build(spec, seed=0)
    members = voting.members(model)
    assert len(members) == 5
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1), dtype=np.uint8)
    outputs = np.mean([member.predict(images, verbose=0) for member in members], axis=0)
    named = voting.with_named_outputs(model).predict(images, verbose=0)
    np.testing.assert_allclose(named["probabilities"], outputs, atol=1e-6)


def test_members_may_differ_in_layers_and_outputs(split):
    model = zoo.vote([guesser(1), zoo.build("conv1_only", seed=1)], rule="mean", weights=[3, 1])
    assert zoo.predict(model, split).predicted.tolist() == [0, 1, 2, 1, 1, 1]


def test_what_cannot_vote():
    with pytest.raises(SpecError, match="only a vote has members"):
        voting.members(guesser(1))
    with pytest.raises(SpecError, match="2 members vote, and 1 weights are given"):
        zoo.vote([guesser(1), guesser(2)], weights=[1])
    with pytest.raises(SpecError, match="Did you mean 'plurality'"):
        zoo.vote([guesser(1)], rule="plurallity")
    with pytest.raises(SpecError, match="a vote needs members"):
        zoo.vote([])
    with pytest.raises(SpecError, match="a vote takes a list of members, not the one name 'conv1'"):
        zoo.vote("conv1")
    with pytest.raises(UnknownNameError, match="Did you mean 'conv1'"):
        zoo.vote(["conv1x"])
