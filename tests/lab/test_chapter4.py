"""Chapter 4's constructed nets, held against NumPy, hand-made numbers and geometry."""

from __future__ import annotations

import json
import math
from importlib import import_module

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit

from zoo.lab import Context
from zoo.lab.chapter4 import MODULES, activations, one_input, ridges, two_inputs, windows
from zoo.lab.chapter4 import steps as first_steps
from zoo.lab.chapter4.construction import (
    Weights,
    X,
    build,
    bumps,
    compute,
    equal_parts,
    middles,
    neuron,
    step_net,
    target,
    tiles,
    towers,
)
from zoo.lab.core.experiment import Experiment

HOME = [import_module(f"zoo.lab.chapter4.{name}") for name in MODULES]
EXPERIMENTS = [
    each for home in HOME for each in vars(home).values() if isinstance(each, Experiment)
]


# --- construction ---------------------------------------------------------------------------------


def test_a_built_net_computes_what_numpy_computes():
    generator = np.random.default_rng(0)
    one, two = generator.normal(size=(2, 5)), generator.normal(size=(5, 3))
    a, b = generator.normal(size=5), generator.normal(size=3)
    points = generator.normal(size=(7, 2))
    net = build(Weights(one, a, "sigmoid"), Weights(two, b))
    expected = 1 / (1 + np.exp(-(points @ one + a))) @ two + b
    np.testing.assert_allclose(compute(net, points), expected, atol=1e-12)


def test_a_step_is_a_sigmoid_of_the_books_weight_and_bias():
    x = np.linspace(0.19, 0.21, 9)
    np.testing.assert_allclose(compute(step_net([0.2], [1]), x), expit(1000 * x - 200), atol=1e-12)


def test_bumps_side_by_side_cover_the_interval_once_also_when_shifted():
    x = np.linspace(0.013, 0.987, 50)  # away from every edge
    for shift in (0, 0.05):
        edges = equal_parts(5, shift)
        net = step_net(*bumps(edges, np.ones(len(edges))), steepness=1e6)
        np.testing.assert_allclose(compute(net, x), 1, atol=1e-9)
        inside = middles(edges)
        assert inside.min() >= 0
        assert inside.max() <= 1


def test_the_target_is_equation_113():
    assert target(0) == pytest.approx(0.25)
    # sin 15 = 0.650288, cos 50 = 0.964966
    assert target(1) == pytest.approx(0.843335, abs=1e-6)
    assert 0 < target(np.linspace(0, 1, 1001)).min() < target(np.linspace(0, 1, 1001)).max() < 1


# --- one input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("w", "b", "s"), [(100, -40, 0.40), (1000, -200, 0.2), (8, -4, 0.5)])
def test_the_step_is_found_where_the_book_says(w, b, s):
    assert first_steps.step_position(w, b) == pytest.approx(s, abs=1e-9)


def test_a_neuron_reads_as_if_then_else():
    assert [first_steps.if_then_else(x, 0.4, 0.8) for x in (0.39, 0.4, 0.7)] == [0, 0.8, 0.8]


def test_the_games_deviation_is_that_of_sharp_bumps_but_for_the_edges():
    heights = np.array([-1.3, -1.8, -0.5, -0.9, 0.3])
    x = np.arange(100) / 100 + 0.005
    f = 0.2 + 0.4 * x * x + 0.3 * x * np.sin(15 * x) + 0.05 * np.cos(50 * x)
    sharp = np.abs(np.repeat(heights, 20) - np.log(f / (1 - f))).mean()
    # sigmoid(-5) = 0.0067 of a height is missing at 10 of 100 points.
    assert one_input.deviation(heights) == pytest.approx(sharp, abs=2e-3)


def test_no_other_heights_beat_the_medians_and_they_win_the_game():
    best = one_input.best_heights()
    least = one_input.deviation(best)
    assert least < 0.40
    for number in range(5):
        for change in (-0.2, 0.2):
            assert one_input.deviation(best + change * np.eye(5)[number]) > least


def test_the_mean_deviation_of_many_bumps_is_a_quarter_slope_over_n():
    x = (np.arange(4001) + 0.5) / 4001
    slope = 0.8 * x + 0.3 * np.sin(15 * x) + 4.5 * x * np.cos(15 * x) - 2.5 * np.sin(50 * x)
    off = np.abs(compute(one_input.approximation(80), x) - target(x)).mean()
    # A bump is 100 / w wide; beside a step a sigmoid misses f by less than a sharp step does, by
    # 8 ln 2 / 100 of the whole integral.
    softer = 1 - 8 * math.log(2) / 100
    assert off == pytest.approx(np.abs(slope).mean() / 320 * softer, rel=0.01)


def test_the_recovered_weights_are_the_books():
    deviation = one_input.recovered([0, -0.5, 0, 0, 0])
    assert deviation["step points s"] == pytest.approx(
        [0, 0.2, 0.2, 0.4, 0.4, 0.6, 0.6, 0.8, 0.8, 1]
    )
    assert deviation["hidden weights"] == [1000] * 10
    assert deviation["hidden biases"][1:4] == pytest.approx([-200, -200, -400])
    assert deviation["output weights"] == [0, 0, -0.5, 0.5, 0, 0, 0, 0, 0, 0]
    assert deviation["output bias"] == [0]


# --- two inputs and more --------------------------------------------------------------------------


@pytest.mark.parametrize(("m", "bias"), [(1, -5), (2, -15), (3, -25), (6, -55)])
def test_towers_have_the_books_bias_and_only_all_inputs_together_fire(m, bias):
    _, second = towers([[[0.4, 0.6]] * m], h=10)
    assert second.bias == pytest.approx([bias])
    outputs = two_inputs.corner_outputs(m, 10, [bias])[:, 0]
    assert outputs == pytest.approx([expit(10 * (count - m + 0.5)) for count in range(m + 1)])


def test_two_towers_stand_where_they_should():
    boxes = [[[0.1, 0.2], [0.8, 0.9]], [[0.7, 0.8], [0.2, 0.3]]]
    net = build(*towers(boxes, 40), Weights(np.array([[0.7], [0.5]]), np.zeros(1)))
    points = [[0.15, 0.85], [0.75, 0.25], [0.15, 0.25], [0.75, 0.85], [0.5, 0.5]]
    assert compute(net, points) == pytest.approx([0.7, 0.5, 0, 0, 0], abs=1e-6)


def test_a_net_of_towers_gives_both_functions_in_the_middle_of_each():
    points = tiles(4).mean(axis=2)
    x, y = points.T
    bowl = 0.1 + 0.4 * (x * x + y * y)
    wave = 0.5 + 0.3 * np.sin(2 * math.pi * x) * np.cos(2 * math.pi * y)
    outputs = compute(two_inputs.many_towers(4), points)
    np.testing.assert_allclose(outputs, np.stack([bowl, wave], axis=1), atol=1e-6)


def test_walls_of_many_directions_leave_a_third_at_twice_the_radius():
    r = ridges.RADIUS
    found = ridges.profile(ridges.disc_net(48), np.array([0, r / 2, 2 * r]))
    # A wall through the centre covers a point at distance d for the share (2/pi) arcsin(r/d).
    assert found == pytest.approx([1, 1, 1 / 3], abs=0.01)


@pytest.mark.parametrize("distance", [0, 0.1, 0.3])
def test_the_cancelling_profile_averages_to_a_gaussian(distance):
    def wall(angle):
        return ridges.smooth_profile(np.array(distance * math.cos(angle)))

    mean = quad(wall, 0, math.pi / 2)[0] * 2 / math.pi
    assert mean == pytest.approx(math.exp(-(distance**2) / (2 * ridges.WIDTH**2)), abs=1e-8)


def test_one_hidden_layer_makes_a_tower_without_a_tail():
    net = ridges.smooth_net(24, 41)
    assert len(net.layers) == 3  # input, hidden, output
    found = ridges.profile(net, np.array([0.0, 0.12, 0.4]))
    assert found == pytest.approx([1, math.exp(-0.5), math.exp(-(0.4**2) / 0.0288)], abs=0.05)


# --- other activations ----------------------------------------------------------------------------


def test_the_wavy_function_has_two_limits_and_the_hill_has_one():
    z = np.array([-40.0, 0.5, 40.0])
    middle = 1 / (1 + math.exp(-0.5)) + 0.2 * math.sin(5) * math.exp(-0.5)
    net = neuron(1, 0, activations.wavy)
    assert compute(net, z) == pytest.approx([0, middle, 1], abs=1e-12)
    hill = neuron(1, 0, activations.hill)
    assert compute(hill, z) == pytest.approx([0, math.exp(-0.25), 0], abs=1e-12)


def test_bumps_need_limits_that_differ():
    edges, inside = [[0.4, 0.6]], [0.5]
    for s, height in ((activations.wavy, 0.8), (activations.hill, 0)):
        net = step_net(*bumps(edges, [0.8]), activation=s)
        assert compute(net, inside) == pytest.approx([height], abs=1e-9)


def test_a_relu_net_joins_points_of_f_by_straight_lines():
    knots = np.arange(11) / 10
    net = activations.relu_net(10)
    np.testing.assert_allclose(compute(net, knots), target(knots), atol=1e-12)
    between = (target(0.3) + target(0.4)) / 2
    assert compute(net, [0.35]) == pytest.approx([between])
    assert compute(activations.relu_step(50, 0.4), [0.38, 0.4, 0.42]) == pytest.approx([0, 0.5, 1])


def test_a_net_of_linear_neurons_is_the_line_of_least_squares():
    x = X
    line = np.polynomial.Polynomial.fit(x, target(x), 1)
    np.testing.assert_allclose(compute(activations.linear_net(9), x), line(x), atol=1e-9)


# --- windows of failure ---------------------------------------------------------------------------


def test_in_its_window_a_step_is_off_by_half_and_two_sets_make_that_a_quarter():
    x = np.array([0.6 - 1e-5])
    jump = abs(np.diff(np.log(target([0.5, 0.7]) / (1 - target([0.5, 0.7])))))
    assert windows.departure(1, x) == pytest.approx(jump / 2, rel=0.01)
    assert windows.departure(2, x) == pytest.approx(jump / 4, rel=0.01)


def test_between_towers_the_sum_falls_to_zero_and_shifted_sets_hold_it():
    corner = np.array([[0.4, 0.4]])
    wanted = math.log(0.782 / 0.218)  # f = 0.75 + 0.2 * 0.4 * 0.4
    one, two = (compute(windows.shifted_towers(sets), corner)[0] for sets in (1, 2))
    assert one == pytest.approx(0, abs=1e-6)
    assert two == pytest.approx(wanted / 2, rel=0.05)


# --- all experiments ------------------------------------------------------------------------------


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda each: each.name)
def test_every_experiment_agrees_with_the_book_and_draws_labelled_axes(experiment, tmp_path):
    result = experiment.measure(Context(tmp_path, fast=True, progress=False))
    assert result.verdict != "differs"
    assert experiment.question
    drawn = experiment.draw(json.loads(json.dumps(result.data, allow_nan=False)))
    shown = [axes for axes in drawn.axes if axes.has_data() and axes.get_label() != "<colorbar>"]
    assert shown
    assert all(axes.get_xlabel() for axes in shown)
