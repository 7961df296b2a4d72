"""Scores, checked against numbers worked out by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
from zoo.data import Split
from zoo.errors import DataError, SpecError
from zoo.evaluation.scores import Predictions, Score, confusion_table, evaluate, predict


@pytest.fixture(scope="module")
def brightness_reader():
    """A model that answers with the digit written in the first pixel, sure of it by 0.9."""
    images = keras.Input((28, 28, 1), dtype="uint8")
    pixel = keras.ops.cast(images[:, 0, 0, 0], "int32")
    return keras.Model(images, keras.ops.one_hot(pixel, 10) * 0.9)


def _digits(written, labels):
    images = np.zeros((len(written), 28, 28, 1), np.uint8)
    images[:, 0, 0, 0] = written
    return Split(images, np.array(labels))


def test_what_is_no_model_or_no_split_is_one_line(mnist):
    model = zoo.build("linear")
    with pytest.raises(DataError, match=r"a Split is classified, not .*: give data.test"):
        evaluate(model, mnist)
    with pytest.raises(DataError, match="makes one of arrays"):
        predict(model, mnist.test.images)
    with pytest.raises(SpecError, match=r"a Keras model is asked, .* not 'mlp30'"):
        evaluate("mlp30", mnist.test)
    with pytest.raises(DataError, match="3 names for the 10 classes"):
        confusion_table(np.eye(10, dtype=int), "abc")


def test_every_image_is_counted_also_the_last_few(brightness_reader):
    written = np.arange(2503) % 10
    labels = written.copy()
    labels[[0, 1000, 2502]] = 9
    assert evaluate(brightness_reader, _digits(written, labels)) == Score(2500, 2503)


def test_answers_tell_what_was_wrong(brightness_reader):
    answers = predict(brightness_reader, _digits([3, 3, 5, 0], [3, 8, 5, 6]))
    assert answers.score == Score(2, 4)
    assert answers.misclassified.tolist() == [1, 3]
    assert answers.probability == pytest.approx(0.9)
    counts = answers.confusion()
    assert counts.sum() == 4
    assert counts[8, 3] == counts[6, 0] == counts[3, 3] == counts[5, 5] == 1


def test_the_wilson_interval():
    # (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n), n = 10,000, p = 0.9648, z = 1.96
    assert Score(9648, 10_000).interval() == pytest.approx((0.961006, 0.968237), abs=1e-6)
    low, high = Score(10, 10).interval()
    assert high == 1
    assert low == pytest.approx(10 / (10 + 1.959964**2), abs=1e-6)


@pytest.mark.parametrize(("correct", "total"), [(1, 0), (0, 0), (3, 2), (-1, 2)])
def test_scores_that_cannot_be(correct, total):
    with pytest.raises(DataError, match="cannot be"):
        Score(correct, total)


def test_a_score_reads_as_the_book_writes_it():
    assert str(Score(9542, 10_000)) == "9,542 / 10,000 (95.42 %)"


def test_the_table_of_confusions():
    answers = Predictions(np.array([1, 7, 1]), np.array([1, 1, 1]), np.ones(3))
    lines = confusion_table(answers.confusion()).splitlines()
    assert lines[3].split() == ["1", "|", ".", "2", ".", ".", ".", ".", ".", "1", ".", "."]
    assert len(lines) == 12
