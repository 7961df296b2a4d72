"""Convolutions as matrix products: the same steps as Keras' own layers and as the book's."""

from __future__ import annotations

import os
import re
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import children, reference
from tests.paths import ROOT
from zoo.nn import batching, step_choice
from zoo.nn.batching import Blocks
from zoo.nn.conv_lowering import lowered
from zoo.nn.matrix_products import conv_pool, dense, first_conv_pool
from zoo.nn.step_choice import choose, worth_xla
from zoo.spec import ConvPool, FullyConnected, ModelSpec, Recipe, Softmax
from zoo.training.callbacks import DropoutOff

NEVER, ALWAYS = 10**12, 1


def declare(*layers, **settings) -> ModelSpec:
    recipe = {"cost": "log_likelihood", "epochs": 1, "learning_rate": 0.03, "images": 100}
    return ModelSpec("small", layers, Recipe(**{**recipe, **settings}))


# Height, width and channels of the input, filters, kernel, pool.
LAYERS = [
    ((28, 28, 1), 4, 5, 2),
    ((13, 9, 3), 2, 4, 3),  # leaves a row and a column that are pooled nowhere
    ((7, 8, 2), 3, 1, 2),
    ((6, 5, 2), 1, 3, 1),
]


def arrays_of(shape, filters, kernel):
    """Five images, and the weights of a layer; some of the images' pixels are equal."""
    generator = np.random.default_rng(1)
    images = generator.integers(0, 4, (5, *shape)).astype("float32")
    return images, generator.normal(size=(kernel, kernel, shape[-1], filters)).astype("float32")


def as_products(form, images, w, pool):
    """`form` with the images in Keras' order, [n, height, width, channels]."""
    z = form(tf.transpose(images, (3, 1, 2, 0)), w, pool)
    return tf.transpose(z, (3, 1, 2, 0))


def by_keras(images, w, pool):
    z = keras.ops.conv(images, w, padding="valid")
    return keras.ops.max_pool(z, pool, pool, padding="valid")


# --- one layer ------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [conv_pool, first_conv_pool])
@pytest.mark.parametrize(("shape", "filters", "kernel", "pool"), LAYERS)
def test_a_layer_is_the_oracles(form, shape, filters, kernel, pool):
    images, w = arrays_of(shape, filters, kernel)
    z = as_products(form, tf.constant(images), tf.constant(w), pool).numpy()
    kernels = np.float64(np.moveaxis(w, -1, 0))
    layer = reference.ConvPool(kernels, np.zeros(filters), pool=pool)
    for ours, image in zip(z, images, strict=True):
        np.testing.assert_allclose(ours, layer.weighted_input(image), atol=1e-5)


@pytest.mark.parametrize("form", [conv_pool, first_conv_pool])
@pytest.mark.parametrize(("shape", "filters", "kernel", "pool"), LAYERS)
def test_its_gradients_are_those_of_keras_layers(form, shape, filters, kernel, pool):
    images, w = map(tf.constant, arrays_of(shape, filters, kernel))
    gradients = []
    for layer in (lambda a, w: as_products(form, a, w, pool), lambda a, w: by_keras(a, w, pool)):
        with tf.GradientTape() as tape:
            tape.watch([images, w])
            z = layer(images, w)
            cost = tf.reduce_sum(
                z * tf.cos(tf.reshape(tf.range(tf.size(z), dtype="float32"), z.shape))
            )
        gradients.append(tape.gradient(cost, [images, w]))
    for ours, theirs in zip(*gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5 * float(tf.reduce_max(abs(theirs))))


def test_the_gradient_of_equal_inputs_goes_to_the_first_of_a_pool():
    images, w = tf.ones((1, 4, 4, 1)), tf.ones((1, 1, 1, 1))
    for form in (conv_pool, first_conv_pool):
        with tf.GradientTape() as tape:
            tape.watch(images)
            z = as_products(form, images, w, 2)
        firsts = np.zeros((4, 4))
        firsts[::2, ::2] = 1
        np.testing.assert_array_equal(tape.gradient(z, images)[0, ..., 0], firsts)


def copies_in_a_loop_of_steps(product) -> int:
    """How often XLA's program for steps of descent copies the weights of a layer, [7, 5]."""

    def step(index, first, second):
        with tf.GradientTape() as tape:
            tape.watch([first, second])
            cost = tf.reduce_sum(product(tf.tanh(product(tf.ones((3, 6)), first)), second))
        d_first, d_second = tape.gradient(cost, [first, second])
        return index + 1, first - d_first, second - d_second

    @tf.function(jit_compile=True, autograph=False)
    def descend(first, second):
        return tf.while_loop(lambda index, *_: index < 9, step, [0, first, second])

    program = descend.experimental_get_compiler_ir(tf.ones((6, 7)), tf.ones((7, 5)))
    steps, _ = program(stage="optimized_hlo").split("ENTRY")
    return len(re.findall(r"f32\[7,5\]\S* copy\(", steps))


def test_no_step_copies_the_weights_of_a_dense_layer():
    assert copies_in_a_loop_of_steps(tf.matmul)  # its update may overtake the other gradient
    assert not copies_in_a_loop_of_steps(dense)


# --- whole networks -------------------------------------------------------------------------------


def fit(spec, split, monkeypatch, worth) -> dict[str, np.ndarray]:
    """All that training leaves: weights, momentum, states of generators, and the history."""
    monkeypatch.setattr(step_choice, "WORTH_COMPILING", worth)
    model, recipe = zoo.build(spec, seed=1), spec.recipe
    last = model.layers[
        -1
    ].kernel  # zero at first, so that one step would leave the others as they are
    last.assign(np.random.default_rng(1).normal(0, 0.1, last.shape))
    blocks = Blocks(split, recipe.batch_size, shuffle_seed=1)
    history = model.fit(
        blocks, epochs=recipe.epochs, callbacks=DropoutOff(recipe), verbose=0
    ).history
    assert (model.program is not None) == (worth == ALWAYS)
    variables = [*model.variables, *model.optimizer.variables]
    arrays = {variable.path: keras.ops.convert_to_numpy(variable) for variable in variables}
    return {**arrays, **{name: np.array(values) for name, values in history.items()}}


def check_equal(spec, split, monkeypatch, tolerance) -> None:
    theirs, ours = (fit(spec, split, monkeypatch, worth) for worth in (NEVER, ALWAYS))
    start = {variable.path: np.array(variable) for variable in zoo.build(spec, seed=1).weights}
    for name, array in theirs.items():
        # Beside the tolerance, the last bit of numbers beyond 1, which initial biases may be.
        np.testing.assert_allclose(ours[name], array, rtol=2e-7, atol=tolerance, err_msg=name)
        if name in start:
            assert np.abs(array - start[name]).max() > 1e-5, f"{name} has not learned"


def test_ten_steps_of_conv2_relu_are_those_of_onednn(mnist, monkeypatch):
    spec = zoo.get_spec("conv2_relu").with_settings(epochs=1, images=100)
    check_equal(spec, mnist.train.take(100), monkeypatch, tolerance=1e-7)


@pytest.mark.integration
def test_a_step_of_the_dropout_network_is_that_of_onednn_with_the_same_masks(mnist, monkeypatch):
    spec = zoo.get_spec("conv2_relu_dropout").with_settings(epochs=1, images=10)
    check_equal(spec, mnist.train.take(10), monkeypatch, tolerance=1e-8)


EVERYTHING = declare(
    ConvPool(3, "tanh", kernel=4, pool=3),  # leaves a border that is pooled nowhere
    ConvPool(4, "sigmoid", kernel=3),
    FullyConnected(12, "relu", dropout=0.25),
    Softmax(dropout=0.5),
    epochs=2,
    dropout_off_epochs=1,
    images=113,  # the second block has fewer batches, the last one batch of three
    batch_size=5,
    momentum=0.9,
    nesterov=True,
    schedule="one_cycle",
    l1=0.01,
    l2=0.01,
    label_smoothing=0.1,
)


@pytest.mark.integration
def test_every_setting_of_a_recipe_is_kept_and_an_uneven_epoch_too(mnist, monkeypatch):
    monkeypatch.setattr(batching, "BATCHES_PER_BLOCK", 15)
    split = mnist.train.take(113)
    sizes = [images.shape[:2] for images, _ in Blocks(split, 5)]
    assert sizes == [(11, 5), (11, 5), (1, 3)]
    check_equal(EVERYTHING, split, monkeypatch, tolerance=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    "layers",
    [
        (
            ConvPool(3, "relu", kernel=3),
            ConvPool(4, kernel=3),
            ConvPool(5, "tanh", kernel=2),
        ),
        (ConvPool(6, "linear", kernel=1, pool=4), FullyConnected(9)),
        (ConvPool(30, "tanh", kernel=9), ConvPool(2, kernel=7), FullyConnected(9)),
    ],
    ids=str,
)
def test_other_declarations_take_the_same_steps(layers, mnist, monkeypatch):
    check_equal(declare(*layers, Softmax()), mnist.train.take(100), monkeypatch, tolerance=1e-6)


@pytest.mark.integration
def test_an_interrupted_run_goes_on_and_ends_bit_by_bit_the_same(bars, tmp_path, monkeypatch):
    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    monkeypatch.setattr(step_choice, "WORTH_COMPILING", 3 * 200)
    layers = ConvPool(2, "relu"), FullyConnected(9, dropout=0.5), Softmax()
    spec = declare(*layers, epochs=3, images=200)
    data, settings = bars.take(200), {"seed": 1, "progress": False}
    unbroken = zoo.train(spec, data, **settings)
    with pytest.raises(KeyboardInterrupt):
        zoo.train(spec, data, out=tmp_path, callbacks=[Interrupt()], **settings)
    resumed = zoo.train(spec, data, out=tmp_path, **settings)
    assert unbroken.model.program
    assert resumed.model.program
    assert len(resumed.history) == 3
    for one, same in zip(unbroken.model.weights, resumed.model.weights, strict=True):
        np.testing.assert_array_equal(one, same)


# --- the choice -----------------------------------------------------------------------------------

LARGE = {"images": 10**6, "batches": 500, "size": 10}


def test_every_convolutional_network_of_the_registry_is_lowered_where_it_pays():
    for name in zoo.list_models():
        spec = zoo.get_spec(name)
        if not isinstance(spec, ModelSpec) or spec.parameters > 10**6:
            continue  # the book's own are all smaller
        model = zoo.build(spec)
        convolutional = isinstance(spec.layers[0], ConvPool) and all(
            layer.is_plain if isinstance(layer, ConvPool) else not getattr(layer, "dropconnect", 0)
            for layer in spec.layers
        )
        exact = spec.recipe.precision == "float32"
        assert (choose(model, **LARGE) is not None) == (convolutional and exact), name
        assert choose(model, **{**LARGE, "images": step_choice.WORTH_COMPILING - 1}) is None


def chain(scale=True, conv=(), pool=(), activation="relu", head=(), units=()) -> keras.Model:
    """A network of one ConvPool and one dense layer, made of Keras' layers with other settings."""
    layers = [keras.layers.Rescaling(1 / 256)] if scale else []
    layers += [
        keras.layers.Conv2D(**{"filters": 2, "kernel_size": 3, **dict(conv)}),
        keras.layers.MaxPooling2D(**{"pool_size": 2, **dict(pool)}),
        keras.layers.Activation(activation),
        *head,
        keras.layers.Flatten(),
        keras.layers.Dense(**{"units": 10, **dict(units)}),
    ]
    return keras.Sequential([keras.Input((12, 10, 3)), *layers])


def test_networks_of_other_layers_are_left_to_keras():
    assert lowered(chain())
    for settings in (
        {"scale": False},
        {"conv": {"strides": 2}},
        {"conv": {"padding": "same"}},
        {"conv": {"kernel_size": (3, 2)}},
        {"conv": {"dilation_rate": 2}},
        {"conv": {"activation": "relu"}},
        {"conv": {"use_bias": False}},
        {"conv": {"activity_regularizer": "l2"}},
        {"pool": {"strides": 1}},
        {"pool": {"pool_size": (2, 1)}},
        {"pool": {"padding": "same"}},
        {"activation": "softmax"},
        {"head": [keras.layers.Dropout(0.5)]},
        {"units": {"dtype": "mixed_bfloat16"}},
    ):
        assert lowered(chain(**settings)) is None, settings


def test_convolutions_without_pooling_are_left_to_onednn():
    # By products 32 filters of 3 x 3 took 1.07 times as long, and the seconds of compiling.
    layers = ConvPool(2, "relu", pool=1), ConvPool(2, "relu"), Softmax()
    assert choose(zoo.build(declare(*layers)), **LARGE) is None


def test_networks_that_branch_are_left_to_keras():
    inputs = keras.Input((4,))
    twice = keras.layers.add([keras.layers.Dense(3)(inputs), keras.layers.Dense(3)(inputs)])
    assert lowered(keras.Model(inputs, twice)) is None
    assert lowered(keras.Model(inputs, keras.layers.Dense(3)(inputs))) is None


def test_a_model_that_another_one_shares_layers_with_is_lowered_all_the_same():
    model = zoo.build("conv1")
    model(keras.Input((28, 28, 1), dtype="uint8"))
    assert lowered(model)


def test_training_that_is_eager_or_xlas_already_is_left_to_keras():
    for settings in ({"run_eagerly": True}, {"jit_compile": True}):
        model = zoo.build("conv1")
        model.compile("sgd", "sparse_categorical_crossentropy", **settings)
        assert choose(model, **LARGE) is None


def stand_in_the_way(obstacle, monkeypatch) -> None:
    monkeypatch.setattr(step_choice, "_said", set())
    if obstacle == "TF_XLA_FLAGS":
        monkeypatch.setenv("TF_XLA_FLAGS", "--tf_xla_auto_jit=2")
    elif obstacle == "AVX2":
        monkeypatch.setitem(np._core._multiarray_umath.__cpu_features__, "AVX2", False)


@pytest.mark.parametrize("obstacle", ["TF_XLA_FLAGS", "AVX2", "memory"])
def test_what_forbids_the_program_is_said_once(obstacle, monkeypatch):
    stand_in_the_way(obstacle, monkeypatch)
    model = zoo.build("conv1")
    asked = {**LARGE, "size": 10**8} if obstacle == "memory" else LARGE
    with pytest.warns(UserWarning, match=f"{obstacle}.*: training uses oneDNN's convolutions"):
        assert choose(model, **asked) is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert choose(model, **asked) is None


@pytest.mark.parametrize("obstacle", ["TF_XLA_FLAGS", "AVX2"])
def test_what_forbids_xla_is_said_once_for_dense_networks_too(obstacle, monkeypatch):
    stand_in_the_way(obstacle, monkeypatch)
    assert not worth_xla(step_choice.WORTH_XLA - 1)  # nothing is lost, and nothing said
    with pytest.warns(UserWarning, match=f"{obstacle}.*: training does without XLA"):
        assert not worth_xla(step_choice.WORTH_XLA)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not worth_xla(step_choice.WORTH_XLA)


def test_a_dense_network_trains_where_xla_is_forbidden(bars, monkeypatch):
    stand_in_the_way("TF_XLA_FLAGS", monkeypatch)
    monkeypatch.setattr(step_choice, "WORTH_XLA", 1)
    model, split = zoo.build("mlp30", seed=1), bars.train.take(60)
    with pytest.warns(UserWarning, match="TF_XLA_FLAGS is set: training does without XLA"):
        history = model.fit(Blocks(split, 10), epochs=8, verbose=0).history
    assert history["accuracy"][-1] > history["accuracy"][0]
    assert model.jit_compile  # what was asked for stays, for a machine that can


THREADS = """
import numpy, sys, zoo
from zoo.nn import step_choice
from zoo.nn.batching import Blocks
from tests.conftest import _bars

step_choice.WORTH_COMPILING = 1
model = zoo.build("conv2_relu", seed=1)
model.fit(Blocks(_bars(100, seed=0), 10, shuffle_seed=1), verbose=0)
assert model.program
numpy.save(sys.argv[1], numpy.concatenate([w.ravel() for w in model.get_weights()]))
"""


@pytest.mark.integration
def test_one_thread_and_many_take_the_same_steps(tmp_path):
    for threads in ("1", "4"):
        names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
        environment = {**os.environ, **dict.fromkeys(names, threads), "PYTHONPATH": str(ROOT)}
        done = children.run(["-c", THREADS, str(tmp_path / threads)], env=environment)
        assert done.returncode == 0, done.stderr
    one, many = (np.load(tmp_path / f"{threads}.npy") for threads in ("1", "4"))
    np.testing.assert_allclose(many, one, atol=1e-6)
