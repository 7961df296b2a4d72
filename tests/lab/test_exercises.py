"""The exercises: their arithmetic by hand, and their verdicts on runs made up for both outcomes."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.optimize import approx_fprime

from zoo import lab
from zoo.evaluation.scores import Predictions
from zoo.lab.chapter2 import other_neurons
from zoo.lab.chapter3 import penalties, practice, second_order, stopping
from zoo.lab.chapter6 import by_hand, exercises, rectified
from zoo.lab.core.experiment import Context

QUICK = (
    "ch2_other_neurons",
    "ch3_softmax_limit",
    "ch6_conv_backprop",
    "ch6_relu_scale",
    "ch6_relu_gradients",
)
TRAINED = (
    "ch3_l1_l2",
    "ch3_l2_and_init",
    "ch3_second_order",
    "ch3_early_stopping",
    "ch3_schedule",
    "ch3_mini_batch",
    "ch3_rotations_too_large",
    "ch6_tanh_or_sigmoid",
    "ch6_overfitting",
)


@pytest.fixture
def fast(tmp_path) -> Context:
    return Context(tmp_path, fast=True, progress=False)


@pytest.mark.integration
@pytest.mark.parametrize("name", QUICK)
def test_what_needs_no_training_agrees_and_draws(name, tmp_path):
    done = lab.run(name, fast=True, out=tmp_path, progress=False)
    assert done.result.verdict == "agrees"
    assert done.picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_what_trains_runs_to_its_end(name, tmp_path):
    done = lab.run(name, fast=True, out=tmp_path, progress=False)
    assert done.result.verdict in {"agrees", "not judged", "no figure"}
    assert done.result.remark


def test_every_exercise_says_what_it_shows():
    for name in (*QUICK, *TRAINED):
        each = lab.get_experiment(name)
        assert each.question.split("\n\n")[0].endswith((".", "?"))
        assert 10 < len(each.title) < 70


# --- chapter 2 ------------------------------------------------------------------------------------


def test_linear_layers_are_one_matrix():
    """With sigma(z) = z the net is x W1 W2, and the slopes follow from that product."""
    generator = np.random.default_rng(1)
    w1, w2 = generator.normal(size=(3, 4)), generator.normal(size=(4, 2))
    x, y = generator.normal(size=(5, 3)), generator.normal(size=(5, 2))
    parameters = [w1, np.zeros(4), w2, np.zeros(2)]
    slopes = other_neurons.backpropagate(parameters, x, [other_neurons.LINEAR] * 2, lambda a: a - y)
    error = x @ w1 @ w2 - y
    np.testing.assert_allclose(slopes[0], x.T @ error @ w2.T / 5)
    np.testing.assert_allclose(slopes[2], (x @ w1).T @ error / 5)


def test_a_modified_neuron_is_one_neuron():
    neurons = other_neurons.with_one(1, np.sin, np.cos)
    z = np.array([[0.0, 1.0, 0.0]])
    assert neurons.value(z).tolist() == [[0.5, np.sin(1.0), 0.5]]
    assert neurons.slope(z).tolist() == [[0.25, np.cos(1.0), 0.25]]
    assert other_neurons.compare_without_the_change() > 0.01


# --- chapter 3 ------------------------------------------------------------------------------------


@pytest.fixture
def net() -> second_order.SmallNet:
    generator = np.random.default_rng(2)
    return second_order.SmallNet(generator.random((6, 49)), np.eye(10)[[0, 1, 2, 3, 4, 5]])


def test_the_gradient_and_the_hessian_are_those_of_the_cost(net):
    flat = second_order.start(net)
    assert net.count == 610
    slopes = approx_fprime(flat, lambda at: net(at)[0], 1e-7)
    np.testing.assert_allclose(net(flat)[1], slopes, atol=1e-5)
    direction = np.random.default_rng(3).normal(size=610)
    hessian = net.hessian(flat)
    np.testing.assert_allclose(hessian, hessian.T)
    along = net(flat + 1e-4 * direction)[0] - 2 * net(flat)[0] + net(flat - 1e-4 * direction)[0]
    assert direction @ hessian @ direction == pytest.approx(along / 1e-8, rel=1e-3)


def test_newtons_steps_never_raise_the_cost(net):
    costs = second_order.newton(net, second_order.start(net), 2)
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < costs[0]


def test_images_are_pooled_by_means():
    image = np.zeros((1, 28, 28, 1), np.uint8)
    image[0, 4:8, 8:12, 0] = 128
    pooled = second_order.pooled(image).reshape(7, 7)
    assert pooled[1, 2] == 0.5
    assert pooled.sum() == 0.5


RISES = [90.0, 91.0, 92.0, 93.0, 93.0, 92.9, 93.0, 92.8]


def test_rules_of_stopping_by_hand():
    assert stopping.no_improvement(RISES, 3) == 6
    assert stopping.no_improvement(RISES, 20) == 7
    # Sums of two: at epoch 5 it is 185.9 after 185.0, at epoch 6 185.9 after 186.0.
    assert stopping.no_rise(RISES, window=2) == 6


def made(curve, seconds=1.0, model=None):
    rows = [
        {"val_accuracy": value / 100, "test_accuracy": value / 100, "seconds": seconds}
        for value in curve
    ]
    return SimpleNamespace(history=rows, model=model)


def drawn(experiment, result) -> Figure:
    return experiment.draw(json.loads(json.dumps(result.data)))


@pytest.mark.parametrize(("gain", "verdict"), [(1.0, "agrees"), (-1.0, "differs")])
def test_the_schedule_is_judged_by_the_last_epochs(fast, monkeypatch, gain, verdict):
    def train(self, spec, seed=0, **options):
        higher = gain if spec.recipe.schedule == "halve" else 0
        return made([80 + higher + epoch for epoch in range(12)])

    monkeypatch.setattr(Context, "train", train)
    result = stopping.schedule.measure(fast)
    assert result.verdict == verdict
    assert drawn(stopping.schedule, result).axes


def test_early_stopping_tells_price_and_loss(fast, monkeypatch):
    late = [*RISES, *[92.0] * 6, 95.0]
    monkeypatch.setattr(Context, "train", lambda self, spec, **options: made(late))
    result = stopping.early_stopping.measure(fast)
    rules = result.data["rules"]
    assert rules["no improvement in 3"] == {"epochs": [7] * 3, "lost": [2.0] * 3}
    assert rules["no improvement in 20"] == {"epochs": [15] * 3, "lost": [0.0] * 3}
    assert result.verdict == "agrees"
    assert drawn(stopping.early_stopping, result).axes


def test_mini_batches_are_timed_without_the_compiler(fast, monkeypatch):
    def train(self, spec, **options):
        result = made([80, 84, 86, 90], seconds=spec.recipe.batch_size)
        result.history[0]["seconds"] = 1_000.0
        return result

    monkeypatch.setattr(Context, "train", train)
    result = practice.mini_batch.measure(fast)
    assert [check.ours for check in result.checks] == [3.0, 30.0, 300.0]
    assert result.verdict == "no figure"
    assert drawn(practice.mini_batch, result).axes


@pytest.mark.parametrize(("sparse", "verdict"), [(True, "not judged"), (False, "differs")])
def test_l1_leaves_more_weights_at_0(fast, monkeypatch, sparse, verdict):
    def train(self, spec, seed=0, **options):
        width = 0.001 if spec.recipe.l1 and sparse else 0.1
        weights = np.linspace(-width, width, 784 * 30).reshape(784, 30)
        model = SimpleNamespace(get_weights=lambda: [weights])
        return made([90 + seed + spec.recipe.l2 / 10], model=model)

    monkeypatch.setattr(Context, "train", train)
    result = penalties.l1_l2.measure(fast)
    assert result.verdict == verdict
    assert drawn(penalties.l1_l2, result).axes


@pytest.mark.parametrize(("wrong", "verdict"), [(True, "agrees"), (False, "differs")])
def test_6_and_9_are_taken_for_each_other(fast, bars, monkeypatch, wrong, verdict):
    monkeypatch.setattr(Context, "data", bars)

    def train(self, spec, data=None, **options):
        # Columns say the digit, and turning moves ink away from them: so a turned set is known.
        far = (data.train.images[len(data.train) // 2 :] == 0).mean() > 0.05
        return SimpleNamespace(model=far and wrong)

    def predict(model, split):
        swapped = np.where(split.labels == 6, 9, np.where(split.labels == 9, 6, split.labels))
        return Predictions(swapped if model else split.labels, split.labels, np.ones(len(split)))

    monkeypatch.setattr(Context, "train", train)
    monkeypatch.setattr(practice.zoo, "predict", predict)
    monkeypatch.setattr(practice, "randomly_turned", _blank_beyond_15)
    result = practice.rotations_too_large.measure(fast)
    assert result.verdict == verdict
    assert drawn(practice.rotations_too_large, result).axes


def _blank_beyond_15(images, most):
    return np.zeros_like(images) if most > 15 else images


def test_images_are_turned_by_angles_of_their_own(mnist):
    images = mnist.train.images[:20]
    turned = practice.randomly_turned(images, 30)
    assert turned.dtype == np.uint8
    assert (turned != images).any(axis=(1, 2, 3)).all()
    assert (practice.randomly_turned(images, 1e-9) == images).mean() > 0.99


# --- chapter 6 ------------------------------------------------------------------------------------


def test_a_convolution_by_hand_is_the_slope_of_its_cost():
    generator = np.random.default_rng(4)
    weights = by_hand.Weights(
        generator.normal(size=(5, 5, 1, 2)) / 5,
        generator.normal(size=2),
        generator.normal(size=(288, 10)) / 17,
        generator.normal(size=10),
    )
    x, y = generator.random((2, 28, 28)), np.eye(10)[[3, 8]]
    slopes = by_hand.gradient(weights, x, y)
    for part in range(4):
        for place in ((0,) * weights[part].ndim, (-1,) * weights[part].ndim):
            costs = []
            for step in (1e-5, -1e-5):
                moved = [array.copy() for array in weights]
                moved[part][place] += step
                costs.append(_cost(by_hand.Weights(*moved), x, y))
            numerical = (costs[0] - costs[1]) / 2e-5
            assert slopes[part][place] == pytest.approx(numerical, rel=1e-4, abs=1e-8)


def _cost(weights, x, y):
    total = 0.0
    for image, target in zip(x, y, strict=True):
        maps = np.empty((12, 12, weights.filters.shape[-1]))
        for i, j, f in np.ndindex(maps.shape):
            fields = [
                image[2 * i + r : 2 * i + r + 5, 2 * j + c : 2 * j + c + 5]
                for r in (0, 1)
                for c in (0, 1)
            ]
            maps[i, j, f] = max(np.sum(field * weights.filters[:, :, 0, f]) for field in fields)
        pooled = 1 / (1 + np.exp(-(maps + weights.filter_biases)))
        a = 1 / (1 + np.exp(-(pooled.ravel() @ weights.dense + weights.dense_biases)))
        total -= np.sum(target * np.log(a) + (1 - target) * np.log(1 - a))
    return total / len(x)


def test_relus_scale_layer_by_layer():
    x = np.array([[1.0, 2.0]])
    parameters = [np.array([[1.0], [1.0]]), np.zeros(1), np.array([[2.0]]), np.zeros(1)]
    assert rectified.outputs_of(parameters, x).item() == 6.0
    assert rectified.outputs_of([3 * array for array in parameters], x).item() == 54.0


@pytest.mark.parametrize(("lead", "verdict"), [(1.0, "agrees"), (-1.0, "differs")])
def test_tanh_is_judged_by_its_first_epochs(fast, monkeypatch, lead, verdict):
    def train(self, spec, **options):
        ahead = lead if spec.name == "conv2_tanh" else 0
        return made([90 + ahead, 91 + ahead, 92 + ahead, 95, 95, 95])

    monkeypatch.setattr(Context, "train", train)
    result = exercises.tanh_or_sigmoid.measure(fast)
    assert result.verdict == verdict
    assert drawn(exercises.tanh_or_sigmoid, result).axes


def test_overfitting_is_a_distance_that_cures_lessen(fast, monkeypatch):
    gaps = iter([14.0, 9.0, 8.0, 5.0])

    def kept(context, name, measure):
        gap = next(gaps)
        return [{"training accuracy": 90 + gap, "validation accuracy": 90.0}] * 6

    monkeypatch.setattr(exercises, "kept", kept)
    result = exercises.overfitting.measure(fast)
    assert [check.ours for check in result.checks[:3]] == [9.0, 8.0, 5.0]
    assert result.verdict == "agrees"
    assert drawn(exercises.overfitting, result).axes
