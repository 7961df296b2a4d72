"""The recipes that the book describes and leaves to the reader, against the NumPy oracle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import zoo
from tests import reference
from zoo.errors import SpecError
from zoo.nn import losses
from zoo.nn.batching import Blocks

LAYERS = (zoo.FullyConnected(12), zoo.FullyConnected(10))
RECIPE = zoo.Recipe(
    cost="cross_entropy",
    epochs=2,
    learning_rate=0.5,
    batch_size=5,
    images=25,
    initializer="unit_normal",
)

pytestmark = pytest.mark.usefixtures("plain_and_xla")


def _split(count=25):
    generator = np.random.default_rng(4)
    images = generator.integers(0, 256, (count, 28, 28, 1), dtype=np.uint8)
    return zoo.Split(images, generator.integers(10, size=count))


def _oracle(model, layers, cost):
    arrays = iter(np.array(weight, "float64") for weight in model.get_weights())
    dense = []
    for layer in layers:
        kernel, bias = next(arrays), next(arrays)
        activation = getattr(layer, "activation", "softmax")
        dense.append(reference.Dense(kernel.T, bias, activation))
    return reference.Network(dense, cost)


def _batches(split, epochs):
    for _ in range(epochs):
        for start in range(0, len(split), 5):
            yield [
                (image / 256, reference.one_hot(label))
                for image, label in zip(
                    split.images[start : start + 5], split.labels[start : start + 5], strict=True
                )
            ]


def _trained(layers, recipe):
    """The weights that `fit` leaves, and the oracle as it was before."""
    model = zoo.build(zoo.ModelSpec("small", layers, recipe), seed=3)
    oracle = _oracle(model, layers, recipe.cost)
    model.fit(Blocks(_split(), 5), epochs=recipe.epochs, verbose=0)
    return _oracle(model, layers, recipe.cost), oracle


def _assert_equal(ours, book, atol=2e-5):
    for mine, theirs in zip(ours.layers, book.layers, strict=True):
        np.testing.assert_allclose(mine.w, theirs.w, atol=atol)
        np.testing.assert_allclose(mine.b, theirs.b, atol=atol)


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_is_the_books_velocity(nesterov):
    recipe = replace(RECIPE, momentum=0.8, nesterov=nesterov, learning_rate=0.1)
    ours, book = _trained(LAYERS, recipe)
    speeds = [(0.0, 0.0) for _ in book.layers]
    for batch in _batches(_split(), epochs=2):
        gradients = book.mean_gradients(batch)
        for number, (layer, (dw, db)) in enumerate(zip(book.layers, gradients, strict=True)):
            vw, vb = speeds[number]
            vw, vb = 0.8 * vw - 0.1 * dw, 0.8 * vb - 0.1 * db  # (107)
            speeds[number] = vw, vb
            if nesterov:  # looks ahead by one more velocity
                vw, vb = 0.8 * vw - 0.1 * dw, 0.8 * vb - 0.1 * db
            layer.w, layer.b = layer.w + vw, layer.b + vb  # (108)
    _assert_equal(ours, book)


def test_l1_moves_every_weight_by_the_same_step_towards_0():
    ours, book = _trained(LAYERS, replace(RECIPE, l1=2.0))
    for batch in _batches(_split(), epochs=2):
        for layer, (dw, db) in zip(book.layers, book.mean_gradients(batch), strict=True):
            layer.w = layer.w - 0.5 * 2.0 / 25 * np.sign(layer.w) - 0.5 * dw  # (97)
            layer.b = layer.b - 0.5 * db
    # Weights move by 0.4; how sums of 784 large terms are rounded differs among processors.
    _assert_equal(ours, book, atol=5e-5)


def test_l1_leaves_a_weight_of_0_where_it_is():
    spec = zoo.ModelSpec("small", (zoo.Softmax(),), replace(RECIPE, cost="log_likelihood", l1=9.0))
    model = zoo.build(spec)
    blank = zoo.Split(np.zeros((5, 28, 28, 1), np.uint8), np.arange(5))
    model.fit(Blocks(blank, 5), verbose=0)
    assert not np.any(model.get_weights()[0]), "sgn(0) is 0"


def test_signed_targets_suit_tanh_outputs():
    layers = (zoo.FullyConnected(12, "tanh"), zoo.FullyConnected(10, "tanh"))
    recipe = replace(
        RECIPE, cost="quadratic", signed=True, learning_rate=0.05, initializer="lecun_normal"
    )
    ours, book = _trained(layers, recipe)
    for batch in _batches(_split(), epochs=2):
        book.step([(x, 2 * y - 1) for x, y in batch], eta=0.05)
    _assert_equal(ours, book)


def test_cross_entropy_of_softmax_outputs():
    z = np.random.default_rng(5).normal(size=(4, 10))
    labels = np.array([3, 0, 9, 3])
    outputs = np.array([reference.softmax(row) for row in z])
    expected = [
        reference.COST["cross_entropy"](a, reference.one_hot(label))
        for a, label in zip(outputs, labels, strict=True)
    ]
    ours = losses.SoftmaxCrossEntropyCost()(labels, outputs.astype("float32"))
    assert float(ours) == pytest.approx(np.mean(expected), rel=1e-6)


def test_cross_entropy_of_softmax_outputs_trains_down_its_gradient():
    layers = (zoo.FullyConnected(8), zoo.Softmax())
    recipe = replace(RECIPE, epochs=1, images=5)
    spec = zoo.ModelSpec("small", layers, recipe)
    model = zoo.build(spec, seed=3)
    split = _split(5)
    kernel = model.layers[-1].kernel
    kernel.assign(np.random.default_rng(6).normal(size=kernel.shape))
    oracle = _oracle(model, layers, "cross_entropy")
    before = np.array(model.get_weights()[-1], "float64")
    model.fit(Blocks(split, 5), verbose=0)
    moved = model.get_weights()[-1] - before

    (batch,) = _batches(split, epochs=1)
    output = oracle.layers[-1]

    def cost(bias):
        output.b = bias
        each = [reference.COST["cross_entropy"](oracle.feedforward(x), y) for x, y in batch]
        return np.mean(each)

    step = 1e-5 * np.eye(10)
    slope = [(cost(before + h) - cost(before - h)) / 2e-5 for h in step]  # (46)
    np.testing.assert_allclose(moved, -0.5 * np.array(slope), atol=1e-6)


def test_label_smoothing_asks_for_a_share_less_of_the_right_digit():
    recipe = replace(RECIPE, cost="log_likelihood", label_smoothing=0.2, epochs=1, images=5)
    model = zoo.build(zoo.ModelSpec("small", (zoo.FullyConnected(8), zoo.Softmax()), recipe))
    split = _split(5)
    outputs = model(split.images).numpy()
    wanted = np.full((5, 10), 0.02)
    wanted[np.arange(5), split.labels] = 0.82
    cost = model.evaluate(split.images, split.labels, verbose=0, return_dict=True)["loss"]
    assert cost == pytest.approx(-(wanted * np.log(outputs)).sum(axis=1).mean(), rel=1e-5)

    before = model.get_weights()[-1]
    model.fit(Blocks(split, 5), verbose=0)
    error = (outputs - wanted).mean(axis=0)  # (84), with these targets
    np.testing.assert_allclose(model.get_weights()[-1] - before, -0.5 * error, atol=1e-6)


@pytest.mark.parametrize(
    ("layers", "settings", "said"),
    [
        ((zoo.FullyConnected(10, "tanh"),), {}, "cross_entropy cost is for sigmoid or softmax"),
        (LAYERS, {"cost": "log_likelihood"}, "log_likelihood cost is for softmax outputs"),
        (LAYERS, {"signed": True}, "signed targets are for the quadratic cost"),
        (LAYERS, {"label_smoothing": 0.1}, "label_smoothing is for log_likelihood"),
        (LAYERS, {"momentum": 1.0}, "momentum must be 0 or more and below 1"),
        (LAYERS, {"dropout_off_epochs": -1}, "dropout_off_epochs must be a whole number from 0 up"),
        (LAYERS, {"patience": 0}, "patience must be a whole number"),
        (LAYERS, {"schedule": "half"}, "Did you mean 'halve'"),
    ],
)
def test_what_does_not_go_together_is_refused(layers, settings, said):
    with pytest.raises(SpecError, match=said):
        zoo.ModelSpec("small", layers, replace(RECIPE, **settings))
