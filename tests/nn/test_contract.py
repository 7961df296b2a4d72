"""What goes into a model: taken for what it is, or refused in one line."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo.errors import DataError
from zoo.nn.batching import Blocks
from zoo.nn.contract import as_images, as_labels
from zoo.nn.voting import members

SHAPE = (28, 28, 1)
BYTES = np.random.default_rng(0).integers(0, 256, (20, *SHAPE), dtype=np.uint8)
LABELS = np.arange(20, dtype=np.int32) % 10

TAKEN = {
    "bytes": BYTES,
    "whole numbers": BYTES.astype(np.int64),
    "byte / 255": BYTES / 255,
    "byte / 255 in single precision": (BYTES / 255).astype(np.float32),
    "byte / 255 in half precision": (BYTES / 255).astype(np.float16),
    "byte / 256, the book's": (BYTES / 256).astype(np.float32),
    "no channel": BYTES[..., 0],
    "rows of pixels": BYTES.reshape(20, 784) / 255,
    "channels first": BYTES.transpose(0, 3, 1, 2),
    "a list": BYTES[..., 0].tolist(),
    "a tensor": tf.constant(BYTES),
    "a tensor of floats": tf.constant(BYTES / 256, tf.float32),
    "a tensor of bfloat16": tf.cast(tf.constant(BYTES / 256), tf.bfloat16),
}

REFUSED = {
    "floats from 0 to 255": (BYTES.astype(np.float32), "floats from 0 to 255"),
    "centred": (BYTES / 127.5 - 1, "floats from -1 to 1"),
    "no number": (np.full((1, *SHAPE), np.nan), "NaN"),
    "an infinity": (np.full((1, *SHAPE), np.inf), "NaN"),
    "negative bytes": (-BYTES.astype(int), "from -255 to 0"),
    "larger than bytes": (BYTES.astype(int) * 257, "from 0 to 65535"),
    "other sizes": (BYTES[:, :27], r"\[n, 28, 28, 1\], not \[20, 27, 28, 1\]"),
    "colours": (np.zeros((2, 28, 28, 3), np.uint8), r"not \[2, 28, 28, 3\]"),
    "words": (np.array(["digit.png"]), "shape"),
    "flags": (BYTES > 127, "bool"),
    "a Keras tensor of floats": (keras.KerasTensor((None, *SHAPE), "float32"), "must be uint8"),
}


@pytest.mark.parametrize("form", TAKEN)
def test_images_in_any_honest_form_are_the_bytes_that_they_were_made_of(form):
    images = as_images(TAKEN[form], SHAPE)
    assert str(np.asarray(images).dtype) == "uint8"
    np.testing.assert_array_equal(np.asarray(images), BYTES)


def test_a_single_image_is_taken_with_or_without_its_channel():
    for image in (BYTES[3], BYTES[3, ..., 0], BYTES[3].ravel() / 255):
        np.testing.assert_array_equal(as_images(image, SHAPE), BYTES[3:4])


def test_floats_between_two_bytes_are_rounded_and_black_is_black():
    image = np.zeros((1, *SHAPE))
    image[0, 0, :4, 0] = [1, 0.5, 0.1, 1 + 1e-7]
    assert as_images(image, SHAPE)[0, 0, :4, 0].tolist() == [255, 128, 26, 255]


@pytest.mark.parametrize("form", REFUSED)
def test_anything_else_is_refused_in_one_line(form):
    images, reason = REFUSED[form]
    with pytest.raises(DataError, match=reason) as refused:
        as_images(images, SHAPE)
    assert "\n" not in str(refused.value)


def test_colour_images_keep_their_colours_and_need_them():
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 9, 3), dtype=np.uint8)
    np.testing.assert_array_equal(as_images(images / 255, (8, 9, 3)), images)
    np.testing.assert_array_equal(as_images(images[0], (8, 9, 3)), images[:1])
    with pytest.raises(DataError, match=r"\[n, 8, 9, 3\]"):
        as_images(images[..., 0], (8, 9, 3))


@pytest.mark.parametrize(
    "labels",
    [
        LABELS.astype(np.uint8),
        LABELS.astype(np.float64),
        LABELS[:, None],
        LABELS.tolist(),
        np.eye(10)[LABELS],
        keras.utils.to_categorical(LABELS, 10),
        tf.constant(LABELS, tf.int64),
    ],
    ids=["bytes", "floats", "column", "list", "one-hot", "to_categorical", "tensor"],
)
def test_labels_in_any_honest_form_are_numbers_of_classes(labels):
    np.testing.assert_array_equal(as_labels(labels, 10), LABELS)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (LABELS + 1, "go from 1 to 10"),
        (LABELS - 1, "go from -1 to 8"),
        (LABELS + 0.5, "no whole numbers, as 0.5"),
        (np.full((4, 10), 0.1), "categorical_crossentropy"),
        (np.eye(12)[LABELS], r"shape \[20, 12\]"),
        (np.array(["seven"]), "give the classes numbers"),
        (np.array([np.nan, 1.0]), "no whole numbers"),
    ],
)
def test_other_labels_are_refused_in_one_line(labels, reason):
    with pytest.raises(DataError, match=reason) as refused:
        as_labels(labels, 10)
    assert "\n" not in str(refused.value)


# --- every door of a model ------------------------------------------------------------------------


class Batches(keras.utils.PyDataset):
    def __init__(self, images, labels):
        super().__init__()
        self.images, self.labels = images, labels

    def __len__(self):
        return 2

    def __getitem__(self, index):
        part = slice(10 * index, 10 * index + 10)
        return self.images[part], self.labels[part]


def generator(images, labels):
    yield from (Batches(images, labels)[index] for index in range(2))


def dataset(images, labels):
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(10)


DOORS = {
    "arrays": lambda images, labels: {"x": images, "y": labels, "batch_size": 10},
    "tf.data": lambda images, labels: {"x": dataset(images, labels)},
    "PyDataset": lambda images, labels: {"x": Batches(images, labels)},
    "generator": lambda images, labels: {"x": generator(images, labels)},
}


def weights_after(model, **data):
    model.set_weights(zoo.build("linear", seed=1).get_weights())
    model.fit(**data, shuffle=False, verbose=0)
    return model.get_weights()


@pytest.fixture(scope="module")
def model():
    return zoo.build("linear", seed=1)


@pytest.fixture(scope="module")
def expected(model):
    return weights_after(model, x=BYTES, y=LABELS, batch_size=10)


@pytest.mark.parametrize("door", DOORS)
def test_a_fit_by_every_door_learns_the_same_from_floats_and_one_hot_labels(door, model, expected):
    outputs = DOORS[door](BYTES[..., 0] / 255, np.eye(10, dtype=np.float32)[LABELS])
    outputs |= {"steps_per_epoch": 2} if door == "generator" else {}
    for one, same in zip(weights_after(model, **outputs), expected, strict=True):
        np.testing.assert_allclose(one, same, rtol=1e-6)


@pytest.mark.parametrize("door", DOORS)
def test_every_door_refuses_unscaled_floats_and_labels_that_are_no_class(door, model):
    with pytest.raises(DataError, match=r"floats from \d+ to 255: give them as bytes"):
        model.fit(**DOORS[door](BYTES.astype(np.float32), LABELS), shuffle=False, verbose=0)
    with pytest.raises(DataError, match="go from 1 to 10"):
        model.fit(**DOORS[door](BYTES, LABELS + 1), shuffle=False, verbose=0)
    with pytest.raises(DataError, match="go from 1 to 10"):
        model.evaluate(**DOORS[door](BYTES, LABELS + 1), verbose=0)


def test_the_input_may_be_given_by_its_name(model, expected):
    images = {"images": BYTES}
    np.testing.assert_array_equal(model.predict(images, verbose=0), model.predict(BYTES, verbose=0))
    np.testing.assert_allclose(model(images), model(BYTES))
    batches = tf.data.Dataset.from_tensor_slices((images, LABELS)).batch(10)
    for data in ({"x": images, "y": LABELS, "batch_size": 10}, {"x": batches}):
        for one, same in zip(weights_after(model, **data), expected, strict=True):
            np.testing.assert_allclose(one, same, rtol=1e-6)


def test_images_without_labels_are_refused_by_all_who_need_them(model):
    for call in (
        lambda: model.fit(BYTES),
        lambda: model.evaluate(BYTES),
        lambda: model.train_on_batch(BYTES),
        lambda: model.test_on_batch(BYTES, None),
        lambda: model.fit(BYTES, LABELS, validation_data=(BYTES,)),
    ):
        with pytest.raises(DataError, match="give labels, too"):
            call()


def test_members_and_named_outputs_take_what_the_vote_takes():
    voting = zoo.vote([zoo.build("linear", seed=seed) for seed in range(2)])
    member = members(voting)[0]
    np.testing.assert_array_equal(
        member.predict(BYTES / 255, verbose=0), member.predict(BYTES, verbose=0)
    )


def test_predictions_are_those_of_the_bytes_whatever_they_come_in(model):
    expected = model.predict(BYTES, verbose=0)
    for images in (BYTES / 255, BYTES[..., 0], zoo.Split(BYTES, LABELS)):
        np.testing.assert_array_equal(model.predict(images, verbose=0), expected)
    floats = tf.data.Dataset.from_tensor_slices(BYTES / 256).batch(10)
    np.testing.assert_array_equal(model.predict(floats, verbose=0), expected)
    for outputs in (model(BYTES / 255), model([BYTES]), model.predict_on_batch(BYTES / 256)):
        np.testing.assert_allclose(outputs, expected, rtol=1e-4)
    np.testing.assert_allclose(model(BYTES[0] / 255), expected[:1], rtol=1e-4)
    with pytest.raises(DataError, match="give them as bytes"):
        model.predict(BYTES * 1.0, verbose=0)
    with pytest.raises(DataError, match="must be uint8"):
        model(keras.Input(SHAPE))


def test_the_zoos_records_are_taken_and_validation_data_is_checked(model, expected):
    split = zoo.Split(BYTES, LABELS)
    for one, same in zip(weights_after(model, x=split, batch_size=10), expected, strict=True):
        np.testing.assert_array_equal(one, same)
    assert model.evaluate(split, verbose=0) == model.evaluate(BYTES / 255, LABELS, verbose=0)
    for data in (split, (BYTES / 255, LABELS), dataset(BYTES / 255, LABELS)):
        history = model.fit(split, validation_data=data, verbose=0).history
        assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    with pytest.raises(DataError, match="give them as bytes"):
        model.fit(split, validation_data=(BYTES * 1.0, LABELS), verbose=0)
    with pytest.raises(DataError, match=r"data\.train"):
        model.fit(zoo.Data("three", split, split, split), verbose=0)
    with pytest.raises(DataError, match="leave y out"):
        model.fit(split, LABELS)


def test_a_loss_of_the_users_has_the_labels_that_it_asks_for():
    model = zoo.build("linear", seed=1)
    model.compile("sgd", loss="categorical_crossentropy", metrics=["accuracy"])
    targets = np.full((20, 10), 0.1, np.float32)
    assert np.isfinite(model.fit(BYTES, targets, verbose=0).history["loss"]).all()


def test_fit_goes_on_after_a_training_of_the_zoo_and_the_other_way_round(bars):
    data = bars.take(40)
    model = zoo.train("linear", data, epochs=1, progress=False).model
    model.fit(data.train, epochs=1, verbose=0)
    before = model.get_weights()[0].copy()
    model.fit(Blocks(data.train, 10), verbose=0)
    assert not np.array_equal(before, model.get_weights()[0])
    model.train_on_batch(BYTES / 255, LABELS)
    model.fit(data.train.images, data.train.labels, batch_size=7, verbose=0)
