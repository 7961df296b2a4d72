"""Data sets of TensorFlow, Keras and Hugging Face: the same images, whatever hands them out."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.data.data_files import everything, write_classes
from tests.data.test_arrays import TEST, TRAIN, arrays
from zoo.data import load_data, storage
from zoo.data.mapped import mapping_of
from zoo.data.pictures import PictureFormat, read_picture
from zoo.errors import DataError


def load(value, **options):
    return load_data(value, progress=False, **options)


def tensors(pair) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(pair)


@pytest.fixture(scope="module")
def expected() -> str:
    return load((TRAIN, TEST)).fingerprint


@pytest.mark.parametrize("batch", [None, 1, 7, 60])
def test_tensorflow_data_sets_come_with_and_without_batches(batch, expected):
    pair = [tensors(TRAIN), tensors(TEST)]
    if batch:
        pair = [dataset.batch(batch) for dataset in pair]
    data = load(tuple(pair))
    assert (data.name, data.fingerprint) == ("dataset", expected)
    assert load({"train": pair[0], "test": pair[1]}).fingerprint == expected


def test_elements_may_be_mappings_one_hot_or_without_channels(expected):
    named = tensors({"image": TRAIN[0], "label": TRAIN[1]})
    one_hot = tensors((TEST[0], np.eye(3, dtype=np.float32)[TEST[1]]))
    assert load((named, one_hot.batch(5))).fingerprint == expected
    assert load((named, one_hot)).fingerprint == expected
    grey = arrays(60, shape=(6, 5))
    assert load(tensors(grey)).fingerprint == load(grey).fingerprint
    assert load(tensors(grey).batch(8)).fingerprint == load(grey).fingerprint


@pytest.mark.parametrize("kind", [np.int64, np.float32])
def test_one_hot_rows_as_long_as_the_images_are_high_make_no_batch(kind):
    pair = arrays(60, classes=10, shape=(10, 10, 3))
    expected = load(pair).fingerprint
    one_hot = tensors((pair[0], np.eye(10, dtype=kind)[pair[1]]))
    assert load(one_hot).fingerprint == expected
    assert load(one_hot.batch(10, drop_remainder=True)).fingerprint == expected
    unknown = tf.data.Dataset.from_generator(
        one_hot.as_numpy_iterator, output_types=(tf.uint8, kind)
    )
    assert load(unknown).fingerprint == expected
    grey = arrays(60, classes=10, shape=(10, 6))
    expected = load(grey).fingerprint
    for batch in (1, 10):
        assert load(tensors(grey).batch(batch, drop_remainder=True)).fingerprint == expected
    assert load(_Batches(grey, 3)).fingerprint == expected


def test_what_keras_makes_of_a_folder_is_taken_with_its_names(tmp_path):
    folder = write_classes(tmp_path / "pets", ("cat", "dog"), 6)
    theirs = keras.utils.image_dataset_from_directory(folder, image_size=(9, 12), verbose=False)
    data = load(theirs)
    assert data.class_names == ("cat", "dog")
    assert everything(data) == everything(load(folder))


class _Batches(keras.utils.PyDataset):
    def __init__(self, pair, size):
        super().__init__()
        self.pair, self.size = pair, size

    def __len__(self):
        return -(-len(self.pair[0]) // self.size)

    def __getitem__(self, index):
        chosen = slice(index * self.size, (index + 1) * self.size)
        return self.pair[0][chosen], self.pair[1][chosen]


def test_keras_data_sets_are_taken(expected):
    assert load((_Batches(TRAIN, 7), _Batches(TEST, 5))).fingerprint == expected
    assert load((_Batches(TRAIN, 7), tensors(TEST))).fingerprint == expected


def test_they_may_stay_on_the_disk_and_leave_nothing_there(tmp_path, expected, monkeypatch):
    monkeypatch.setattr(storage, "MOST_IN_MEMORY", 1000)
    pair = tensors(TRAIN).batch(7), tensors(TEST).batch(7)
    with pytest.raises(DataError, match="more than 1,000 bytes of images: name a folder"):
        load(pair)
    data = load(pair, cache=tmp_path / "room")
    assert isinstance(data.train.images, np.memmap)
    assert data.fingerprint == expected
    drawn = load(pair[0], cache=tmp_path / "room")
    assert drawn.fingerprint == load(TRAIN).fingerprint
    for split in (drawn.train, drawn.validation, drawn.test):
        assert mapping_of(split.images) is not None
    assert list((tmp_path / "room").iterdir()) == []


def _ragged():
    return tf.data.Dataset.from_generator(
        lambda: ((np.full((4 + n % 3, 5, 3), n, np.uint8), n % 3) for n in range(30)),
        output_signature=(tf.TensorSpec((None, 5, 3), tf.uint8), tf.TensorSpec((), tf.int32)),
    )


def test_images_of_different_sizes_come_to_the_one_that_is_named():
    with pytest.raises(DataError, match="different shapes, 4x5x3 and 5x5x3 for two: say which"):
        load(_ragged())
    assert load(_ragged(), size=(4, 4)).shape == (4, 4, 3)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (lambda: tensors(TRAIN).repeat(), "never ends"),
        (lambda: tensors(TRAIN[0]), r"no pairs \(image, label\)"),
        (lambda: tensors((TRAIN[0] / 255, TRAIN[1])), "floats from 0 to"),
        (lambda: tensors((TRAIN[0], TRAIN[1] * 1.0)), "train labels are float64"),
        (lambda: tensors(TRAIN).take(0), "no train image"),
        (lambda: (tensors(TRAIN), tensors(TEST), tensors(TEST), 1), "a tuple of those for train"),
        (lambda: {"train": tensors(TRAIN), "val": tensors(TEST)}, "not 'train', 'val': rename"),
        (lambda: {"train": tensors(TRAIN), 5: tensors(TEST)}, "not 'train', 5: rename"),
        (lambda: _Batches((TRAIN[0], TRAIN[1][:-1]), 60), r"\[60, 6, 5, 3\] with labels .*\[59\]"),
        (lambda: (tensors(TRAIN), 5), "test part is a int, no data set"),
    ],
)
def test_what_is_no_set_is_refused_in_one_line(value, message):
    with pytest.raises(DataError, match=message) as caught:
        load(value())
    assert "\n" not in str(caught.value)


def test_hugging_face_data_sets_come_with_their_splits_and_names(expected):
    datasets = pytest.importorskip("datasets", reason="pip install neural-zoo[hugging-face]")
    features = datasets.Features(
        {
            "picture": datasets.Image(),
            "what": datasets.ClassLabel(names=["cat", "dog", "eel"]),
        }
    )

    def of(pair):
        columns = {"picture": list(pair[0]), "what": pair[1].tolist()}
        return datasets.Dataset.from_dict(columns, features=features)

    both = datasets.DatasetDict({"train": of(TRAIN), "test": of(TEST)})
    data = load(both)
    assert data.class_names == ("cat", "dog", "eel")
    named = load((TRAIN, TEST), class_names=("cat", "dog", "eel"))
    assert data.fingerprint == named.fingerprint
    assert load(of(TRAIN), channels=1).shape == (6, 5, 1)
    with pytest.raises(DataError, match="one of the type Image and one of the type ClassLabel"):
        load(of(TRAIN).remove_columns("what"))


class ClassLabel:
    """As Hugging Face's, of which the name and the names of its classes are asked for."""

    names = ("cat", "dog")


def test_pictures_of_a_data_set_are_read_as_those_of_a_folder(tmp_path):
    clear = np.zeros((4, 6, 4), np.uint8)
    clear[1, :, 3] = 255  # black ink, on what is transparent
    deep = np.arange(24, dtype=np.uint16).reshape(4, 6) * 2000
    kinds = {"clear": Image.fromarray(clear), "deep": Image.fromarray(deep)}
    for name, picture in kinds.items():
        picture.save(tmp_path / f"{name}.png")
        rows = [{"picture": Image.open(tmp_path / f"{name}.png"), "what": n % 2} for n in range(6)]
        dataset = Rows(rows)
        expected = read_picture(tmp_path / f"{name}.png", PictureFormat())
        found = load(dataset)
        assert found.shape == expected.shape
        np.testing.assert_array_equal(found.train.images[0], expected)


class Rows(list):
    """Rows as a Hugging Face data set hands them out."""

    column_names = ("picture", "what")
    features = (("picture", type("Image", (), {})()), ("what", ClassLabel()))
