"""Chapter 6's lab, against hand computation, NumPy, and numbers that the book prints."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

import zoo
from zoo.lab import Context
from zoo.lab.chapter6 import (
    adversarial,
    dropout,
    expansion,
    filters,
    fooling,
    networks,
    pieces,
    votes,
)
from zoo.lab.chapter6.attacks import cost_gradients, fgsm, logits, pgd
from zoo.pretrained.manifest import manifest


@pytest.fixture
def context(tmp_path) -> Context:
    return Context(tmp_path, fast=True, progress=False)


@pytest.fixture(scope="module")
def shallow():
    return zoo.load("shallow")


@pytest.mark.parametrize(
    "experiment",
    [
        pieces.receptive_field,
        pieces.feature_map_eq,
        filters.filters_20,
        filters.shared_parameters,
        expansion.expand_digit,
    ],
    ids=lambda each: each.name,
)
def test_what_the_book_counts_agrees_and_is_drawn(experiment, context):
    result = experiment.measure(context)
    assert result.verdict == "agrees"
    assert isinstance(experiment.draw(result.data), Figure)


def test_feature_maps_have_no_figure_of_the_book(context):
    result = filters.feature_maps.measure(context)
    assert [check.ours for check in result.checks] == [20, 40]
    assert result.verdict == "no figure"
    assert isinstance(filters.feature_maps.draw(result.data), Figure)


# --- pieces ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "place", "first", "side"),
    [
        ("conv_1", (3, 7), (3, 7), 5),
        ("activation_1", (1, 2), (2, 4), 6),  # two fields of 5, one pixel apart
        ("conv_2", (1, 0), (2, 0), 14),  # five of 6, two apart
        ("activation_2", (0, 1), (0, 4), 16),
    ],
)
def test_receptive_fields_lie_where_counting_puts_them(layer, place, first, side):
    noise = np.random.default_rng(1).integers(0, 256, (200, 28, 28, 1))
    seen = pieces.field(zoo.build("conv2", seed=0), layer, place, noise)
    expected = np.zeros((28, 28), bool)
    expected[first[0] : first[0] + side, first[1] : first[1] + side] = True
    np.testing.assert_array_equal(seen, expected)


def test_sides_are_height_and_width():
    seen = np.zeros((28, 28), bool)
    seen[3:5, 10:17] = True
    assert pieces.sides(seen) == (2, 7)


def test_a_feature_map_and_its_pooling_by_hand():
    image = np.array([[1.0, 0, 2], [0, 3, 0], [1, 0, 0]])
    weights = np.array([[1.0, 2], [0, -1]])
    # Laid over the image as they are: 1 - 3, 0 + 4 - 0, 0 + 6 - 0, 3 + 0 - 0; and the bias, 1.
    z = np.array([[-1.0, 5], [7, 4]])
    found = pieces.feature_map(image, weights, 1.0)
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-z)))
    corners = np.array([[1, 2, 0, 0], [3, 0, 0, 5], [0, 0, -1, -2], [0, 0, -3, -4]])
    np.testing.assert_array_equal(pieces.max_pool(corners), [[3, 5], [0, -1]])


# --- filters --------------------------------------------------------------------------------------


def test_neighbours_agree_in_stripes_disagree_on_a_chessboard_and_not_at_random():
    row, column = np.mgrid[:5, :5]
    ramp, chess = (row + 2.0 * column), (-1.0) ** (row + column)
    assert filters.neighbour_correlation(ramp[None]) > 0.6
    assert filters.neighbour_correlation(chess[None]) == pytest.approx(-1)
    random = np.random.default_rng(0).normal(size=(2000, 5, 5))
    assert abs(filters.neighbour_correlation(random)) < 0.02


def test_filters_at_random_show_no_structure():
    random = np.random.default_rng(5).normal(size=(20, 5, 5))
    assert filters._structure(random, "structure").agrees is False


def test_all_filters_are_drawn_on_one_scale():
    data = {"filters": np.arange(100.0).reshape(4, 5, 5).tolist(), "columns": 2, "title": ""}
    axes = filters.draw_filters(data).axes
    assert [each.images[0].get_clim() for each in axes] == [(0, 99)] * 4
    assert not any(each.axison for each in axes)


# --- the chapter's networks -----------------------------------------------------------------------


def test_a_network_scores_what_the_manifest_says_and_stands_beside_the_book(context, monkeypatch):
    monkeypatch.setattr(networks, "NETWORKS", ("shallow", "conv1_only", "not_there"))
    result = networks.networks.measure(context)
    first, second = result.checks
    published = manifest()
    assert first.ours == published["shallow"].test / 100
    assert (first.book, first.agrees) == (97.8, True)
    assert second.ours == published["conv1_only"].test / 100
    assert (second.book, second.agrees) == (None, None)
    axes = networks.draw_networks(result.data).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["shallow", "conv1_only"]


# --- expansion ------------------------------------------------------------------------------------


def test_the_expanded_digit_is_rolled_with_its_edge_cleared(context):
    images = np.array(expansion.expand_digit.measure(context).data["images"])
    original = context.data.train.images[0, ..., 0]
    for image, (roll, axis) in zip(images[1:], [(-1, 0), (1, 0), (-1, 1), (1, 1)], strict=True):
        expected = np.roll(original, roll, axis)
        np.moveaxis(expected, axis, 0)[min(roll, 0)] = 0
        np.testing.assert_array_equal(image, expected)


def test_distortions_are_drawn_beside_the_original(context):
    result = expansion.distortions.measure(context)
    images = np.array(result.data["images"])
    assert images.shape == (4, 7, 28, 28)
    assert (images[:, 0] == context.data.train.images[0, ..., 0]).all()
    assert len({image.tobytes() for image in images[1:, 1:].reshape(-1, 784)}) == 18
    assert isinstance(expansion.distortions.draw(result.data), Figure)


def test_a_shift_of_nothing_leaves_the_accuracy_as_it_was(mnist, shallow):
    test = mnist.test.take(300)
    expected = 100 * zoo.evaluate(shallow, test).accuracy
    assert expansion._right(shallow, test, 0) == expected
    assert expansion._right(shallow, test, 6) < expected - 30
    data = {"shifts": [-1, 0, 1], "percent": [[50.0, 99.0, 51.0]] * 4}
    assert isinstance(expansion.shift_tolerance.draw(data), Figure)


# --- dropout --------------------------------------------------------------------------------------


def test_costs_and_running_means_by_hand():
    probabilities = np.array([[0.5, 0.5], [0.25, 0.75]])
    assert dropout.costs(probabilities, np.array([0, 0])) == pytest.approx(1.5 * np.log(2))
    rows = np.array([[[2.0]], [[4.0]], [[9.0]]])
    np.testing.assert_allclose(dropout._running_means(rows).ravel(), [2, 3, 5])


@pytest.mark.parametrize(("used", "chance"), [(0.5, True), (0.6, False)])
def test_scores_tell_right_scaling_from_wrong(used, chance):
    generator = np.random.default_rng(0)

    def layer(features, training):
        return features * ((generator.random(features.shape) < 0.5) if training else used)

    features, kernel = generator.random((50, 100)), generator.normal(size=(100, 20))
    score = dropout.deviation_scores(features, layer, kernel, masks=64)
    assert (abs(score - 1) < 0.1) == chance


def test_dropout_is_drawn():
    data = {"averaged": [0.4, 0.3], "geometric": [0.4, 0.2], "scaled": 0.2, "whole": 0.3}
    assert isinstance(dropout.draw_dropout_scaling(data), Figure)


# --- the vote -------------------------------------------------------------------------------------


def test_true_digits_stand_above_predicted_ones():
    data = {"images": np.zeros((9, 28, 28)).tolist(), "true": [7] * 9, "predicted": [2] * 9}
    axes = votes.draw_errors33(data).axes
    assert len(axes) == 16
    above, below = axes[8].texts
    assert (above.get_text(), below.get_text()) == ("7", "2")
    assert above.get_position()[1] < below.get_position()[1]  # rows are counted downwards


@pytest.mark.slow
def test_the_vote_errs_about_as_often_as_the_books(context):
    assert votes.errors33.measure(context).verdict == "agrees"


# --- attacks --------------------------------------------------------------------------------------


def softmax(z):
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("name", ["shallow", "conv2_relu_dropout_x5"])
def test_logits_are_what_softmax_makes_the_answer_of(name, mnist):
    import keras

    model, images = zoo.load(name), mnist.test.images[:3]
    heads = [layer.output for layer in model.layers if "softmax" in layer.name]
    expected = keras.tree.flatten(keras.Model(model.input, heads)(images))
    found = logits(model)(images.astype(np.float32))
    assert len(found) == len(expected) == (5 if "x5" in name else 1)
    for z, answer in zip(found, expected, strict=True):
        np.testing.assert_allclose(softmax(np.array(z)), answer, atol=1e-5)


def test_gradients_by_pixels_are_those_of_backpropagation_in_numpy(mnist, shallow):
    images, digits = mnist.test.images[:4], mnist.test.labels[:4]
    w1, b1, w2, b2 = (each.astype(float) for each in shallow.get_weights())
    hidden = 1 / (1 + np.exp(-(images.reshape(4, 784) / 256 @ w1 + b1)))
    errors = softmax(hidden @ w2 + b2) - np.eye(10)[digits]  # eq. 84
    expected = (errors @ w2.T * hidden * (1 - hidden)) @ w1.T / 256
    found = cost_gradients(shallow)(images, digits)
    np.testing.assert_allclose(found.reshape(4, 784), expected, rtol=1e-3, atol=1e-9)


def test_a_network_that_is_certain_still_has_a_gradient(mnist):
    model = zoo.load("conv2")
    images, digits = mnist.test.images[:50], mnist.test.labels[:50]
    certain = np.array(model(images)).max(axis=1) > 0.99999
    assert certain.any()
    gradients = cost_gradients(model)(images, digits)
    assert np.abs(gradients[certain]).max(axis=(1, 2, 3)).min() > 0


def test_one_step_of_fgsm_by_hand():
    images = np.array([[10, 100, 250, 7]], np.uint8)
    slopes = np.array([[-0.3, 0.0, 1e-9, 5.0]])
    moved = fgsm(lambda images, digits: slopes, images, np.array([0]), 20)
    assert moved.dtype == np.uint8
    assert moved.tolist() == [[0, 100, 255, 27]]


def test_pgd_goes_to_the_edge_of_its_reach_and_never_further():
    images = np.array([[10, 100, 250, 128]], np.uint8)
    slopes = np.array([[-0.3, 1.0, 1e-9, 0.0]])
    moved = pgd(lambda images, digits: slopes, images, np.array([0]), 20, steps=7)
    assert moved[0, :3].tolist() == [0, 120, 255]
    assert abs(int(moved[0, 3]) - 128) <= 20
    assert moved.dtype == np.uint8


def test_many_steps_mislead_more_than_one_and_both_more_than_none(mnist, shallow):
    test, gradients = mnist.test.take(200), cost_gradients(shallow)
    altered = {
        kind: adversarial._altered(kind, gradients, test, 12, 10)
        for kind in ("noise", "fgsm", "pgd")
    }
    for images in altered.values():
        assert np.abs(images.astype(int) - test.images).max() == 12
    right = {
        kind: zoo.evaluate(shallow, zoo.Split(images, test.labels)).correct
        for kind, images in altered.items()
    }
    assert right["pgd"] < right["fgsm"] < right["noise"] - 40


def test_attacks_are_drawn(context):
    data = {"epsilons": [0, 8], "networks": ["a", "b"], "steps": 3}
    data |= {kind: [[99.0, 50.0]] * 2 for kind in ("noise", "fgsm", "pgd")}
    assert isinstance(adversarial.adversarial.draw(data), Figure)
    result = adversarial.adversarial_images.measure(context)
    wrong = [check.ours for check in result.checks]
    assert wrong[0] == 0
    assert wrong[-1] == 5
    assert isinstance(adversarial.adversarial_images.draw(result.data), Figure)


def test_noise_becomes_what_the_network_is_sure_of(shallow):
    start = np.random.default_rng(0).integers(0, 256, (10, 28, 28, 1), dtype=np.uint8)
    images = fooling.fooling_images(shallow, start)
    assert images.dtype == np.uint8
    before, after = (np.array(shallow(each))[range(10), range(10)] for each in (start, images))
    assert after.min() > 0.9
    assert np.median(before) < 0.5
    data = {"images": [images[..., 0]] * 3, "sure": [after] * 3}
    assert isinstance(fooling.draw_fooling(data), Figure)
