"""network.py against finite differences, steps by hand, and Keras against NumPy."""

from __future__ import annotations

import random

import numpy as np
import pytest

import zoo
from zoo.book import network, network2, pairs
from zoo.errors import DataError, SpecError


@pytest.fixture(autouse=True)
def seeded():
    random.seed(7)
    np.random.seed(7)


def made(count: int, sizes: list[int]) -> list[pairs.Pair]:
    """Random columns of any size, as the book has its data."""
    generator = np.random.default_rng(3)
    return [
        (generator.random((sizes[0], 1)), generator.random((sizes[-1], 1))) for _ in range(count)
    ]


def copied(net):
    other = type(net)(net.sizes)
    other.weights = [w.copy() for w in net.weights]
    other.biases = [b.copy() for b in net.biases]
    return other


def assert_same(net, other):
    for name in ("weights", "biases"):
        for ours, theirs in zip(getattr(net, name), getattr(other, name), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-13)


def by_differences(net, cost, array, step=1e-6):
    """The slopes of a cost with respect to every entry of one of the network's arrays."""
    slopes = np.zeros_like(array)
    for place in np.ndindex(array.shape):
        kept = array[place]
        array[place] = kept + step
        above = cost()
        array[place] = kept - step
        slopes[place] = (above - cost()) / (2 * step)
        array[place] = kept
    return slopes


@pytest.mark.parametrize("sizes", [[2, 3, 1], [5, 4], [3, 4, 2, 3]])
def test_backprop_is_the_slope_of_the_cost(sizes):
    net = network.Network(sizes)
    ((x, y),) = made(1, sizes)
    nabla_b, nabla_w = net.backprop(x, y)

    def cost():
        return np.sum((net.feedforward(x) - y) ** 2) / 2

    for arrays, gradient in ((net.biases, nabla_b), (net.weights, nabla_w)):
        for array, slopes in zip(arrays, gradient, strict=True):
            np.testing.assert_allclose(slopes, by_differences(net, cost, array), atol=1e-8)


@pytest.mark.parametrize("size", [1, 4, 10, 23])
def test_keras_takes_the_steps_of_the_book(size, capsys):
    # 23 pairs: the last batch is not full, and one of 23 is the whole epoch.
    data = made(23, [4, 3, 2])
    net = network.Network([4, 3, 2])
    by_hand = copied(net)
    net.SGD(list(data), 2, size, 0.7)
    random.seed(7)
    order = list(data)
    for _ in range(2):
        pairs.shuffle(order)
        for start in range(0, 23, size):
            by_hand.update_mini_batch(order[start : start + size], 0.7)
    assert_same(net, by_hand)
    assert capsys.readouterr().out == "Epoch 0 complete\nEpoch 1 complete\n"


def test_one_step_by_hand():
    net = network.Network([1, 1])
    net.weights, net.biases = [np.array([[0.0]])], [np.array([[0.0]])]
    net.update_mini_batch([(np.array([[2.0]]), np.array([[1.0]]))], 8.0)
    # a = 1/2, so the error is -1/2 times the slope 1/4: the bias gains 1, the weight 2.
    assert (net.biases[0].item(), net.weights[0].item()) == (1.0, 2.0)


def test_a_subclass_with_a_step_of_its_own_is_trained_by_it(capsys):
    class Still(network.Network):
        steps = 0

        def update_mini_batch(self, mini_batch, eta):
            type(self).steps += 1

    net = Still([4, 3, 2])
    before = net.weights[0]
    net.SGD(made(23, [4, 3, 2]), 3, 10, 0.5)
    assert Still.steps == 9
    assert net.weights[0] is before


@pytest.mark.parametrize("program", [network, network2])
@pytest.mark.parametrize("where", ["the class", "the network"])
def test_a_step_that_is_assigned_trains(program, where, monkeypatch, capsys):
    net = program.Network([4, 3, 2])
    batches = []
    if where == "the class":
        step = lambda self, batch, *rest: batches.append(len(batch))  # noqa: E731
        monkeypatch.setattr(program.Network, "update_mini_batch", step)
    else:
        net.update_mini_batch = lambda batch, *rest: batches.append(len(batch))
    before = net.weights[0]
    net.SGD(made(23, [4, 3, 2]), 2, 10, 0.5)
    assert batches == [10, 10, 3] * 2
    assert net.weights[0] is before


class Soft(network2.Network):
    """Softmax outputs, which are of one column each."""

    def feedforward(self, a):
        assert a.shape == (4, 1)
        z = np.exp(self.weights[0] @ a + self.biases[0])
        return z / z.sum()


def test_a_feedforward_of_the_readers_is_called_column_by_column():
    net, data = Soft([4, 2]), made(9, [4, 2])
    outputs = [net.feedforward(x) for x, _ in data]
    each = [net.cost.fn(a, y) for a, (_, y) in zip(outputs, data, strict=True)]
    assert net.total_cost(data, 0.0) == pytest.approx(np.mean(each))
    right = sum(a.argmax() == y.argmax() for a, (_, y) in zip(outputs, data, strict=True))
    assert net.accuracy(data) == right


@pytest.mark.parametrize("program", [network, network2])
def test_a_class_stands_for_its_column_by_hand_as_by_keras(program, capsys):
    class ByHand(program.Network):
        def update_mini_batch(self, *batch):
            super().update_mini_batch(*batch)

    columns = made(23, [4, 3, 2])
    classes = [(x, int(y.argmax())) for x, y in columns]
    columns = [(x, np.eye(2)[:, [y]]) for x, y in classes]
    found = []
    for kind, data in ((program.Network, classes), (ByHand, classes), (ByHand, columns)):
        random.seed(5)
        np.random.seed(5)
        net = kind([4, 3, 2])
        net.SGD(list(data), 2, 10, 0.5)
        found.append(net)
    assert_same(found[0], found[1])
    assert_same(found[1], found[2])


def test_no_test_data_is_as_none(capsys):
    network.Network([4, 3, 2]).SGD(made(9, [4, 3, 2]), 1, 3, 0.5, test_data=[])
    assert capsys.readouterr().out == "Epoch 0 complete\n"


def test_the_list_is_shuffled_in_place_and_an_iterator_is_taken(capsys):
    data = made(9, [4, 3, 2])
    given = list(data)
    net = network.Network([4, 3, 2])
    net.SGD(given, 1, 3, 0.5)
    places = [[id(pair) for pair in pairs] for pairs in (given, data)]
    assert places[0] != places[1]
    assert sorted(places[0]) == sorted(places[1])
    inputs, wanted = zip(*data, strict=True)
    net.SGD(zip(inputs, wanted, strict=True), 1, 3, 0.5, test_data=zip(inputs, wanted, strict=True))
    assert "Epoch 0: " in capsys.readouterr().out


def test_evaluate_counts_the_largest_output():
    net = network.Network([2, 2])
    net.weights, net.biases = [np.eye(2)], [np.zeros((2, 1))]
    columns = [np.array([[1.0], [0.0]]), np.array([[0.0], [1.0]])]
    assert net.evaluate([(columns[0], 0), (columns[1], 1), (columns[1], 0)]) == 2
    assert net.evaluate([]) == 0


def test_the_way_over_to_the_zoo(mnist, capsys):
    net = network.Network([784, 12, 10])
    data = [(x.reshape(784, 1) / 256, y) for x, y in _zip(mnist.train.take(500))]
    net.SGD(data, 1, 5, 2.0)
    assert net.spec.recipe.cost == "quadratic"
    assert (net.spec.recipe.learning_rate, net.spec.recipe.batch_size) == (2.0, 5)
    test = mnist.test.take(300)
    count = net.evaluate([(x.reshape(784, 1) / 256, int(y)) for x, y in _zip(test)])
    assert zoo.evaluate(net.model, test).correct == count


def test_a_network_of_any_size_is_a_declaration_too():
    net = network.Network([2, 3, 1])
    assert (net.spec.input.shape, net.spec.classes, net.spec.parameters) == ((2, 1, 1), 1, 13)
    column = np.array([[64], [128]], dtype=np.uint8)
    ours = net.feedforward(column / 256)
    np.testing.assert_allclose(net.model(column.reshape(1, 2, 1, 1)), ours, atol=1e-6)


def _zip(split):
    return zip(split.images, split.labels, strict=True)


@pytest.mark.parametrize("sizes", [[], [3], [3, 0], [3, 2.5]])
def test_sizes_that_are_none(sizes):
    with pytest.raises(SpecError, match="two or more whole numbers"):
        network.Network(sizes)


def test_data_that_do_not_fit():
    net = network.Network([4, 3, 2])
    data = made(5, [4, 3, 2])
    with pytest.raises(DataError, match="x of pair 3 has 5 numbers, and the network wants 4"):
        net.SGD([*data[:3], (np.zeros((5, 1)), data[0][1])], 1, 2, 0.1)
    with pytest.raises(DataError, match="0 to 1"):
        net.SGD([(x, 2) for x, _ in data], 1, 2, 0.1)
    with pytest.raises(SpecError, match="no pair"):
        net.SGD(iter([]), 1, 2, 0.1)
    with pytest.raises(SpecError, match="mini_batch_size"):
        net.SGD(data, 1, 0, 0.1)


@pytest.mark.parametrize("eta", [0, -1.0, float("nan"), "3"])
def test_a_learning_rate_that_is_none_is_refused_before_an_epoch(eta, capsys):
    net = network.Network([4, 3, 2])
    with pytest.raises(SpecError, match="eta, the learning rate, must be a number above 0"):
        net.SGD(made(5, [4, 3, 2]), 1, 2, eta)
    assert capsys.readouterr().out == ""
