"""Chapter 5's lab, against the NumPy network, differences, hand computation and the book."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

import zoo
from tests.paths import ROOT
from tests.reference import Dense, Network, one_hot
from zoo.lab import Context
from zoo.lab.chapter5 import chain, depth, gradients, remedies, single_neuron
from zoo.lab.chapter5.learning_speed import (
    cost_and_gradients,
    descend,
    geometric_mean,
    hidden_bias_gradients,
    initial_gradients,
    norms,
    range_of_one_more,
)

RESULTS = ROOT / "benchmarks" / "results.csv"


@pytest.fixture
def context(tmp_path) -> Context:
    return Context(tmp_path, fast=True, progress=False)


# --- chains of neurons ----------------------------------------------------------------------------


def random_chains(count: int = 5):
    generator = np.random.default_rng(0)
    w, b = generator.normal(size=(2, count, chain.LAYERS))
    return w, b, generator.random(count)


def test_both_gradients_of_a_chain_are_slopes_of_its_cost():
    w, b, x = random_chains()
    y = 0.3

    def cost(b):
        a = x
        for layer in range(chain.LAYERS):
            a = 1 / (1 + np.exp(-(w[:, layer] * a + b[:, layer])))
        return (y - a) ** 2 / 2

    steps = 1e-5 * np.eye(chain.LAYERS)
    slopes = np.stack([(cost(b + step) - cost(b - step)) / 2e-5 for step in steps], axis=1)
    assert np.abs(slopes).max() > 1e-3
    np.testing.assert_allclose(chain.product_of_factors(w, b, x, y), slopes, rtol=1e-4, atol=1e-10)
    np.testing.assert_allclose(chain.differentiated(w, b, x, y), slopes, rtol=1e-4, atol=1e-10)


def test_the_slope_of_the_sigmoid_keeps_its_digits_in_saturated_neurons():
    assert chain.sigmoid_prime(np.array(0.0)) == 0.25
    np.testing.assert_allclose(chain.sigmoid_prime(np.array([-80.0, 80.0])), np.exp(-80.0))


def test_exploding_chains_multiply_by_the_weight_times_the_slope():
    # All biases 0.01 too high: z1 = 0.01, a1 = sigma(0.01), z2 = 100 a1 - 50 + 0.01, and so on.
    offset, z, factors = 0.01, [0.01], []
    for _ in range(3):
        z.append(100 / (1 + np.exp(-z[-1])) - 50 + offset)
    for each in z:
        factors.append(100 * np.exp(-each) / (1 + np.exp(-each)) ** 2)
    w, b = chain.exploding_chains(np.array([offset]))
    np.testing.assert_allclose(w * [1, 0.5, 0.5, 0.5] + b, offset)
    found = chain.product_of_factors(w, b, np.ones(1))[0]
    np.testing.assert_allclose(found[:-1] / found[1:], factors[:3], rtol=1e-9)


@pytest.mark.parametrize(
    "experiment",
    [
        chain.chain,
        chain.sigmoid_prime_shape,
        chain.exploding,
        single_neuron.wide_gradient_interval,
        single_neuron.identity_neuron,
    ],
    ids=lambda each: each.name,
)
def test_what_needs_no_training_agrees_with_the_book_and_is_drawn(experiment, context):
    result = experiment.measure(context)
    assert result.verdict == "agrees"
    assert isinstance(experiment.draw(result.data), Figure)


# --- one neuron -----------------------------------------------------------------------------------


@pytest.mark.parametrize("w", [-5.0, 7.0, 30.0])
def test_both_widths_are_those_counted_on_a_fine_grid(w):
    a = np.arange(-1, 1, 1e-5)
    z = w * a + 0.2
    count = np.sum(np.abs(w) * np.exp(-z) / (1 + np.exp(-z)) ** 2 >= 1)
    assert single_neuron.interval_by_formula(w) == pytest.approx(count * 1e-5, abs=3e-5)
    assert single_neuron.interval_by_search(w) == pytest.approx(count * 1e-5, abs=3e-5)


def test_weights_up_to_four_leave_no_interval():
    assert single_neuron.interval_by_formula(4) == 0
    assert single_neuron.interval_by_search(3.9) == 0


def test_the_error_of_the_identity_neuron_is_the_next_term_of_the_series():
    # sigma(u) = 1/2 + u/4 - u^3/48 + ...; times 4/w1, at u = w1/2, the last term is w1^2 / 96.
    error = np.max(np.abs(single_neuron.by_the_hint(0.1) - single_neuron.INPUTS))
    assert error == pytest.approx(0.1**2 / 96, rel=0.01)


def test_no_weights_drawn_at_random_beat_the_best_without_a_constant():
    x = single_neuron.INPUTS
    best = single_neuron.output(*single_neuron.best_without_constant())
    least = np.max(np.abs(best - x))
    generator = np.random.default_rng(0)
    w1, b, w2 = generator.uniform([0, -6, 0], [10, 2, 5], (20_000, 3)).T[:, :, None]
    assert least < np.max(np.abs(w2 / (1 + np.exp(-(w1 * x + b))) - x), axis=1).min()


# --- networks -------------------------------------------------------------------------------------


def in_numpy(model) -> Network:
    layers = [layer.get_weights() for layer in model.layers if layer.get_weights()]
    return Network([Dense(w.T.astype(float), b.astype(float)) for w, b in layers], "cross_entropy")


def examples(split):
    pairs = zip(split.images / 256, split.labels, strict=True)
    return [(image, one_hot(label)) for image, label in pairs]


def test_initial_gradients_are_those_of_the_reference_network(mnist):
    split = mnist.train.take(6)
    found = initial_gradients("mlp30x2", split, seed=3)
    expected = in_numpy(zoo.build("mlp30x2", seed=3)).mean_gradients(examples(split))
    assert len(found) == 2
    for ours, (_, db) in zip(found, expected, strict=False):
        np.testing.assert_allclose(ours, db, rtol=2e-4, atol=1e-7)


def test_descent_measures_before_each_step_and_steps_as_the_reference_does(mnist):
    split = mnist.train.take(4)
    spec = zoo.get_spec("mlp30x3").with_settings(images=4, batch_size=4, epochs=3)
    network = in_numpy(zoo.build(spec, seed=1))
    expected = []
    for _ in range(3):
        slopes = network.mean_gradients(examples(split))
        expected.append([np.linalg.norm(db) for _, db in slopes[:-1]])
        network.step(examples(split), eta=0.1, lmbda=5.0, n=4)
    found, costs = descend(zoo.build(spec, seed=1), split, 3)
    np.testing.assert_allclose(found, expected, rtol=1e-3)
    assert len(costs) == 3
    assert costs[0] > costs[-1]


def test_norms_are_lengths():
    np.testing.assert_allclose(norms([[3.0, 4.0], [0.0, 2.0]]), [5, 2])


def test_the_range_holds_one_more_run_in_99_of_100_cases():
    generator = np.random.default_rng(0)
    runs = np.exp(generator.normal(-3, 0.7, (3000, 6)))
    inside = [low <= run[-1] <= high for run in runs for low, high in [range_of_one_more(run[:-1])]]
    assert np.mean(inside) == pytest.approx(0.99, abs=0.006)
    assert geometric_mean(np.array([1.0, 100.0])) == pytest.approx(10)


def test_a_figure_out_of_range_differs():
    samples = np.exp(np.random.default_rng(0).normal(size=(50, 2)))
    inside, outside = gradients._spread_checks("norm", samples, [1.0, 100.0])
    assert (inside.agrees, outside.agrees) == (True, False)


@pytest.mark.integration
@pytest.mark.parametrize("experiment", [gradients.initial_bars, gradients.norm_4])
def test_gradients_at_the_start_agree_with_the_book(experiment, context):
    result = experiment.measure(context)
    assert result.verdict == "agrees"
    assert isinstance(experiment.draw(result.data), Figure)


def test_speeds_are_drawn():
    data = {"curves": [[1.0, 2.0]] * 3, "last": [[0.1, 1.0], [0.2, 2.0]], "book": [0.1, 1.0]}
    assert len(gradients.speed_2.draw(data).axes) == 2


@pytest.mark.slow
@pytest.mark.parametrize("experiment", [gradients.speed_2, gradients.speed_3, gradients.speed_4])
def test_speeds_after_500_epochs_agree_with_the_book(experiment, context):
    assert experiment.measure(context).verdict == "agrees"


def test_depth_is_judged_by_the_mean_of_the_best_epochs_and_not_in_its_fast_form():
    runs = [[96.0, 96.7], [96.5, 96.1]]  # 96.6 on average
    check = depth._judged(runs, 96.48, fast=False)[0][0]
    assert (check.ours, check.agrees) == (96.6, True)
    assert depth._judged(runs, 96.98, fast=False)[0][0].agrees is False
    assert depth._judged(runs, 96.48, fast=True)[0][0].agrees is None
    data = {"percent": runs, "book": 96.48, "layers": "784-30-10"}
    assert isinstance(depth.depth1.draw(data), Figure)


def test_the_noise_of_depth_is_that_of_the_published_runs():
    rows = np.genfromtxt(RESULTS, delimiter=",", names=True, dtype=None)
    names = ("mlp30", "mlp30x2", "mlp30x3", "mlp30x4")
    variances = [np.var(rows["validation"][rows["name"] == name] / 100, ddof=1) for name in names]
    deviation = np.sqrt(np.mean(variances))
    assert pytest.approx(1.96 * deviation * np.sqrt(1 + 1 / 5), abs=0.02) == depth.NOISE


# --- remedies -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("index", "deviation"),
    [(0, 1 / 28), (1, np.sqrt(2 / 814)), (3, np.sqrt(2 / 784)), (5, np.sqrt(2 / 784))],
)
def test_initial_weights_have_the_deviation_of_their_papers(index, deviation):
    model = remedies.deep_network(remedies.REMEDIES[index], seed=0, layers=2)
    kernel, *biases = model.layers[2].get_weights()
    assert kernel.std() == pytest.approx(deviation, rel=0.02)
    if index == 0:
        assert 0.6 < biases[0].std() < 1.5
    else:
        assert not np.any(biases)


def test_every_remedy_has_a_gradient_for_each_hidden_layer_and_ends_its_own_way(mnist):
    split = mnist.train.take(20)
    for remedy in remedies.REMEDIES:
        model = remedies.deep_network(remedy, seed=0, layers=3)
        found = hidden_bias_gradients(model, cost_and_gradients(model, split)[1])
        assert [each.shape for each in found] == [(30,)] * 3
        kinds = [type(layer).__name__ for layer in model.layers]
        assert ("BatchNormalization" in kinds) == remedy.batch_norm


def test_remedies_are_drawn():
    count = len(remedies.REMEDIES)
    speeds = np.array([[0.1] * remedies.LAYERS, [0.2] * remedies.LAYERS])
    data = {"norms": [[0.1, 0.2]] * count, "costs": [[3.0, 2.0, 2.5]] * count}
    drawn = remedies.remedies.draw(data | {"speeds": [speeds.tolist()] * count})
    _, costs, *panels = drawn.axes
    assert list(costs.lines[0].get_ydata()) == [3.0, 2.0, 2.0]
    assert [panel.get_title() for panel in panels] == [each.label for each in remedies.REMEDIES]
    for panel in panels:
        assert len(panel.lines) == remedies.LAYERS
        assert panel.lines[0].get_xdata().tolist() == [0, remedies.EVERY]
