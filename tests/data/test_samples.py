"""The set that needs no download: its sizes and its pixels."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from zoo.data.samples import sklearn_digits


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
