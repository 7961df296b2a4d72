"""Keras against the oracle, to float32 accuracy, wherever its habits are not the book's."""

from __future__ import annotations

import math
from itertools import combinations

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import reference
from zoo.nn import dropout, losses, regularizers, voting
from zoo.nn.batching import Blocks
from zoo.spec import ConvPool, EnsembleSpec, FullyConnected, ModelSpec, Recipe, Softmax
from zoo.training.callbacks import DropoutOff

pytestmark = pytest.mark.usefixtures("plain_and_xla")


def declare(*layers, **settings) -> ModelSpec:
    """A small network: by default ten steps of cross-entropy, two epochs of five mini-batches."""
    recipe = {"cost": "cross_entropy", "epochs": 2, "learning_rate": 0.5, "images": 20}
    return ModelSpec("small", layers, Recipe(**{**recipe, "batch_size": 4, **settings}))


def random_split(count: int) -> zoo.Split:
    generator = np.random.default_rng(count)
    images = generator.integers(0, 256, (count, 28, 28, 1), dtype=np.uint8)
    return zoo.Split(images, generator.integers(10, size=count))


def oracle_of(model: keras.Model, spec: ModelSpec) -> reference.Network:
    """The oracle with a model's weights; Keras puts the neuron's index last, the book first."""
    arrays = iter([np.float64(variable) for variable in model.trainable_variables])
    layers = []
    for layer in spec.layers:
        kernel, bias = np.moveaxis(next(arrays), -1, 0), next(arrays)
        if isinstance(layer, ConvPool):
            layers += convolution_of(layer, kernel, bias)
        else:
            activation = "softmax" if isinstance(layer, Softmax) else layer.activation
            dropped = layer.dropout, getattr(layer, "dropconnect", 0)
            layers.append(reference.Dense(kernel, bias, activation, *dropped))
    assert next(arrays, None) is None
    return reference.Network(layers, spec.recipe.cost)


def convolution_of(layer: ConvPool, kernel, bias) -> list[reference.ConvPool | reference.Pool]:
    """A convolution with its pooling; of activations, this is a layer of its own."""
    settings = {"stride": layer.stride, "padding": layer.padding, "groups": layer.groups}
    if layer.pooling == "max":
        settings |= {"pool": layer.pool, "pool_stride": layer.pool_stride}
        return [reference.ConvPool(kernel, bias, layer.activation, **settings)]
    conv = reference.ConvPool(kernel, bias, layer.activation, 1, **settings)
    return [conv, reference.Pool(layer.pooling, layer.pool, layer.step)]


def arrays_of(network: reference.Network) -> list[np.ndarray]:
    arrays = [array for layer in network.layers for array in (layer.w, layer.b)]
    return [array for array in arrays if array.size]  # pooling has none


def blocks_for(spec: ModelSpec, split: zoo.Split, epoch: int = 0) -> Blocks:
    recipe = spec.recipe
    seed = 7 if recipe.shuffle else None
    partial = recipe.partial_batch
    return Blocks(split, recipe.batch_size, shuffle_seed=seed, partial_batch=partial, epoch=epoch)


def batches(blocks: Blocks):
    """The mini-batches of an epoch as the oracle takes them: lists of (x, y)."""
    for index in range(len(blocks)):
        for images, labels in zip(*blocks[index], strict=True):
            yield [
                (image / 256, reference.one_hot(label))
                for image, label in zip(images, labels, strict=True)
            ]


def check_fit(spec: ModelSpec, steps: int, draw_masks=lambda size: None, tolerance=2e-5) -> None:
    """Train by `fit` and by the oracle; the changes of all weights and biases must be equal."""
    split = random_split(spec.recipe.images)
    model = zoo.build(spec, seed=3)
    start, oracle = oracle_of(model, spec), oracle_of(model, spec)
    off = DropoutOff(spec.recipe)
    model.fit(blocks_for(spec, split), epochs=spec.recipe.epochs, callbacks=off, verbose=0)

    recipe, taken = spec.recipe, 0
    for epoch in range(recipe.epochs):
        for batch in batches(blocks_for(spec, split, epoch)):
            masks = draw_masks(len(batch))
            if recipe.lambda_per == "image":
                oracle.step(batch, recipe.learning_rate, recipe.l2, len(split), masks)
            else:
                full = len(split) // recipe.batch_size
                oracle.step_network3(batch, recipe.learning_rate, recipe.l2, full, masks)
            taken += 1
    assert taken == steps == int(model.optimizer.iterations)
    for before, book, ours in zip(
        *map(arrays_of, (start, oracle, oracle_of(model, spec))), strict=True
    ):
        change = np.linalg.norm(book - before)
        rounding = 1e-7 * math.sqrt(steps) * np.linalg.norm(before)
        assert change > 100 * rounding  # else nothing is compared
        assert np.linalg.norm(ours - book) < tolerance * change + rounding


# --- costs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("cost", list(losses.COSTS))
def test_costs_and_output_errors_are_the_books(cost):
    generator = np.random.default_rng(1)
    z, digits = generator.normal(scale=3, size=(6, 10)), generator.integers(10, size=6)
    activation = "softmax" if cost == "log_likelihood" else "sigmoid"
    inputs = tf.constant(z, "float32")
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = keras.activations.get(activation)(inputs)
        value = losses.COSTS[cost]()(digits, outputs)

    book, errors = [], []
    for row, y in zip(z, map(reference.one_hot, digits), strict=True):
        a = reference.ACTIVATION[activation](row)
        book.append(reference.COST[cost](a, y))
        errors.append(reference.output_error(cost, activation, row, a, y))
    assert float(value) == pytest.approx(np.mean(book), rel=1e-6)
    # Keras takes the mean over the images, so each has a sixth of its error.
    np.testing.assert_allclose(tape.gradient(value, inputs), np.array(errors) / 6, atol=1e-7)


def test_costs_are_whole_multiples_of_keras_own():
    generator = np.random.default_rng(2)
    digits, outputs = generator.integers(10, size=6), generator.uniform(0.1, 0.9, size=(6, 10))
    targets = np.array([reference.one_hot(digit) for digit in digits])
    for ours, factor, keras_cost in (
        (losses.QuadraticCost, 5, keras.losses.MeanSquaredError),
        (losses.CrossEntropyCost, 10, keras.losses.BinaryCrossentropy),
    ):
        expected = factor * float(keras_cost()(targets, outputs))
        assert float(ours()(digits, outputs)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "mode", [{"run_eagerly": True}, {"jit_compile": False}, {"jit_compile": True}], ids=str
)
def test_a_saturated_neuron_learns_by_a_minus_y(mode):
    model = zoo.build(declare(FullyConnected(10)), seed=1)
    model.compile(keras.optimizers.SGD(1.0), losses.CrossEntropyCost(), **mode)
    z = np.float32([40, -40, 40, -40, 40, -40, 40, -40, 40, -40])
    images = random_split(1).images
    for label in (0, 1):  # one neuron right and surely so, one as surely wrong
        model.layers[-1].set_weights([np.zeros((784, 10)), z])
        split = zoo.Split(images, np.array([label]))
        model.fit(Blocks(split, batch_size=1), verbose=0)
        a_minus_y = np.float32(z > 0) - reference.one_hot(label)
        np.testing.assert_array_equal(model.layers[-1].bias, z - a_minus_y)


# --- steps ----------------------------------------------------------------------------------------

NETWORKS = {
    "quadratic": declare(
        FullyConnected(12), FullyConnected(10), cost="quadratic", learning_rate=3.0
    ),
    "cross_entropy": declare(FullyConnected(12, "tanh"), FullyConnected(10), l2=2.0),
    "log_likelihood": declare(
        FullyConnected(12, "relu"), Softmax(), cost="log_likelihood", learning_rate=0.03
    ),
    "convolutions": declare(
        ConvPool(3, "tanh"),
        ConvPool(4, "relu"),
        FullyConnected(6),
        Softmax(),
        cost="log_likelihood",
        learning_rate=0.1,
        l2=0.1,
        lambda_per="batch",
        initializer="fan_out_normal",
        shuffle=False,
    ),
    "strides, padding, groups": declare(
        ConvPool(4, "tanh", 5, 1, stride=2, padding=2),
        ConvPool(4, "relu", 3, 3, padding=1, groups=2, pool_stride=2),
        Softmax(),
        cost="log_likelihood",
        learning_rate=0.1,
    ),
    "pooled by mean, by l2": declare(
        ConvPool(3, "tanh", pooling="mean"),
        ConvPool(4, "relu", 4, 3, pooling="l2", pool_stride=2),
        Softmax(),
        cost="log_likelihood",
        learning_rate=0.02,
        l2=0.5,
    ),
    "partial batch used": declare(
        FullyConnected(8), FullyConnected(10), l2=2.0, images=23, batch_size=5
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_ten_steps_of_fit_are_ten_steps_of_the_book(name):
    check_fit(NETWORKS[name], steps=10)


def test_a_partial_batch_can_be_dropped():
    layers = (FullyConnected(8), FullyConnected(10))
    check_fit(declare(*layers, images=23, batch_size=5, partial_batch=False), steps=8)


@pytest.mark.parametrize("images", [1102, 1103])
def test_an_epoch_of_several_blocks_is_one_course_of_steps(images):
    spec = declare(FullyConnected(10), epochs=1, learning_rate=0.05, batch_size=2, images=images)
    assert len(blocks_for(spec, random_split(images))) == 2 + images % 2
    check_fit(spec, steps=math.ceil(images / 2), tolerance=1e-4)


@pytest.mark.parametrize("lambda_per", ["image", "batch"])
def test_one_step_shrinks_weights_by_lambda_over_images_or_over_batches(lambda_per):
    settings = {"epochs": 1, "batch_size": 5, "lambda_per": lambda_per, "images": 15}
    check_fit(declare(FullyConnected(6), FullyConnected(10), l2=3.0, **settings), steps=3)

    def after_one_step(**l2) -> list[np.ndarray]:
        spec = declare(FullyConnected(10), **settings, **l2)
        model = zoo.build(spec, seed=1)
        images, labels = random_split(5).images, random_split(5).labels
        model.train_on_batch(images, labels)
        return model.get_weights()

    kernel, bias = zoo.build(declare(FullyConnected(10)), seed=1).get_weights()
    (plain, plain_bias), (shrunk, shrunk_bias) = after_one_step(), after_one_step(l2=3.0)
    count = {"image": 15, "batch": 3}[lambda_per]
    np.testing.assert_allclose(plain - shrunk, 0.5 * 3.0 / count * kernel, atol=1e-7)
    np.testing.assert_array_equal(plain_bias, shrunk_bias)
    assert not np.array_equal(bias, plain_bias)


def test_lambda_per_batch_weighs_batch_size_times_as_much():
    recipes = [
        declare(FullyConnected(10), l2=0.7, lambda_per=per).recipe for per in ("image", "batch")
    ]
    image, batch = (float(regularizers.penalty(recipe).l2) for recipe in recipes)
    assert image == pytest.approx(0.7 / (2 * 20))
    assert batch == pytest.approx(4 * image)


# --- initial weights ------------------------------------------------------------------------------

# Deviations for 200 inputs of a convolution with 64 filters, and 1,024 of 2,000 dense neurons.
DEVIATIONS = {
    "unit_normal": (1, 1),
    "lecun_normal": (1 / math.sqrt(200), 1 / math.sqrt(1024)),
    "fan_out_normal": (1 / math.sqrt(64 * 5 * 5 / 4), 1 / math.sqrt(2000)),
    "he_normal": (math.sqrt(2 / 200), math.sqrt(2 / 1024)),
}


def check_normal(values: np.ndarray, deviation: float) -> None:
    """Four standard errors for the mean, the deviation, and the share within one deviation."""
    n = values.size
    assert abs(values.mean()) <= 4 * deviation / math.sqrt(n)
    assert abs(values.std() - deviation) <= 4 * deviation / math.sqrt(2 * n)
    if deviation:
        within = np.mean(np.abs(values) < deviation)
        assert abs(within - 0.6827) < 4 * math.sqrt(0.6827 * 0.3173 / n)


@pytest.mark.parametrize("initializer", DEVIATIONS)
def test_initial_weights_are_normal_with_the_recipes_deviation(initializer):
    layers = (ConvPool(8), ConvPool(64), FullyConnected(2000), Softmax())
    model = zoo.build(declare(*layers, cost="log_likelihood", initializer=initializer), seed=1)
    conv, dense, softmax = (model.get_layer(name) for name in ("conv_2", "dense_1", "softmax_1"))
    for layer, deviation in zip((conv, dense), DEVIATIONS[initializer], strict=True):
        check_normal(np.asarray(layer.kernel), deviation)
        check_normal(np.asarray(layer.bias), 0 if initializer == "he_normal" else 1)
    assert not np.any(softmax.kernel)
    assert not np.any(softmax.bias)


def test_one_seed_gives_every_layer_numbers_of_its_own_and_every_model_the_same():
    member = (ConvPool(10, kernel=5), FullyConnected(10, dropout=0.5), FullyConnected(10))
    recipe = declare(*member, initializer="unit_normal").recipe
    spec = EnsembleSpec("small", ((*member, FullyConnected(10)),) * 2, recipe)
    first, again, other = ([*zoo.build(spec, seed=seed).weights] for seed in (1, 1, 2))
    for one, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, same)
    drawn = [np.ravel(v)[:10] for v in (*first, *other) if "kernel" in v.path or "bias" in v.path]
    assert len(drawn) == 2 * 2 * 8
    for one, another in combinations(drawn, 2):
        assert not np.isclose(one, another, rtol=1e-4).all()


def test_without_a_seed_weights_are_drawn_afresh():
    one, another = (zoo.build(declare(FullyConnected(10))).get_weights()[0] for _ in range(2))
    assert not np.array_equal(one, another)


# --- dropout --------------------------------------------------------------------------------------


def test_dropout_masks_in_training_and_scales_in_use():
    layer = dropout.BookDropout(0.3, seed=1)
    inputs = np.full((100, 200), 5, "float32")
    one, another = (np.asarray(layer(inputs, training=True)) for _ in range(2))
    assert set(np.unique(one)) == {0, 5}  # kept as they are, not divided by 0.7
    assert not np.array_equal(one, another)
    dropped = np.mean(one == 0)
    assert abs(dropped - 0.3) < 4 * math.sqrt(0.3 * 0.7 / one.size)
    np.testing.assert_allclose(layer(inputs), 0.7 * inputs, rtol=1e-6)


def test_keras_own_dropout_is_the_same_with_weights_one_minus_p_times_the_books():
    generator = np.random.default_rng(1)
    inputs, weights = generator.random((5, 40)), generator.normal(size=(40, 10))
    book = dropout.BookDropout(0.3)(inputs) @ weights
    np.testing.assert_allclose(
        keras.layers.Dropout(0.3)(inputs, training=False) @ (0.7 * weights), book, rtol=1e-5
    )


DROPOUT = declare(
    ConvPool(2, "tanh", kernel=9, pool=5),
    FullyConnected(30, "tanh", dropout=0.25),
    Softmax(dropout=0.5),
    cost="log_likelihood",
    learning_rate=0.1,
)


def masks_of(twin: keras.Model):
    """Draws a mini-batch's masks for `DROPOUT`: layers of the same seeds draw the same ones."""

    def draw_masks(size: int):
        drawn = [
            np.asarray(twin.get_layer(name)(np.ones((size, inputs)), training=True)).reshape(shape)
            for name, inputs, shape in (
                ("dropout_1", 32, (size, 4, 4, 2)),
                ("dropout_2", 30, (size, 30)),
            )
        ]
        return [[1, *masks] for masks in zip(*drawn, strict=True)]

    return draw_masks


def test_ten_steps_with_dropout_are_the_books_with_the_same_masks():
    check_fit(DROPOUT, steps=10, draw_masks=masks_of(zoo.build(DROPOUT, seed=3)))


def test_in_epochs_without_dropout_inputs_are_multiplied_by_one_minus_p_as_in_use():
    spec = DROPOUT.with_settings(dropout_off_epochs=1)
    first_epoch = masks_of(zoo.build(DROPOUT, seed=3))
    masks = [first_epoch] * 5 + [lambda size: [[1, 0.75, 0.5]] * size] * 5
    check_fit(spec, steps=10, draw_masks=lambda size: masks.pop(0)(size))


def test_after_epochs_without_it_a_model_trains_with_dropout_again(bars):
    model = zoo.train(
        DROPOUT.with_settings(dropout_off_epochs=1), bars, epochs=1, progress=False
    ).model
    inputs = np.ones((9, 32), "float32")
    assert np.any(model.get_layer("dropout_1")(inputs, training=True) == 0)


DROPCONNECT = declare(
    ConvPool(2, "tanh", kernel=9, pool=5),
    FullyConnected(30, "tanh", dropconnect=0.25),
    FullyConnected(10, "sigmoid", dropconnect=0.5),
    learning_rate=0.1,
)


def kept_weights_of(twin: keras.Model):
    """Draws a mini-batch's masks for `DROPCONNECT`, as the oracle has them: a row a neuron."""

    def draw_masks(size: int):
        drawn = [twin.get_layer(name).masks(size) for name in ("dense_1", "dense_2")]
        drawn = [np.moveaxis(np.asarray(masks, "float64"), 1, 2) for masks in drawn]
        return [[1, *masks] for masks in zip(*drawn, strict=True)]

    return draw_masks


def test_ten_steps_with_dropconnect_are_the_oracles_with_the_same_masks():
    check_fit(DROPCONNECT, steps=10, draw_masks=kept_weights_of(zoo.build(DROPCONNECT, seed=3)))


def test_every_image_drops_weights_of_its_own():
    layer = dropout.DropConnect(50, 0.3, seed=1)
    layer.build((None, 40))
    one, another = (np.asarray(layer.masks(20)) for _ in range(2))
    assert one.shape == (20, 41, 50)
    assert not np.array_equal(one, another)
    assert not np.array_equal(one[0], one[1])
    assert abs(np.mean(~one) - 0.3) < 4 * math.sqrt(0.3 * 0.7 / one.size)


@pytest.mark.parametrize("spec", [DROPCONNECT, NETWORKS["pooled by mean, by l2"]], ids=["a", "b"])
def test_in_use_other_layers_are_the_oracles_feedforward(spec):
    model = zoo.build(spec, seed=5)
    split = random_split(2)
    book = [oracle_of(model, spec).feedforward(image / 256) for image in split.images]
    np.testing.assert_allclose(model.predict(split.images, verbose=0), book, atol=1e-6)


def test_the_l2_of_a_region_without_activity_has_no_slope():
    from zoo.nn.pooling import L2Pooling2D

    inputs = tf.constant([[[[3.0], [0]], [[4], [0]]], [[[0], [0]], [[0], [0]]]])
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        pooled = L2Pooling2D(2, 2)(inputs)
    np.testing.assert_allclose(np.ravel(pooled), [5, 0], rtol=1e-6)
    slopes = [0.6, 0, 0.8, 0, 0, 0, 0, 0]
    np.testing.assert_allclose(np.ravel(tape.gradient(pooled, inputs)), slopes, rtol=1e-6)


def test_in_use_the_whole_model_is_the_oracles_feedforward():
    model = zoo.build(DROPOUT, seed=5)
    model.get_layer("softmax_1").kernel.assign(np.random.default_rng(1).normal(size=(30, 10)))
    split = random_split(4)
    oracle = oracle_of(model, DROPOUT)
    book = [oracle.feedforward(image / 256) for image in split.images]
    np.testing.assert_allclose(model.predict(split.images, verbose=0), book, atol=1e-6)


# --- pixels, convolutions, votes ------------------------------------------------------------------


def test_pixels_are_bytes_divided_by_256():
    scale = zoo.build(declare(FullyConnected(10)), seed=1).get_layer("scale_pixels")
    scaled = np.asarray(scale(np.arange(256, dtype=np.uint8)))
    assert scaled[255] == 0.99609375
    np.testing.assert_array_equal(scaled, np.arange(256) / 256)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "linear"])
@pytest.mark.parametrize(("kernel", "pool"), [(5, 2), (4, 3)])  # (4, 3) leaves a border unpooled
def test_a_convolution_is_the_books_pooled_before_bias_and_activation(activation, kernel, pool):
    spec = declare(ConvPool(2, activation, kernel, pool), Softmax(), cost="log_likelihood")
    model = zoo.build(spec, seed=1)
    conv = keras.Model(model.input, model.get_layer("activation_1").output)
    (layer, _) = oracle_of(model, spec).layers
    (image,) = random_split(1).images
    book = reference.ACTIVATION[activation](layer.weighted_input(image / 256))
    np.testing.assert_allclose(conv(image[None])[0], book, rtol=1e-5, atol=1e-6)


def test_a_convolution_may_have_fewer_weights_than_it_pools():
    layers = (ConvPool(1, kernel=1), Softmax())
    model = zoo.build(declare(*layers, cost="log_likelihood", initializer="fan_out_normal"), seed=1)
    assert model.get_layer("pool_1").output.shape == (None, 14, 14, 1)


def outputs_of(*rows: dict[int, float]) -> list[np.ndarray]:
    """What each member of a vote puts out for one image: the digits told, and 0 for the others."""
    return [np.float32([[row.get(digit, 0) for digit in range(10)]]) for row in rows]


SPLIT_VOTE = outputs_of({7: 0.6, 3: 0.4}, {7: 0.5, 3: 0.3, 1: 0.2}, {3: 0.9, 7: 0.1})


def test_the_plurality_wins_whatever_the_probabilities_say():
    votes, probabilities = map(np.asarray, voting.Tally().count(SPLIT_VOTE))
    np.testing.assert_allclose(votes[0, [3, 7]], [1 / 3, 2 / 3], rtol=1e-6)
    np.testing.assert_allclose(probabilities[0, [1, 3, 7]], [0.2 / 3, 1.6 / 3, 1.2 / 3], rtol=1e-6)
    assert np.argmax(voting.Tally()(SPLIT_VOTE)) == 7
    assert np.argmax(voting.Tally("mean")(SPLIT_VOTE)) == 3
    np.testing.assert_allclose(np.sum(voting.Tally()(SPLIT_VOTE)), 1, rtol=1e-6)


def test_weights_make_a_member_count_for_more():
    votes, probabilities = map(np.asarray, voting.Tally(weights=[1, 1, 3]).count(SPLIT_VOTE))
    np.testing.assert_allclose(votes[0, [3, 7]], [3 / 5, 2 / 5], rtol=1e-6)
    np.testing.assert_allclose(probabilities[0, 3], (0.4 + 0.3 + 2.7) / 5, rtol=1e-6)


def test_ties_go_to_the_digit_with_the_higher_mean_probability():
    tied = outputs_of({2: 0.6, 8: 0.4}, {2: 0.1, 8: 0.9}, {5: 1.0})
    assert np.argmax(voting.Tally()(tied)) == 8  # 2 and 5 came first


def test_the_larger_share_wins_however_sure_the_others_are():
    torn = outputs_of({3: 0.11, **dict.fromkeys((0, 1, 2, 4, 5, 6, 7, 8), 0.1)}, {7: 1.0})
    assert np.argmax(voting.Tally(weights=[0.9956, 0.9951])(torn)) == 3  # 0.50013 to 0.49987
    assert np.argmax(voting.Tally(weights=[0.9951, 0.9956])(torn)) == 7
    assert np.argmax(voting.Tally(weights=[0.9, 0.9])(torn)) == 7  # a tie
    assert np.argmax(voting.Tally(weights=[1e38, 1e38])(torn)) == 7


def test_sigmoid_outputs_vote_as_probabilities():
    outputs = outputs_of({4: 0.9, 6: 0.9, 1: 0.2}, {6: 0.5})
    _, probabilities = map(np.asarray, voting.Tally("mean").count(outputs))
    np.testing.assert_allclose(probabilities[0, [4, 6]], [0.225, 0.725], rtol=1e-6)


# --- the order of the images ----------------------------------------------------------------------


def numbered(count: int) -> zoo.Split:
    """Images whose first two pixels tell their place in the set."""
    images = np.zeros((count, 28, 28, 1), np.uint8)
    images[:, 0, 0, 0], images[:, 0, 1, 0] = np.divmod(np.arange(count), 256)
    return zoo.Split(images, np.arange(count) % 10)


def order(blocks: Blocks) -> list[int]:
    """The places in the set of all images of one epoch, announced to `blocks` as Keras does it."""
    places = []
    for images, labels in (blocks[index] for index in range(len(blocks))):
        found = 256 * images[..., 0, 0, 0].astype(int) + images[..., 0, 1, 0]
        np.testing.assert_array_equal(labels, found % 10)
        places += found.ravel().tolist()
    blocks.next_epoch()
    return places


def test_without_a_seed_every_epoch_has_the_order_of_the_set():
    for partial_batch, seen in ((True, 1203), (False, 1202)):
        blocks = Blocks(numbered(1203), 2, partial_batch=partial_batch)
        assert [order(blocks) for _ in range(2)] == [list(range(seen))] * 2


def test_with_a_seed_every_epoch_has_each_image_once_in_an_order_of_its_own():
    split = numbered(1203)
    blocks = Blocks(split, 2, shuffle_seed=5)
    epochs = [order(blocks) for _ in range(3)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(1203))] * 3
    assert len({tuple(epoch) for epoch in (range(1203), *epochs)}) == 4
    resumed = Blocks(split, 2, shuffle_seed=5, epoch=1)
    assert [order(resumed) for _ in range(2)] == epochs[1:]
    assert order(Blocks(split, 2, shuffle_seed=6)) != epochs[0]
