"""Chapter 2 of the lab: its gradient against arithmetic by hand, differences and Keras."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.lab.chapter2 import equations
from zoo.lab.chapter2.backpropagation import (
    backpropagate,
    by_differences,
    cost,
    forward,
    furthest,
    small_net,
)
from zoo.lab.core.running import run


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
    result = run("ch2_backprop_check", out=tmp_path, progress=False).result
    assert result.verdict == "agrees"


def test_errors_are_slopes_of_the_cost_by_the_weighted_inputs():
    """delta_j = dC/dz_j: a bias moves z by itself, so its slope by eq. 46 is the mean of errors."""
    parameters, x, y = small_net((3, 4, 2), images=6)
    slopes = by_differences(parameters, x, y)[1::2]
    for delta, slope in zip(equations.errors(parameters, x, y), slopes, strict=True):
        assert delta.mean(axis=0) == pytest.approx(slope, abs=1e-5)


def test_paths_are_counted_and_add_up_by_hand():
    # 1-1-1 with all weights 2, biases 0, x = 1, y = 0: one path.
    parameters = [np.array([[2.0]]), np.zeros(1), np.array([[2.0]]), np.zeros(1)]
    a1 = 1 / (1 + np.exp(-2.0))
    a2 = 1 / (1 + np.exp(-2 * a1))
    (products,) = equations.over_paths(parameters, np.ones(1), np.zeros(1))
    assert products == [pytest.approx(a2 * a2 * (1 - a2) * 2 * a1 * (1 - a1))]
    parameters, x, y = small_net((2, 3, 4, 2), images=1)
    paths = equations.over_paths(parameters, x[0], y[0])
    assert [len(each) for each in paths] == [4 * 2] * 6
    slopes = by_differences(parameters, x, y)[0].ravel()
    assert np.sum(paths, axis=1) == pytest.approx(slopes, abs=1e-5)


def test_the_equations_and_the_passes_are_as_the_book_says(tmp_path):
    for name in ("ch2_BP1_to_BP4", "ch2_path_sum", "ch2_finite_difference"):
        assert run(name, out=tmp_path, fast=True, progress=False).result.verdict == "agrees", name
