"""network3.py: weights in the book's layout, its progress, what is kept, what is refused."""

from __future__ import annotations

import gzip
import pickle

import numpy as np
import pytest
from scipy.signal import convolve2d

import zoo
from zoo.book import expand_mnist, network3
from zoo.book.network3 import (
    ConvPoolLayer,
    FullyConnectedLayer,
    Network,
    ReLU,
    SoftmaxLayer,
    linear,
    sigmoid,
    tanh,
)
from zoo.errors import DataError, SpecError


@pytest.fixture(autouse=True)
def seeded():
    np.random.seed(2)


def small(batch: int = 5) -> Network:
    """Two convolutions and two dense layers, of few neurons."""
    return Network(
        [
            ConvPoolLayer((3, 1, 5, 5), (batch, 1, 28, 28), (2, 2), ReLU),
            ConvPoolLayer((2, 3, 3, 3), (batch, 3, 12, 12), (2, 2), tanh),
            FullyConnectedLayer(2 * 5 * 5, 6, sigmoid),
            SoftmaxLayer(6, 10),
        ],
        batch,
    )


def pooled(maps: np.ndarray) -> np.ndarray:
    """The maximum of each 2x2 of maps [maps, rows, columns]."""
    count, rows, columns = maps.shape
    return maps.reshape(count, rows // 2, 2, columns // 2, 2).max(axis=(2, 4))


def by_the_book(net: Network, image: np.ndarray) -> np.ndarray:
    """The output for one image [28, 28], as Theano computed it: convolution, map by map."""
    a = image[None]
    for layer, activation in zip(net.layers[:2], (ReLU, tanh), strict=True):
        z = [
            sum(convolve2d(one, filter_, "valid") for one, filter_ in zip(a, filters, strict=True))
            for filters in layer.w
        ]
        a = activation(pooled(np.array(z)) + layer.b[:, None, None])
    hidden, output = net.layers[2:]
    z = sigmoid(a.ravel() @ hidden.w + hidden.b) @ output.w + output.b
    return np.exp(z) / np.exp(z).sum()


def test_weights_lie_as_in_the_book(mnist):
    net = small()
    net.layers[-1].w = np.random.randn(6, 10)
    images = mnist.test.images[:4]
    expected = [by_the_book(net, image.squeeze() / 256) for image in images]
    np.testing.assert_allclose(np.asarray(net.model(images)), expected, atol=1e-5)


def test_weights_come_back_as_they_went():
    net = small()
    for layer in net.layers:
        w, b = layer.w.copy(), layer.b.copy()
        layer.from_keras(*layer.to_keras())
        np.testing.assert_array_equal(layer.w, w)
        np.testing.assert_array_equal(layer.b, b)


def test_initial_weights_are_the_books():
    layer = ConvPoolLayer((40, 20, 5, 5), (10, 20, 12, 12))
    assert layer.w.std() == pytest.approx((40 * 25 / 4) ** -0.5, rel=0.02)
    assert FullyConnectedLayer(640, 100).w.std() == pytest.approx(0.1, rel=0.02)
    assert not SoftmaxLayer(100, 10).w.any()
    first = ConvPoolLayer((2, 1, 5, 5), (10, 1, 28, 28)).w
    np.random.seed(2)
    assert (ConvPoolLayer((40, 20, 5, 5), (10, 20, 12, 12)).w != 0).all()
    assert first.shape == (2, 1, 5, 5)


def data_of(mnist, training: int):
    return [
        network3_numbers(split)
        for split in (mnist.train.take(training), mnist.validation.take(53), mnist.test.take(60))
    ]


def network3_numbers(split):
    return split.images.reshape(len(split), -1) / np.float32(256), split.labels


def test_progress_is_told_by_the_thousand(mnist, capsys):
    training, validation, test = data_of(mnist, 1_207)
    net = Network([FullyConnectedLayer(784, 10), SoftmaxLayer(10, 10)], 1)
    net.SGD(training, 2, 1, 0.1, validation, test)
    out = capsys.readouterr().out.splitlines()
    lines = [line for line in out if line.startswith("Training")]
    assert lines == [f"Training mini-batch number {number}" for number in (0, 1000, 2000)]
    assert out.index(lines[1]) < out.index(next(line for line in out if "Epoch 0" in line))


def test_the_last_epoch_is_kept_and_the_best_is_told(mnist, capsys):
    training, validation, test = data_of(mnist, 304)
    net = Network([FullyConnectedLayer(784, 20, p_dropout=0.2), SoftmaxLayer(20, 10)], 5)
    net.SGD(training, 3, 5, 0.5, validation, test, lmbda=0.1)
    out = capsys.readouterr().out
    # 53 validation images are ten full mini-batches of five.
    last = float(out.split("Epoch 2: validation accuracy ")[1].split("%")[0]) / 100
    score = zoo.evaluate(net.model, mnist.validation.take(50)).accuracy
    assert score == pytest.approx(last, abs=1e-4)
    assert net.spec.recipe.l2 == 0.1
    assert net.spec.recipe.batches == 60
    predictions = [net.test_mb_predictions(number) for number in range(12)]
    right = np.mean(np.concatenate(predictions) == test[1])
    assert right == pytest.approx(zoo.evaluate(net.model, mnist.test.take(60)).accuracy)


def test_activations_by_hand():
    z = np.array([-2.0, 0.0, 3.0])
    assert ReLU(z).tolist() == [0, 0, 3]
    assert linear(z) is z
    np.testing.assert_allclose(tanh(z), 2 * sigmoid(2 * z) - 1)  # eq. 111


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (lambda: [FullyConnectedLayer(784, 10)], "must be a SoftmaxLayer"),
        (lambda: [FullyConnectedLayer(784, 9), SoftmaxLayer(10, 10)], "wants 10 inputs and gets 9"),
        (lambda: [SoftmaxLayer(784, 11)], "have ten"),
        (
            lambda: [ConvPoolLayer((2, 1, 5, 5), (1, 1, 28, 28)), SoftmaxLayer(784, 10)],
            "wants 784 inputs and gets 288",
        ),
        (lambda: [ConvPoolLayer((2, 1, 5, 3), (1, 1, 28, 28))], "square"),
        (lambda: [FullyConnectedLayer(784, 9, np.sin)], "sin is no activation"),
    ],
)
def test_layers_that_do_not_fit(layers, expected):
    with pytest.raises(SpecError, match=expected):
        Network(layers(), 1)


def test_images_that_are_no_bytes(mnist):
    training, validation, test = data_of(mnist, 20)
    net = Network([SoftmaxLayer(784, 10)], 5)
    with pytest.raises(DataError, match="divided"):
        net.SGD((training[0] + 0.001, training[1]), 1, 5, 0.1, validation, test)
    with pytest.raises(DataError, match="not \\[20, 7\\]"):
        net.SGD((training[0][:, :7], training[1]), 1, 5, 0.1, validation, test)


def test_an_expanded_file_is_written_once_and_read(bars, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(expand_mnist, "load_data", lambda: bars.take(6))
    path = tmp_path / "data" / "mnist_expanded.pkl.gz"
    expand_mnist.expand_mnist(path)
    written = path.read_bytes()
    expand_mnist.expand_mnist(path)
    assert path.read_bytes() == written
    assert "already exists" in capsys.readouterr().out
    training, validation, _ = network3.load_data_shared(path)
    assert network3.size(training) == 30
    np.testing.assert_array_equal(validation[0] * 256, bars.validation.images.reshape(500, -1))
    with gzip.open(path) as file:
        ((images, digits), *_) = pickle.load(file)
    np.testing.assert_array_equal(images, training[0])
    np.testing.assert_array_equal(digits, training[1])


def test_a_file_of_another_name_must_be_there(tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        network3.load_data_shared(tmp_path / "digits.pkl.gz")
