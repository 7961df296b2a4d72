"""The oracle checked in turn: by differences (eq. 46), and by numbers that the book prints."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest

from tests.reference import COST, ConvPool, Dense, Network, Pool, one_hot, softmax

HIDDEN = ("sigmoid", "tanh", "relu", "linear")


def dense(generator, inputs: int, units: int, activation: str, dropout: float = 0.0) -> Dense:
    w = generator.normal(size=(units, inputs)) / np.sqrt(inputs)
    return Dense(w, generator.normal(size=units), activation, dropout)


def conv(generator, filters: int, channels: int, activation: str) -> ConvPool:
    w = generator.normal(size=(filters, 3, 3, channels)) / 3
    return ConvPool(w, generator.normal(size=filters), activation)


def examples(generator, count: int = 3, shape=(4, 3, 1)):
    digits = generator.integers(10, size=count)
    return [(generator.random(shape), one_hot(digit)) for digit in digits]


def mean_cost(network: Network, batch) -> float:
    return np.mean([COST[network.cost](network.feedforward(x), y) for x, y in batch])


def differences(cost, values: np.ndarray, epsilon: float = 1e-5) -> np.ndarray:
    """dC/dvalue for each entry by eq. 46, taken on both sides of it."""
    slopes = np.zeros_like(values)
    for index in np.ndindex(values.shape):
        kept = values[index]
        ends = []
        for moved in (kept + epsilon, kept - epsilon):
            values[index] = moved
            ends.append(cost())
        values[index] = kept
        slopes[index] = (ends[0] - ends[1]) / (2 * epsilon)
    return slopes


def check_gradients(network: Network, batch) -> None:
    for layer, (dw, db) in zip(network.layers, network.mean_gradients(batch), strict=True):
        for values, gradient in ((layer.w, dw), (layer.b, db)):
            slopes = differences(lambda: mean_cost(network, batch), values)
            assert not values.size or np.abs(slopes).max() > 1e-4  # else nothing is compared
            np.testing.assert_allclose(gradient, slopes, rtol=1e-5, atol=1e-9)


OUTPUTS = [*(("quadratic", a) for a in HIDDEN), ("cross_entropy", "sigmoid")]
OUTPUTS.append(("log_likelihood", "softmax"))


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize(("cost", "output"), OUTPUTS)
def test_backpropagation_finds_the_slopes_of_every_cost_and_activation(cost, output, hidden):
    generator = np.random.default_rng(1)
    layers = [
        dense(generator, 12, 6, hidden),
        dense(generator, 6, 5, hidden),
        dense(generator, 5, 10, output),
    ]
    check_gradients(Network(layers, cost), examples(generator))


@pytest.mark.parametrize("hidden", HIDDEN)
def test_backpropagation_finds_the_slopes_through_two_convolutions(hidden):
    generator = np.random.default_rng(2)
    layers = [  # 13x12 -> 5x5 (a border of one row pooled away) -> 1x1
        conv(generator, 2, 1, hidden),
        conv(generator, 3, 2, hidden),
        dense(generator, 3, 10, "softmax"),
    ]
    check_gradients(Network(layers, "log_likelihood"), examples(generator, 2, (13, 12, 1)))


FORMS = {
    "strides, padding": {"stride": 2, "padding": 1, "pool": 1},
    "overlapping regions": {"pool": 3, "pool_stride": 2},
    "groups": {"groups": 2, "padding": 2, "stride": 2},
}


@pytest.mark.integration
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["mean", "l2"])
def test_backpropagation_finds_the_slopes_through_other_convolutions(form, kind):
    generator = np.random.default_rng(6)
    first = conv(generator, 2, 1, "tanh")
    w = generator.normal(size=(4, 3, 3, 2 // FORMS[form].get("groups", 1))) / 3
    second = ConvPool(w, generator.normal(size=4), "tanh", **FORMS[form])
    (example, *_) = batch = examples(generator, 2, (14, 12, 1))
    first.pool = 1
    layers = [first, Pool(kind, 2, 1), second, Pool(kind, 2, 2)]
    a = example[0]
    for layer in layers:
        a = layer.weighted_input(a)
    check_gradients(
        Network([*layers, dense(generator, a.size, 10, "softmax")], "log_likelihood"), batch
    )


def test_a_layer_trains_without_the_weights_that_it_drops():
    generator = np.random.default_rng(7)
    layers = [dense(generator, 12, 6, "tanh"), dense(generator, 6, 10, "sigmoid")]
    layers[1].dropconnect = 0.5
    ((x, y),) = examples(generator, 1)
    kept = generator.integers(2, size=(10, 7))
    thin = deepcopy(layers)
    thin[1] = Dense(kept[:, :-1] * layers[1].w, kept[:, -1] * layers[1].b)
    ours = Network(layers, "cross_entropy").backprop(x, y, masks=[1, kept])
    plain = Network(thin, "cross_entropy").backprop(x, y)
    np.testing.assert_array_equal(ours[0][0], plain[0][0])
    np.testing.assert_array_equal(ours[1][0], np.where(kept[:, :-1], plain[1][0], 0))
    np.testing.assert_array_equal(ours[1][1], np.where(kept[:, -1], plain[1][1], 0))
    half = Network([layers[0], Dense(layers[1].w / 2, layers[1].b / 2)])
    np.testing.assert_allclose(Network(layers).feedforward(x), half.feedforward(x))


def test_steps_go_down_the_regularized_costs_of_both_programs():
    generator = np.random.default_rng(3)
    layers = [dense(generator, 12, 4, "sigmoid"), dense(generator, 4, 10, "sigmoid")]
    start = Network(layers, "cross_entropy")
    batch = examples(generator)
    eta, lmbda = 0.3, 2.0

    def check(moved: Network, weight_of_squares: float) -> None:
        def cost():
            squares = sum(np.sum(layer.w**2) for layer in start.layers)
            return mean_cost(start, batch) + weight_of_squares * squares

        for layer, after in zip(start.layers, moved.layers, strict=True):
            w, b = (differences(cost, values) for values in (layer.w, layer.b))
            np.testing.assert_allclose(after.w, layer.w - eta * w, rtol=1e-7)
            np.testing.assert_allclose(after.b, layer.b - eta * b, rtol=1e-7)

    moved = deepcopy(start)
    moved.step(batch, eta, lmbda, n=40)
    check(moved, lmbda / (2 * 40))  # (85)
    moved = deepcopy(start)
    moved.step_network3(batch, eta, lmbda, batches=8)
    check(moved, 0.5 * lmbda / 8)


def test_a_mask_trains_the_network_without_the_dropped_inputs():
    generator = np.random.default_rng(4)
    layers = [dense(generator, 12, 6, "tanh"), dense(generator, 6, 10, "sigmoid", dropout=0.5)]
    network = Network(layers, "cross_entropy")
    ((x, y),) = examples(generator, 1)
    mask = np.array([1, 0, 0, 1, 1, 0])
    thinned = deepcopy(network)
    thinned.layers[0].w, thinned.layers[0].b = layers[0].w[mask == 1], layers[0].b[mask == 1]
    thinned.layers[1].w = layers[1].w[:, mask == 1]

    (w1, b1), (w2, b2) = network.backprop(x, y, masks=[1, mask])
    (thin_w1, thin_b1), (thin_w2, thin_b2) = thinned.backprop(x, y)
    for whole, thin in ((w1, thin_w1), (b1, thin_b1), (w2.T, thin_w2.T)):
        np.testing.assert_allclose(whole[mask == 1], thin, rtol=1e-12)
        assert not whole[mask == 0].any()
    np.testing.assert_allclose(b2, thin_b2, rtol=1e-12)


def test_dropped_inputs_count_for_less_in_use():
    generator = np.random.default_rng(5)
    network = Network([dense(generator, 12, 10, "sigmoid", dropout=0.2)])
    plain = Network([Dense(0.8 * network.layers[0].w, network.layers[0].b)])
    x = generator.random((4, 3, 1))
    np.testing.assert_allclose(network.feedforward(x), plain.feedforward(x), rtol=1e-12)


@pytest.mark.parametrize(
    ("start", "weights", "biases", "outputs"),
    [
        (
            (0.6, 0.9),
            [-0.38, -0.81, -1.01, -1.13, -1.21, -1.28],
            [-0.08, -0.51, -0.71, -0.83, -0.91, -0.98],
            (0.82, 0.09),
        ),
        ((2.0, 2.0), [1.85, 1.65, 1.32, 0.66, -0.29, -0.68], None, (0.98, 0.20)),
    ],
)
def test_the_single_neuron_of_chapter_3_learns_as_printed(start, weights, biases, outputs):
    neuron = Dense(np.array([[start[0]]]), np.array([start[1]]))
    network = Network([neuron])
    x, y = np.array([1.0]), np.array([0.0])
    first = network.feedforward(x)[0]
    frames = []
    for _ in weights:
        for _ in range(50):
            network.step([(x, y)], eta=0.15)
        frames.append((neuron.w[0, 0], neuron.b[0]))
    # Two printed digits; one of the eighteen (-1.21) is the next number beside the rounded one.
    printed = np.transpose([weights, biases or weights])
    np.testing.assert_allclose(frames, printed, rtol=0, atol=0.006)
    np.testing.assert_allclose((first, network.feedforward(x)[0]), outputs, rtol=0, atol=0.005)


def test_the_softmax_sliders_of_chapter_3():
    printed = [0.31454, 0.0095, 0.6334, 0.04257]
    np.testing.assert_allclose(softmax(np.array([2.5, -1, 3.2, 0.5])), printed, atol=0.6e-5)


def test_regions_pooled_by_hand():
    a = np.array([[3.0, 4], [0, 0]])[..., None]
    assert Pool("mean", 2, 2).weighted_input(a).tolist() == [[[1.75]]]
    assert Pool("l2", 2, 2).weighted_input(a).tolist() == [[[5]]]
    back = Pool("l2", 2, 2).send_back(a, np.array([[[10.0]]]))
    assert back[..., 0].tolist() == [[6, 8], [0, 0]]


def test_a_convolution_small_enough_to_do_by_hand():
    image = np.array([[1.0, 2, 0], [0, 1, 3], [2, 1, 0]])[..., None]
    layer = ConvPool(np.array([[1.0, 2], [0, -1]])[None, ..., None], np.array([0.5]), "relu")
    # Unflipped, the four fields weigh 4, -1, 1 and 7: the last wins. (Flipped: 0, 3, 5 and 1.)
    assert layer.weighted_input(image).tolist() == [[[7.5]]]
    dw, db = layer.gradient(image, np.array([[[2.0]]]))
    assert dw[0, ..., 0].tolist() == [[2, 6], [2, 0]]
    assert db.tolist() == [2]
    back = layer.send_back(image, np.array([[[2.0]]]))
    assert back[..., 0].tolist() == [[0, 0, 0], [0, 2, 4], [0, 0, -2]]
