"""Fine-tuning: the trained body under a fresh head, and the features that the head sees."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
from zoo.errors import SpecError
from zoo.training.fit import frozen_layers


def weights_of(model) -> dict[str, np.ndarray]:
    return {variable.path: np.array(variable) for variable in model.weights}


def test_a_fresh_head_on_the_trained_body():
    trained, tuned = zoo.load("conv2_relu"), zoo.load("conv2_relu", classes=26, seed=1)
    assert tuned.output_shape == (None, 26)
    before, after = weights_of(trained), weights_of(tuned)
    assert set(before) == set(after)
    for name in before:
        if not name.startswith("softmax"):
            np.testing.assert_array_equal(before[name], after[name])
    assert not after["softmax_1/kernel"].any()  # as network3.py starts it


def test_a_head_of_as_many_classes_is_fresh_if_asked(bars):
    same, fresh = zoo.load("mlp30", classes=10), zoo.load("mlp30", fresh_head=True, seed=1)
    assert zoo.evaluate(same, bars.test) == zoo.evaluate(zoo.load("mlp30"), bars.test)
    kernels = [model.get_layer("dense_2").kernel for model in (same, fresh)]
    assert not np.array_equal(*kernels)
    np.testing.assert_array_equal(*(model.get_layer("dense_1").kernel for model in (same, fresh)))


@pytest.mark.parametrize("name", ["mlp30", "conv1"])
def test_a_grey_picture_in_colour_is_seen_as_it_was(name, bars):
    grey = zoo.features(name)
    colour = zoo.features(zoo.load(name, classes=3, input_shape=(28, 28, 3)))
    images = bars.test.images[:20]
    expected = grey.predict(images, verbose=0)
    seen = colour.predict(np.repeat(images, 3, axis=3), verbose=0)
    np.testing.assert_allclose(seen, expected, rtol=1e-4, atol=1e-5)


def test_features_are_what_the_head_sees(bars):
    model = zoo.load("conv2_relu_dropout")
    features = zoo.features(model)
    assert features.output_shape == (None, 1000)
    images = bars.test.images[:20]
    kernel, bias = model.layers[-1].get_weights()
    z = 0.5 * features.predict(images, verbose=0).astype(np.float64) @ kernel + bias
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict(images, verbose=0), expected, atol=1e-5)


def test_a_frozen_body_stays_while_the_head_learns(bars):
    start = zoo.load("conv2_relu", freeze="body", fresh_head=True, seed=1)
    assert frozen_layers(start) == ("conv_1", "conv_2", "dense_1")
    few = bars.take(300)
    result = zoo.train("conv2_relu", few, start=start, epochs=5, progress=False)
    before, after = weights_of(zoo.load("conv2_relu")), weights_of(result.model)
    for name in before:
        assert np.array_equal(before[name], after[name]) == (not name.startswith("softmax"))
    assert zoo.evaluate(result.model, bars.test).accuracy > 0.8


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: zoo.load("mlp30", input_shape=(32, 32, 1)), "is for images of 28x28, not 32x32"),
        (lambda: zoo.load("linear", classes=5), "is one layer, of which a head drawn afresh"),
        (lambda: zoo.load("mlp30", freeze="head"), "freeze is 'body' or nothing, not 'head'"),
        (
            lambda: zoo.load("mlp30", layers=(zoo.FullyConnected(9), zoo.FullyConnected(10))),
            "are for other layers",
        ),
        (
            lambda: zoo.load("conv2_relu_dropout_x5", classes=26),
            "has no body under one head: fine-tune a network that is",
        ),
        (lambda: zoo.features(zoo.vote(["mlp30", "mlp100"])), "ends with a Tally layer"),
    ],
)
def test_what_has_no_body_or_another_one_says_so(make, said):
    with pytest.raises(SpecError, match=said):
        make()


def test_features_share_the_weights_of_the_model(bars):
    model = zoo.build("mlp30", seed=1)
    features = zoo.features(model)
    assert isinstance(features, keras.Model)
    before = features.predict(bars.test.images[:3], verbose=0)
    model.fit(bars.train, epochs=1, verbose=0)
    assert not np.array_equal(features.predict(bars.test.images[:3], verbose=0), before)
