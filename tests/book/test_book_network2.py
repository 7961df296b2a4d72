"""network2.py: costs and their errors, regularized steps by hand, monitors, the author's JSON."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from test_book_network import assert_same, by_differences, copied, made

import zoo
from zoo.book import network2, pairs
from zoo.errors import DataError, SpecError

COSTS = [network2.QuadraticCost, network2.CrossEntropyCost]


@pytest.fixture(autouse=True)
def seeded():
    random.seed(5)
    np.random.seed(5)


@pytest.mark.parametrize("cost", COSTS)
def test_backprop_is_the_slope_of_the_cost(cost):
    net = network2.Network([3, 4, 2], cost=cost)
    ((x, y),) = made(1, [3, 2])
    nabla_b, nabla_w = net.backprop(x, y)

    def value():
        return cost.fn(net.feedforward(x), y)

    for arrays, gradient in ((net.biases, nabla_b), (net.weights, nabla_w)):
        for array, slopes in zip(arrays, gradient, strict=True):
            np.testing.assert_allclose(slopes, by_differences(net, value, array), atol=1e-7)


def test_costs_by_hand():
    a, y = np.array([[0.5], [0.25]]), np.array([[1.0], [0.0]])
    assert network2.QuadraticCost.fn(a, y) == (0.25 + 0.0625) / 2
    assert network2.CrossEntropyCost.fn(a, y) == pytest.approx(np.log(2) - np.log(0.75))
    assert network2.CrossEntropyCost.fn(y, y) == 0.0


@pytest.mark.parametrize("cost", COSTS)
def test_keras_takes_the_regularized_steps_of_the_book(cost, capsys):
    data = made(23, [4, 2])
    net = network2.Network([4, 3, 2], cost=cost)
    by_hand = copied(net)
    by_hand.cost = cost
    net.SGD(list(data), 2, 10, 0.7, lmbda=1.5)
    random.seed(5)
    order = list(data)
    for _ in range(2):
        pairs.shuffle(order)
        for start in range(0, 23, 10):
            by_hand.update_mini_batch(order[start : start + 10], 0.7, 1.5, 23)
    assert_same(net, by_hand)


def test_a_saturated_neuron_learns_by_the_cross_entropy(capsys):
    net = network2.Network([1, 1])
    net.weights, net.biases = [np.array([[50.0]])], [np.array([[0.0]])]  # 1 - a is 2e-22
    net.SGD([(np.ones((1, 1)), np.zeros((1, 1)))], 1, 1, 0.5)
    assert net.weights[0].item() == pytest.approx(49.5)


def test_one_step_with_lambda_by_hand():
    net = network2.Network([1, 1])
    net.weights, net.biases = [np.array([[2.0]])], [np.array([[0.0]])]
    net.update_mini_batch([(np.array([[0.0]]), np.array([[1.0]]))], 0.5, 4.0, 8)
    # The weight shrinks by eta lambda/n = 1/4, and the bias gains eta (1 - 1/2).
    assert (net.weights[0].item(), net.biases[0].item()) == (1.5, 0.25)


class Cubic:
    """A cost of the reader's own."""

    @staticmethod
    def fn(a, y):
        """One third of the cubed distances."""
        return float(np.sum(np.abs(a - y) ** 3)) / 3

    @staticmethod
    def delta(z, a, y):
        """Its output error."""
        return np.sign(a - y) * (a - y) ** 2 * network2.sigmoid_prime(z)


def test_a_cost_of_the_readers_own_is_descended(capsys):
    data = made(20, [4, 2])
    net = network2.Network([4, 3, 2], cost=Cubic)
    costs = net.SGD(data, 5, 4, 2.0, monitor_training_cost=True)[2]
    assert costs == sorted(costs, reverse=True)
    each = [Cubic.fn(net.feedforward(x), y) for x, y in data]
    assert costs[-1] == pytest.approx(np.mean(each))
    with pytest.raises(SpecError, match="Cubic"):
        net.spec  # noqa: B018


@pytest.mark.parametrize("where", ["the class", "the cost"])
def test_an_error_that_is_assigned_to_a_cost_is_descended(where, monkeypatch, capsys):
    calls, cost = [], network2.QuadraticCost()

    def delta(z, a, y):
        calls.append(a.shape)
        return a - y

    if where == "the class":
        monkeypatch.setattr(network2.QuadraticCost, "delta", staticmethod(delta))
    else:
        cost.delta = delta
    network2.Network([4, 3, 2], cost=cost).SGD(made(9, [4, 2]), 1, 3, 0.5)
    assert calls == [(2, 1)] * 9


def test_a_network_with_a_cost_of_the_readers_own_is_read_again(tmp_path):
    net = network2.Network([4, 3, 2], cost=Cubic)
    net.save(tmp_path / "net.json")
    again = network2.load(tmp_path / "net.json", cost=Cubic)
    assert again.cost is Cubic
    assert again.weights[1].tolist() == net.weights[1].tolist()
    with pytest.raises(DataError, match=r"'Cubic'; known are .*: give its class"):
        network2.load(tmp_path / "net.json")
    with pytest.raises(DataError, match="'Cubic'; known are QuadraticCost"):
        network2.load(tmp_path / "net.json", cost=network2.QuadraticCost)


def test_lambda_is_over_the_set_whose_cost_it_is(capsys):
    data, few = made(12, [4, 2]), [(x, int(y.argmax())) for x, y in made(3, [4, 2])]
    net = network2.Network([4, 3, 2])
    found = net.SGD(
        data, 1, 4, 0.1, 6.0, few, monitor_evaluation_cost=True, monitor_training_cost=True
    )
    squares = sum(np.sum(w**2) for w in net.weights)
    plain = [
        np.mean([net.cost.fn(net.feedforward(x), y) for x, y in part])
        for part in (data, [(x, np.eye(2)[:, [y]]) for x, y in few])
    ]
    assert found[2] == [pytest.approx(plain[0] + 6.0 / (2 * 12) * squares)]
    assert found[0] == [pytest.approx(plain[1] + 6.0 / (2 * 3) * squares)]
    assert net.total_cost(few, 6.0, convert=True) == found[0][0]
    assert (found[1], found[3]) == ([], [])


def test_monitors_without_data_are_refused():
    with pytest.raises(SpecError, match="evaluation_data"):
        network2.Network([4, 2]).SGD(made(3, [4, 2]), 1, 1, 1.0, monitor_evaluation_accuracy=True)


def test_default_weights_have_deviation_one_over_the_root_of_the_inputs():
    net = network2.Network([784, 100, 10])
    assert net.weights[0].std() == pytest.approx(1 / 28, rel=0.02)
    assert net.biases[0].std() == pytest.approx(1, rel=0.2)
    net.large_weight_initializer()
    assert net.weights[0].std() == pytest.approx(1, rel=0.02)


# --- JSON -----------------------------------------------------------------------------------------

AUTHORS = {
    "sizes": [2, 3, 1],
    "weights": [[[0.5, -1.0], [0.25, 2.0], [0.0, 1.0]], [[1.0, -1.0, 0.5]]],
    "biases": [[[0.1], [0.2], [0.3]], [[-0.5]]],
    "cost": "QuadraticCost",
}


def test_json_of_the_authors_program_is_read_and_written(tmp_path):
    path = tmp_path / "net.json"
    path.write_text(json.dumps(AUTHORS))
    net = network2.load(path)
    assert net.cost is network2.QuadraticCost
    z = np.array([[0.5, -1], [0.25, 2], [0, 1]]) @ [1, 2] + [0.1, 0.2, 0.3]
    hidden = 1 / (1 + np.exp(-z))
    out = 1 / (1 + np.exp(-(np.array([1, -1, 0.5]) @ hidden - 0.5)))
    assert net.feedforward(np.array([[1.0], [2.0]])).item() == pytest.approx(out)
    net.save(path)
    assert json.loads(path.read_text()) == AUTHORS


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"cost": "os.system"}, "the cost 'os.system'; known are QuadraticCost"),
        ({"sizes": [2, 4, 1]}, "weights do not fit"),
        ({"biases": [[[0.1]]]}, "biases do not fit"),
        ({"weights": "none"}, "no network of network2.py"),
        ({"biases": [[[0.1], [float("nan")], [0.3]], [[-0.5]]]}, "biases hold infinities"),
        ({"sizes": 3}, "not a list of whole numbers"),
        ({"sizes": [2, 10**12, 1]}, "weights do not fit"),
        ({"cost": []}, "known are QuadraticCost"),
    ],
)
def test_json_that_is_none(tmp_path, change, expected):
    path = tmp_path / "net.json"
    path.write_text(json.dumps({**AUTHORS, **change}))
    with pytest.raises(DataError, match=expected):
        network2.load(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        network2.load(tmp_path / "none.json")


def test_the_way_over_to_the_zoo():
    net = network2.Network([784, 7, 10])
    assert net.spec.recipe.cost == "cross_entropy"
    assert net.spec.recipe.initializer == zoo.get_spec("mlp30").recipe.initializer
    net.large_weight_initializer()
    assert net.spec.recipe.initializer == zoo.get_spec("mlp30.cross_entropy").recipe.initializer
    net.default_weight_initializer()
    assert net.spec.recipe.initializer == zoo.get_spec("mlp30").recipe.initializer
    image = np.full((1, 28, 28, 1), 128, np.uint8)
    ours = net.feedforward(np.full((784, 1), 0.5)).ravel()
    np.testing.assert_allclose(np.asarray(net.model(image))[0], ours, atol=1e-6)
    assert zoo.get_spec(net.spec) is not None
