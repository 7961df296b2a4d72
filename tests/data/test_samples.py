"""The sets that need no download: their sizes, their pixels, and that test images stay apart."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits, load_sample_images

from zoo.data.samples import mnist_on_photographs, sklearn_digits


def test_scikit_learns_digits_are_bytes_divided_class_by_class():
    data = sklearn_digits()
    splits = (data.train, data.validation, data.test)
    assert (data.shape, data.class_names) == ((8, 8, 1), tuple("0123456789"))
    assert sum(map(len, splits)) == 1797
    pixels, labels = load_digits(return_X_y=True)
    expected = sorted(
        ((row * 15.9375).round().astype(np.uint8).tobytes(), int(label))
        for row, label in zip(pixels, labels, strict=True)
    )
    found = [
        (image.tobytes(), int(label))
        for split in splits
        for image, label in zip(split.images, split.labels, strict=True)
    ]
    assert sorted(found) == expected
    for split in (data.validation, data.test):
        assert (np.bincount(split.labels) >= 29).all()
    large = sklearn_digits((28, 28))
    assert large.shape == (28, 28, 1)
    assert np.array_equal(large.train.labels, data.train.labels)
    assert sklearn_digits(seed=1).fingerprint != data.fingerprint


def test_digits_on_photographs_keep_their_ink_and_lie_on_parts_of_their_own(mnist):
    few = mnist.take(200)
    few = type(few)("few", few.train, few.validation.take(50), few.test.take(100))
    data = mnist_on_photographs(few)
    assert (data.name, data.shape) == ("few_on_photographs", (28, 28, 3))
    assert np.array_equal(data.train.labels, few.train.labels)
    photographs = load_sample_images().images
    for part, (left, right) in {"train": (0, 2 / 3), "test": (2 / 3, 1)}.items():
        plain, blended = getattr(few, part), getattr(data, part)
        blank = plain.images == 0  # there the photograph is as it was
        assert (np.where(blank, blended.images, 1).mean(axis=(1, 2, 3)) > 0).all()
        for index in range(20):
            assert _lies_in(blended.images[index], plain.images[index], photographs, left, right)
    assert mnist_on_photographs(few).fingerprint == data.fingerprint
    assert mnist_on_photographs(few, seed=1).fingerprint != data.fingerprint


def _lies_in(image, digit, photographs, left, right) -> bool:
    """Whether the top row of an image, which has no ink, is found in that part of a photograph."""
    assert not digit[0].any()
    row = image[0].tobytes()
    for photograph in photographs:
        width = photograph.shape[1]
        part = photograph[:, int(width * left) : int(width * right)]
        if any(row in line.tobytes() for line in part):
            return True
    return False
