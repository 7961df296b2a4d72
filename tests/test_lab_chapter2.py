"""Chapter 2 of the lab: its gradient against arithmetic by hand, differences and Keras."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.lab.chapter2.backpropagation import (
    backpropagate,
    by_differences,
    cost,
    forward,
    furthest,
    small_net,
)
from zoo.lab.running import run


def test_one_neuron_by_hand():
    """w = 2, b = -1, x = 1, y = 0: a = sigmoid(1) = 0.7311; dC/dw = a a (1 - a) = 0.1437."""
    parameters = [np.array([[2.0]]), np.array([-1.0])]
    x, y = np.array([[1.0]]), np.array([[0.0]])
    assert forward(parameters, x)[-1] == pytest.approx(0.731059, abs=1e-6)
    assert cost(parameters, x, y) == pytest.approx(0.731059**2 / 2, abs=1e-6)
    for slope in backpropagate(parameters, x, y):
        assert slope == pytest.approx(0.731059**2 * 0.268941, abs=1e-6)


def test_both_ways_agree_and_a_wrong_gradient_is_seen():
    parameters, x, y = small_net((3, 4, 2), images=6)
    gradient = backpropagate(parameters, x, y)
    assert furthest(gradient, by_differences(parameters, x, y)) < 1e-4
    gradient[0][1, 2] *= 1.01
    assert furthest(gradient, by_differences(parameters, x, y)) > 1e-4


def test_differences_leave_the_parameters_as_they_were():
    parameters, x, y = small_net((3, 2), images=2)
    before = [array.copy() for array in parameters]
    by_differences(parameters, x, y)
    assert all(np.array_equal(a, b) for a, b in zip(parameters, before, strict=True))


def test_keras_agrees_on_real_digits(mnist, tmp_path):
    outcome = run("ch2_backprop_check", out=tmp_path, progress=False).outcome
    assert outcome.verdict == "agrees"
