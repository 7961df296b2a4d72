"""After the book's seed, the book's own snippets give the curves that its repository keeps."""

from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import pytest

from tests import children
from zoo.book import mnist_loader, network2

WITHIN = 3  # counts that another processor's last bits may tip


@pytest.fixture
def data():
    random.seed(12345678)
    np.random.seed(12345678)
    return mnist_loader.load_data_wrapper()


def large(cost=network2.CrossEntropyCost):
    net = network2.Network([784, 30, 10], cost=cost)
    net.large_weight_initializer()
    return net


@pytest.mark.integration
def test_the_first_epoch_of_the_default_initialization(data, capsys):
    training_data, validation_data, _ = data
    net = network2.Network([784, 30, 10], cost=network2.CrossEntropyCost)
    counts = net.SGD(
        training_data,
        1,
        10,
        0.1,
        lmbda=5.0,
        evaluation_data=validation_data,
        monitor_evaluation_accuracy=True,
    )[1]
    assert counts == [pytest.approx(9270, abs=WITHIN)]
    assert capsys.readouterr().out == (
        f"Epoch 0 training complete\nAccuracy on evaluation data: {counts[0]} / 10000\n\n"
    )


@pytest.mark.slow
def test_both_initializations(data, capsys):
    training_data, validation_data, _ = data
    net = network2.Network([784, 30, 10], cost=network2.CrossEntropyCost)
    for first, best, last in ((9270, 9653, 9650), (8643, 9648, 9637)):
        counts = net.SGD(
            training_data,
            30,
            10,
            0.1,
            lmbda=5.0,
            evaluation_data=validation_data,
            monitor_evaluation_accuracy=True,
        )[1]
        lines = [counts[0], max(counts), counts[-1]]
        assert lines == pytest.approx([first, best, last], abs=WITHIN)
        net.large_weight_initializer()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lmbda", "epoch", "best", "last", "costs"),
    [(0.0, 374, 8227, 8223, (0.0097, 0.0042)), (0.1, 383, 8710, 8695, (0.2587, 0.1154))],
)
def test_a_thousand_images(data, lmbda, epoch, best, last, costs, capsys):
    training_data, _, test_data = data
    _, counts, cost, _ = large(network2.CrossEntropyCost()).SGD(
        training_data[:1000],
        400,
        10,
        0.5,
        evaluation_data=test_data,
        lmbda=lmbda,
        monitor_evaluation_accuracy=True,
        monitor_training_cost=True,
    )
    assert [max(counts), counts[-1]] == pytest.approx([best, last], abs=WITHIN)
    assert counts[epoch] == pytest.approx(best, abs=WITHIN)
    assert [cost[200], cost[399]] == pytest.approx(costs, abs=1e-4)


@pytest.mark.slow
def test_all_images_with_lambda_5(data, capsys):
    training_data, _, test_data = data
    _, counts, _, right = large().SGD(
        training_data,
        30,
        10,
        0.5,
        evaluation_data=test_data,
        lmbda=5.0,
        monitor_evaluation_accuracy=True,
        monitor_training_accuracy=True,
    )
    lines = [counts[28], max(counts), counts[-1], max(right)]
    assert lines == pytest.approx([9649, 9649, 9561, 48561], abs=WITHIN)


@pytest.mark.integration
@pytest.mark.parametrize("start", ["forked", pytest.param("fresh", marks=pytest.mark.integration)])
def test_importing_tensorflow_draws_none_of_the_readers_numbers(start):
    """In a fresh process SGD is the first to import it, in a forked one that of the project."""
    program = (
        "import random, numpy as np\n"
        "from zoo.book import network, network3\n"
        "random.seed(1); np.random.seed(1)\n"
        "data = [(np.ones((2, 1)), np.ones((1, 1)))]\n"
        "net = network.Network([2, 1])\n"
        "net.SGD(data, 0, 1, 0.5)\n"
        "network3.Network([network3.SoftmaxLayer(784, 10)], 1).model\n"
        "print(random.random(), np.random.randn())"
    )
    run = children.run if start == "forked" else _run_fresh
    done = run(["-c", program]).stdout.split()
    random.seed(1)
    np.random.seed(1)
    np.random.randn(3)  # two weights and a bias
    assert [float(number) for number in done] == [random.random(), np.random.randn()]


def _run_fresh(arguments):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)
