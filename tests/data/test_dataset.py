"""`Split` and `Data`: what they admit, what they refuse, and their subsets."""

from __future__ import annotations

import time

import numpy as np
import pytest

from tests.data.data_files import random_set
from zoo.data import Data, Split
from zoo.errors import DataError


def split_of(count: int, seed: int = 0) -> Split:
    images, labels = random_set(count, seed)
    return Split(images[..., None], labels)


@pytest.fixture
def data() -> Data:
    return Data("random", split_of(40), split_of(20, 1), split_of(30, 2))


def test_a_split_holds_bytes_and_int32_labels_in_the_order_given():
    images, labels = random_set(12)
    split = Split(images[..., None], labels)
    assert len(split) == 12
    assert split.images.dtype == np.uint8
    assert split.labels.dtype == np.int32
    assert split.images[7, 3, 5, 0] == images[7, 3, 5]
    assert split.labels.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]


def test_a_split_cannot_be_written_to_and_leaves_the_callers_array_alone():
    images = np.zeros((2, 28, 28, 1), np.uint8)
    split = Split(images, np.array([1, 2], np.int32))
    with pytest.raises(ValueError, match="read-only"):
        split.images[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        split.labels[0] = 1
    images[0] = 1
    with pytest.raises(AttributeError):
        split.images = images


GOOD_IMAGES = np.zeros((2, 28, 28, 1), np.uint8)
GOOD_LABELS = np.array([0, 9])


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (GOOD_IMAGES[..., 0], GOOD_LABELS, r"\[n, height, width, channels\], not \[2, 28, 28\]"),
        (np.zeros((2, 0, 28, 1), np.uint8), GOOD_LABELS, r"not \[2, 0, 28, 1\]"),
        (np.zeros((2, 28, 28, 0), np.uint8), GOOD_LABELS, r"not \[2, 28, 28, 0\]"),
        (np.zeros((2, 1, 1, 3), np.uint8), GOOD_LABELS, "1x1: a single pixel"),
        (GOOD_IMAGES.astype(np.float32), GOOD_LABELS, "not an array of float32"),
        (GOOD_IMAGES.tolist(), GOOD_LABELS, "not list"),
        (GOOD_IMAGES, [0, 9], "not list"),
        (GOOD_IMAGES, np.array([0.0, 9.0]), "not an array of float64"),
        (GOOD_IMAGES, np.array([True, False]), "not an array of bool"),
        (GOOD_IMAGES, np.array([-1, 3]), "from 0 up, .*; these go from -1 to 3"),
        (GOOD_IMAGES, np.array([0, 2**32]), "to 4294967296"),
        (GOOD_IMAGES, np.array([1, 2, 3]), r"2 images need labels of shape \[2\], not \[3\]"),
        (GOOD_IMAGES, np.eye(2, 10, dtype=int), r"not \[2, 10\]"),
        (GOOD_IMAGES[:0], GOOD_LABELS[:0], "no image"),
    ],
)
def test_wrong_contents_are_refused_in_one_line(images, labels, message):
    with pytest.raises(DataError, match=message) as caught:
        Split(images, labels)
    assert "\n" not in str(caught.value)


def test_take_keeps_the_first_images_of_the_training_data_only(data):
    few = data.take(7)
    assert [len(few.train), len(few.validation), len(few.test)] == [7, 20, 30]
    assert np.array_equal(few.train.images, data.train.images[:7])
    assert few.train.labels.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert len(data.take(40).train) == 40


@pytest.mark.parametrize("count", [0, -1, 41, 2.5, "3", None])
def test_take_refuses_what_is_not_there(data, count):
    with pytest.raises(DataError, match="ask for 1 to 40"):
        data.take(count)


def test_only_digits_keeps_order_and_labels_in_all_three_splits(data):
    pair = data.only_digits(3, 1)
    for split, whole in ((pair.train, data.train), (pair.test, data.test)):
        kept = [i for i in range(len(whole)) if i % 10 in (1, 3)]
        assert split.labels.tolist() == [i % 10 for i in kept]
        assert np.array_equal(split.images, whole.images[kept])
    assert pair.validation.labels.tolist() == [1, 3, 1, 3]


@pytest.mark.parametrize("digits", [(), (10,), (0, -1), ("3",), (1.5,)])
def test_only_digits_refuses_what_is_no_digit(data, digits):
    with pytest.raises(DataError, match="one or more of 0 to 9"):
        data.only_digits(*digits)


def test_only_digits_refuses_an_empty_subset():
    with pytest.raises(DataError, match="None of the 3 images"):
        split_of(3).only_digits(7, 8)


def letters(shape: tuple[int, ...] = (5, 7, 3), **changed) -> Data:
    parts = {}
    for seed, (name, count) in enumerate({"train": 30, "validation": 6, "test": 12}.items()):
        images = np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)
        parts[name] = Split(images, np.arange(count) % 3)
    return Data("letters", **{**parts, "class_names": ("a", "b", "c"), **changed})


def test_images_of_any_shape_and_classes_of_any_name_are_a_data_set():
    data = letters()
    assert data.shape == data.test.shape == (5, 7, 3)
    assert (data.classes, data.class_names) == (3, ("a", "b", "c"))
    assert data.take(5).class_names == ("a", "b", "c")
    some = data.only_classes(2, 0)
    assert some.validation.labels.tolist() == [0, 2, 0, 2]
    assert some.class_names == ("a", "b", "c")


def test_labels_are_their_own_names_where_none_is_given(data):
    assert data.class_names == tuple("0123456789")
    parts = letters()
    more = Split(parts.train.images, np.arange(30) % 12)
    assert letters(train=more, class_names=()).class_names[-2:] == ("10", "11")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"test": letters((5, 7, 1)).test}, "test images are 5x7x1, the train images 5x7x3"),
        ({"class_names": ("a", "b")}, "labels from 0 to 1, one image has 2"),
        ({"class_names": ("a", "b", "b")}, "Two classes are called 'b'"),
        ({"class_names": ("a", "b", "c\nd")}, r"'c\\nd' is no name for a class"),
        ({"class_names": ("a", "b", " ")}, "is no name"),
        ({"class_names": (1, 2, 3)}, "1 is no name"),
        ({"class_names": ("a",)}, "one class only"),
    ],
)
def test_splits_and_names_that_do_not_fit_are_refused_in_one_line(changed, message):
    with pytest.raises(DataError, match=message) as caught:
        letters(**changed)
    assert "\n" not in str(caught.value)


def test_the_fingerprint_of_mnist_is_the_one_that_stored_runs_carry(mnist):
    assert mnist.fingerprint == "cee1df488d620b43"


def test_the_fingerprint_sees_shapes_and_names_and_labels_above_255():
    data = letters()
    flat = [
        Split(split.images.reshape(len(split), 7, 5, 3), split.labels)
        for split in (data.train, data.validation, data.test)
    ]
    many = np.arange(30)
    many[-1] = 2
    others = [
        letters(),
        letters(class_names=("a", "b", "d")),
        Data("turned", *flat, class_names=data.class_names),
        letters(train=Split(data.train.images, many), class_names=()),
        letters(train=Split(data.train.images, many + 256 * (many == 2)), class_names=()),
    ]
    assert data.fingerprint == others[0].fingerprint
    assert len({other.fingerprint for other in others}) == 5


def test_the_fingerprint_sees_every_byte_and_nothing_else(data):
    again = Data("another name", split_of(40), split_of(20, 1), split_of(30, 2))
    assert data.fingerprint == again.fingerprint
    assert len(data.fingerprint) == 16
    image = data.test.images.copy()
    image[-1, -1, -1, 0] ^= 1
    label = data.train.labels.copy()
    label[0] = 5
    others = [
        Data("one pixel", data.train, data.validation, Split(image, data.test.labels)),
        Data("one label", Split(data.train.images, label), data.validation, data.test),
        Data("exchanged", data.test, data.validation, data.train),
        data.take(39),
    ]
    assert len({data.fingerprint, *(other.fingerprint for other in others)}) == 5


def test_many_classes_are_counted_once():
    labels = np.arange(30_000)
    part = Split(np.zeros((30_000, 1, 2, 1), np.uint8), labels)
    start = time.perf_counter()
    assert Data("many", part, part, part).classes == 30_000
    assert time.perf_counter() - start < 5  # a hundred and more where each is counted anew
    with pytest.raises(DataError, match="Two classes are called 'b'"):
        Data("two", part, part, part, ("a", "b", "c", "b"))
