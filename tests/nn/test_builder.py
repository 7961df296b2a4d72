"""Every network of the registry, as Keras builds it."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
from tests.distinct import one_of_each
from zoo.nn.batching import Blocks
from zoo.nn.builder import add_layer, build_model
from zoo.nn.voting import members
from zoo.pretrained.forward import count_votes
from zoo.registry import get_spec, list_models

IMAGES = np.random.default_rng(0).integers(0, 256, (10, 28, 28, 1), dtype=np.uint8)
LABELS = np.arange(10, dtype=np.int32)


# ksh2012 has 61 million weights: tests/test_ksh2012.py.
BUILT = list_models(exclude="ksh2012")


@pytest.fixture(scope="module", params=one_of_each(BUILT))
def spec(request):
    return get_spec(request.param)


@pytest.fixture(scope="module")
def model(spec):
    """The network, built once for all tests that only look at it."""
    return zoo.build(spec, seed=0)


def test_it_takes_bytes_and_gives_ten_numbers_between_0_and_1(spec, model):
    assert model.input_shape == (None, 28, 28, 1)
    assert model.inputs[0].dtype == "uint8"
    outputs = np.asarray(model(IMAGES))
    assert outputs.shape == (10, 10)
    assert outputs.min() >= 0
    assert outputs.max() <= 1
    if spec.recipe.cost == "log_likelihood":
        np.testing.assert_allclose(outputs.sum(axis=1), 1, atol=1e-5)


def test_keras_counts_the_parameters_that_the_spec_counts(spec, model):
    assert model.count_params() == spec.parameters
    for layer, shape, _ in spec.walk():
        assert any(built.output.shape[1:] == shape for built in model.layers), layer


@pytest.mark.integration
@pytest.mark.parametrize("name", one_of_each(BUILT))
def test_training_moves_every_weight(name):
    spec = get_spec(name)
    if spec.members:
        pytest.skip("an ensemble is trained member by member: tests/training/test_train.py")
    # A softmax layer starts at zero and passes no error back: only the second step reaches below,
    # and through several layers of sigmoids a small one would be lost in rounding.
    model = zoo.build(spec.with_settings(images=10, learning_rate=1.0), seed=0)
    before = [weight.copy() for weight in model.get_weights()]
    model.fit(IMAGES, LABELS, batch_size=10, epochs=3, verbose=0)
    for weight, old, new in zip(model.weights, before, model.get_weights(), strict=True):
        assert not np.array_equal(old, new), f"{weight.path} did not move"
        assert np.isfinite(new).all()


def test_it_is_compiled_with_its_recipe(spec, model):
    if spec.recipe.schedule != "one_cycle":
        assert float(model.optimizer.learning_rate) == pytest.approx(spec.recipe.learning_rate)
    named = {"quadratic": "QuadraticCost", "cross_entropy": "CrossEntropyCost"}
    assert type(model.loss).__name__ == named.get(spec.recipe.cost, "LogLikelihoodCost")
    assert bool(model.losses) == (spec.recipe.l2 > 0)


def test_only_weights_are_penalized_never_biases():
    model = zoo.build("conv2_relu")
    penalized = [layer for layer in model.layers if getattr(layer, "kernel_regularizer", None)]
    assert [layer.name for layer in penalized] == ["conv_1", "conv_2", "dense_1", "softmax_1"]
    assert all(layer.bias_regularizer is None for layer in penalized)


def test_dense_networks_are_compiled_by_xla_and_convolutions_are_not():
    assert zoo.build("mlp30").jit_compile is True
    assert zoo.build("conv1").jit_compile is False


def test_xla_compiles_a_run_of_many_images_alone_and_the_steps_are_the_same(bars, monkeypatch):
    used, weights = [], []
    seen = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: used.append(model.jit_compile)
    )
    blocks = Blocks(bars.take(100).train, 10, shuffle_seed=None)
    for worth in (201, 200):
        monkeypatch.setattr("zoo.nn.step_choice.WORTH_XLA", worth)
        model = zoo.build("mlp30", seed=1)
        seen.set_model(model)
        model.fit(blocks, epochs=2, callbacks=[seen], verbose=0)
        assert model.jit_compile is True, "as it was compiled"
        weights.append(model.get_weights())
    assert used == [False, True]
    for one, same in zip(*weights, strict=True):
        np.testing.assert_allclose(one, same, atol=1e-5)


def test_the_members_of_a_vote_start_apart():
    model = zoo.build("conv2_relu_dropout_x5", seed=0)
    kernels = [model.get_layer(f"member_{number}_conv_1").kernel for number in range(1, 6)]
    assert len({kernel.numpy().tobytes() for kernel in kernels}) == 5


def test_votes_are_counted_and_the_plurality_wins():
    member = (zoo.Softmax(),)
    spec = zoo.EnsembleSpec("vote", (member,) * 3, get_spec("shallow").recipe)
    model = zoo.build(spec)
    for number, digit in enumerate((7, 3, 7), start=1):
        bias = np.zeros(10)
        bias[digit] = 5
        model.get_layer(f"member_{number}_softmax_1").bias.assign(bias)
    shares = model.predict(IMAGES[:1], verbose=0)[0]
    np.testing.assert_allclose(shares[[3, 7]], [1 / 3, 2 / 3], atol=1e-3)
    assert shares.argmax() == 7


TANH = (zoo.FullyConnected(10, "tanh"),)


@pytest.mark.parametrize("rule", ["plurality", "mean"])
def test_outputs_below_0_outweigh_no_majority(rule):
    recipe = zoo.Recipe(cost="quadratic", epochs=1, learning_rate=0.1, signed=True)
    model = zoo.build(zoo.EnsembleSpec("vote", (TANH,) * 3, recipe, rule=rule), seed=1)
    outputs = np.array([member.predict(IMAGES, verbose=0) for member in members(model)])
    assert outputs.min() < 0
    answers = model.predict(IMAGES, verbose=0)
    assert answers.min() >= 0
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=2e-3)
    votes, probabilities = count_votes((), outputs)
    if rule == "mean":
        np.testing.assert_allclose(answers, probabilities, atol=1e-6)
        return
    majority = votes.max(axis=1) > 0.5
    assert majority.any()
    assert (answers.argmax(axis=1) == votes.argmax(axis=1))[majority].all()


def test_a_vote_of_keras_models_knows_whose_outputs_may_be_below_0():
    def ending(activation):
        layers = [keras.layers.Flatten(), keras.layers.Dense(10, activation)]
        return keras.Sequential(
            [keras.Input((28, 28, 1)), keras.layers.Rescaling(1 / 255), *layers]
        )

    for activation, signed in (
        ("softmax", False),
        ("sigmoid", False),
        (None, True),
        ("tanh", True),
    ):
        assert zoo.vote([ending(activation)]).get_layer("tally_1").signed is signed
    logits = zoo.vote([ending(None) for _ in range(3)])
    outputs = np.array([member.predict(IMAGES, verbose=0) for member in members(logits)])
    votes, _ = count_votes((), outputs)
    majority = votes.max(axis=1) > 0.5
    answers = logits.predict(IMAGES, verbose=0)
    assert (answers.argmax(axis=1) == votes.argmax(axis=1))[majority].all()
    assert 0 <= answers.min() <= answers.max() <= 1


def test_sigmoid_outputs_keep_their_digits_in_mixed_precision():
    """A neuron that is wrong and saturated: its error is 1, which half of the digits make 0."""
    steps = []
    for precision in ("float32", "mixed_bfloat16"):
        model = zoo.build("linear", precision=precision, seed=1, l2=0.0)
        assert str(model.outputs[0].dtype) == "float32"
        kernel, bias = model.get_weights()
        bias[3] = 20.0
        model.set_weights([np.zeros_like(kernel), bias])
        model.fit(IMAGES, np.zeros(10, int), batch_size=10, verbose=0)
        steps.append(model.get_weights()[1][3] - 20)
    assert steps[0] == pytest.approx(-float(model.optimizer.learning_rate), rel=1e-4)
    assert steps[1] == pytest.approx(steps[0], rel=1e-4)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_a_vote_counts_exactly_whatever_its_members_compute_in(precision):
    spec = zoo.EnsembleSpec("vote", ((zoo.Softmax(),),) * 3, get_spec("shallow").recipe)
    model = zoo.build(spec, precision=precision)
    shares = model.predict(IMAGES[:1], verbose=0)[0]
    assert shares.dtype == np.float32
    np.testing.assert_allclose(shares, [1.0001 / 1.001, *[0.0001 / 1.001] * 9], rtol=1e-5)


def test_a_layer_of_ones_own_needs_one_registered_function():
    class Noise:
        pass

    with pytest.raises(zoo.SpecError, match="no Keras builder is registered for Noise"):
        add_layer(Noise(), None, None)

    @add_layer.register(Noise)
    def _(layer, x, plan):
        return keras.layers.GaussianNoise(0.1)(x)

    assert add_layer(Noise(), keras.Input((3,)), None).shape == (None, 3)


def test_weights_need_not_be_drawn_and_dropout_has_its_seeds_all_the_same():
    spec = zoo.get_spec("conv2_relu_dropout")
    drawn, zeros = (build_model(spec, seed=1, draw_weights=draw) for draw in (True, False))
    assert not any(np.any(variable) for variable in zeros.trainable_variables)
    for layer, other in zip(drawn.layers, zeros.layers, strict=True):
        assert getattr(layer, "seed", None) == getattr(other, "seed", None)
    again = build_model(spec, seed=1)
    for one, same in zip(drawn.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, same)
