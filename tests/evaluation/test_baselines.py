"""The baselines of chapter 1, against the book's counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zoo.data import Data, Split
from zoo.evaluation.baselines import average_darkness, random_guess, svm, svm_tuned
from zoo.evaluation.scores import Score


def test_average_darkness_gets_the_books_count_exactly(mnist):
    assert average_darkness(mnist).score == Score(2225, 10_000)


def test_a_random_guess_is_right_one_time_in_ten(mnist):
    low, high = random_guess(mnist, seed=1).score.interval(0.9999)
    assert low < 0.1 < high


def test_darkness_by_hand():
    images = np.zeros((6, 28, 28, 1), np.uint8)
    images[:, 0, 0, 0] = [10, 20, 100, 40, 58, 200]
    split = Split(images, np.array([1, 1, 8, 1, 8, 8]))
    train = Split(images[:3], split.labels[:3])  # a 1 is 15 dark, an 8 is 100: between lies 57.5
    answers = average_darkness(Data("dots", train, train, split))
    assert answers.predicted.tolist() == [1, 1, 8, 1, 8, 8]


@pytest.mark.parametrize("classes", [3, 26])
@pytest.mark.parametrize("method", [random_guess, average_darkness])
def test_there_may_be_more_classes_than_ten_or_fewer(method, classes):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (10 * classes, 28, 28, 1), dtype=np.uint8)
    split = Split(images, np.arange(10 * classes) % classes)
    names = tuple(map(str, range(classes)))
    answers = method(Data("noise", split, split, split, class_names=names))
    assert answers.confusion().shape == (classes, classes)
    assert 1 < len(np.unique(answers.predicted)) <= classes


@pytest.mark.integration
def test_a_support_vector_machine_learns_from_few(mnist):
    few = replace(mnist.take(500), validation=mnist.validation.take(500))
    assert 0.85 < svm_tuned(few).score.accuracy < 0.95


@pytest.mark.slow
def test_the_machine_of_the_books_time_gets_the_books_count(mnist):
    assert svm(mnist).score == Score(9435, 10_000)


@pytest.mark.slow
def test_a_tuned_machine_is_above_98_and_a_half(mnist):
    assert svm_tuned(mnist).score == Score(9857, 10_000)
