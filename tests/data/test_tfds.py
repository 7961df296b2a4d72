"""Other TFDS sets: a small builder of our own goes the whole way through tensorflow_datasets."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tests.data.data_files import random_set
from zoo.data import load_data
from zoo.errors import DataError


class _TestSet(tfds.core.GeneratorBasedBuilder):
    """A set of `SIZES` random images under the features the class names."""

    VERSION = tfds.core.Version("1.0.0")
    skip_registration = True
    SIDE = 28
    CLASSES = 10
    SIZES = {"train": 60, "test": 20}  # noqa: RUF012

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=(self.SIDE, self.SIDE, 1)),
            "label": tfds.features.ClassLabel(num_classes=self.CLASSES),
        }
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features), disable_shuffling=True
        )

    def _split_generators(self, dl_manager):
        return {name: self._generate_examples(count) for name, count in self.SIZES.items()}

    def _generate_examples(self, count):
        for key, (image, label) in enumerate(zip(*random_set(count), strict=True)):
            yield key, {"image": image[..., None], "label": label}


class ZooTestDigits(_TestSet):
    pass


class ZooTestLarge(_TestSet):
    SIDE = 32


class ZooTestLetters(_TestSet):
    CLASSES = 26


class ZooTestUntested(_TestSet):
    SIZES = {"train": 60}  # noqa: RUF012


class ZooTestUnreachable(_TestSet):
    def _split_generators(self, dl_manager):
        raise ConnectionError("the site is\nnot in reach")


def test_a_tfds_set_comes_in_the_book_s_split_and_its_own_order(tmp_path):
    data = load_data("zoo_test_digits", data_dir=tmp_path, progress=False)
    images, labels = random_set(60)
    assert data.name == "zoo_test_digits"
    assert [len(data.train), len(data.validation), len(data.test)] == [50, 10, 20]
    assert np.array_equal(data.train.images[..., 0], images[:50])
    assert np.array_equal(data.validation.images[..., 0], images[50:])
    assert np.array_equal(data.validation.labels, labels[50:])
    assert (tmp_path / "zoo_test_digits" / "1.0.0").is_dir()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("zoo_test_large", "no set for these networks: .*shape=.32, 32, 1"),
        ("zoo_test_letters", "at most ten classes, it has .*num_classes=26"),
        ("zoo_test_untested", "cannot get 'zoo_test_untested': .*test"),
        ("zoo_test_unreachable", "cannot get 'zoo_test_unreachable': .*the site is not in reach"),
        ("fashon_mnist", "No data set 'fashon_mnist'. Did you mean 'fashion_mnist'"),
        ("mnits", "Did you mean 'mnist'"),
        ("no/such/folder", "a folder of four IDX files, or a tensorflow_datasets name"),
    ],
)
def test_what_cannot_be_had_is_said_in_one_line(tmp_path, name, message):
    with pytest.raises(DataError, match=message) as caught:
        load_data(name, data_dir=tmp_path, progress=False)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("zoo_test_large"))
