"""Less of a problem: the images that really are left, and lambda's share of them."""

from __future__ import annotations

import numpy as np
import pytest

import zoo
from tuning.fidelity import FULL, Fidelity
from tuning.strategies.broad_signal import TWO_DIGITS
from zoo.data import Data, Split
from zoo.errors import DataError
from zoo.training.job import training_set

MLP30 = zoo.get_spec("mlp30")


def split(*labels: int) -> Split:
    return Split(np.zeros((len(labels), 8, 8, 1), np.uint8), np.array(labels))


def six(train=range(6), validation=range(6), test=range(6)) -> Data:
    """20 images of each class to train, 3 to validate, 2 to test."""
    return Data("six", split(*[*train] * 20), split(*[*validation] * 3), split(*[*test] * 2))


def test_images_to_test_are_left_alone_and_need_not_be_of_the_classes():
    data = six(test=[2, 3])
    seen = TWO_DIGITS.of_data(data)
    assert seen.test is data.test
    assert [len(seen.train), len(seen.validation)] == [40, 6]
    assert {*seen.train.labels.tolist()} == {*seen.validation.labels.tolist()} == {0, 1}


@pytest.mark.parametrize(
    ("train", "validation", "kept"),
    [(range(6), range(6), {0, 1}), (range(6), [4, 2, 5], {2, 4}), ([0, 3, 5], range(6), {0, 3})],
)
def test_two_classes_are_kept_that_occur(train, validation, kept):
    seen = TWO_DIGITS.of_data(six(train, validation))
    assert {*seen.train.labels.tolist()} == {*seen.validation.labels.tolist()} == kept


def test_without_two_classes_there_is_no_such_problem():
    with pytest.raises(DataError, match="1 of the 10 classes of six have images both to train"):
        TWO_DIGITS.of_data(six([0, 1, 2], [2, 3]))


def test_lambda_shrinks_with_the_images_that_are_there():
    """40 of 120 images, where 1,000 are asked for: a third of lambda, 5/120 for each image."""
    data, spec = six(), MLP30.with_settings(l2=5.0, l1=3.0)
    reduced, seen = TWO_DIGITS.of(spec, data)
    trained, images = training_set(reduced, seen)
    assert trained == reduced
    assert reduced.recipe.images == len(images) == 40
    assert reduced.recipe.l2 == pytest.approx(5 / 3)
    assert reduced.recipe.l1 == pytest.approx(1)
    whole, same = FULL.of(spec, data)
    assert same is data
    assert (whole.recipe.images, whole.recipe.l2) == (120, 5.0)


def test_a_problem_has_no_more_epochs_than_the_recipe():
    rung = Fidelity(epochs=4)
    epochs = [rung.of_spec(MLP30.with_settings(epochs=count)).recipe.epochs for count in (2, 12)]
    assert epochs == [2, 4]


def test_a_rate_that_rises_and_falls_once_does_so_to_its_end():
    spec, patient = zoo.get_spec("conv2_relu_dropout.fast"), Fidelity(patience=6)
    assert spec.recipe.schedule == "one_cycle"
    assert patient.of_spec(spec).recipe.patience is None
    assert patient.of_spec(MLP30).recipe.patience == 6


def test_its_words_name_what_it_leaves_out():
    assert str(FULL) == str(Fidelity(patience=3)) == "the full problem"
    assert str(TWO_DIGITS) == (
        "two classes, no hidden layer, up to 1,000 images, up to 100 to validate, 5 epochs"
    )
    rungs = [Fidelity(epochs=1), Fidelity(epochs=3), Fidelity(until=3), FULL]
    assert [str(rung) for rung in rungs[:3]] == ["1 epoch", "3 epochs", "the first 3 epochs"]
    assert len({rung.rank for rung in rungs}) == 4
    assert str(Fidelity(images=10_000, epochs=10)) == "10,000 images, 10 epochs"
