"""Networks that Keras functions build: kept and read again, whatever was built before."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

import zoo
from zoo.errors import RunError, SpecError
from zoo.nn.dropout import BookDropout
from zoo.nn.losses import CrossEntropyCost, SoftmaxCrossEntropyCost
from zoo.nn.nested import all_layers
from zoo.training import weights
from zoo.training.run_folder import load_run

RECIPE = zoo.Recipe(
    cost="log_likelihood", epochs=3, learning_rate=0.1, momentum=0.5, images=200, batch_size=20
)
SILENT = {"progress": False}


def stack():
    """Layers without names, one of them with a generator."""
    layers = [keras.layers.Rescaling(1 / 256), keras.layers.Flatten()]
    layers += [keras.layers.Dense(8, "relu"), keras.layers.Dropout(0.5)]
    return keras.Sequential([keras.Input((28, 28, 1)), *layers, keras.layers.Dense(10, "softmax")])


def tower(units):
    images = keras.Input((28, 28, 1))
    flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 256)(images))
    return keras.Model(images, keras.layers.Dense(units, "relu", name="dense")(flat))


def towers(*units):
    """Models within a model, whose layers have one name."""
    images = keras.Input((28, 28, 1))
    parts = [tower(count)(images) for count in units]
    joined = keras.layers.Concatenate()(parts)
    return keras.Model(images, keras.layers.Dense(10, "softmax", name="out")(joined))


def alike():
    return towers(15, 15)


def unlike():
    return towers(5, 6)


@pytest.fixture(autouse=True)
def registered():
    functions = {"of_a_stack": stack, "of_towers": alike, "of_other_towers": unlike}
    for name, function in functions.items():
        zoo.register(name, recipe=RECIPE)(function)
    yield
    for name in functions:
        zoo.unregister(name)


def with_dropout():
    images = keras.Input((28, 28, 1))
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 256)(images))
    x = BookDropout(0.5, seed=1, name="dropped")(x)
    return keras.Model(images, keras.layers.Dense(10, "softmax")(x))


class Noted(keras.callbacks.Callback):
    """Whether dropout was left out, epoch by epoch."""

    def __init__(self):
        super().__init__()
        self.off = []

    def on_epoch_end(self, epoch, logs=None):
        dropout = next(layer for layer in all_layers(self.model) if layer.name == "dropped")
        self.off.append(dropout.disabled)


def test_the_last_epochs_leave_dropout_out_of_a_function_too(bars):
    recipe = replace(RECIPE, dropout_off_epochs=2)
    zoo.register("dropping", recipe=recipe)(with_dropout)
    try:
        noted = Noted()
        zoo.train("dropping", bars, callbacks=[noted], **SILENT)
    finally:
        zoo.unregister("dropping")
    assert noted.off == [False, True, True]


def test_the_cost_is_for_the_outputs_that_the_function_has():
    """Sigmoid outputs have the cross-entropy that keeps its error in a saturated neuron."""

    def sigmoid():
        layers = [keras.layers.Flatten(), keras.layers.Dense(10, "sigmoid")]
        return keras.Sequential([keras.Input((28, 28, 1)), *layers])

    recipe = replace(RECIPE, cost="cross_entropy")
    for function, cost in ((sigmoid, CrossEntropyCost), (stack, SoftmaxCrossEntropyCost)):
        zoo.register("of_outputs", recipe=recipe)(function)
        try:
            assert type(zoo.build("of_outputs").loss) is cost
        finally:
            zoo.unregister("of_outputs")


def test_a_penalty_that_reaches_no_weight_is_refused():
    with pytest.raises(SpecError, match="is a Keras function, whose weights no l1 or l2"):
        zoo.register("penalized", recipe=replace(RECIPE, l2=5.0))(stack)
    with pytest.raises(SpecError, match="give its layers a kernel_regularizer"):
        zoo.build("of_a_stack", l1=1.0)


def arrays(model):
    return [weight.copy() for weight in model.get_weights()]


def assert_same(model, other):
    for mine, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


class Interrupt(keras.callbacks.Callback):
    """Ctrl-C after the first epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


def test_every_build_has_the_names_of_a_first_one():
    for _ in range(2):
        assert [variable.path for variable in zoo.build("of_a_stack").variables][:5] == [
            "sequential/dense/kernel",
            "sequential/dense/bias",
            "seed_generator/seed_generator_state",
            "sequential/dense_1/kernel",
            "sequential/dense_1/bias",
        ]


def test_what_is_made_after_a_build_has_a_name_of_its_own():
    before = {keras.layers.Dense(1).name for _ in range(3)}
    zoo.build("of_a_stack")
    assert keras.layers.Dense(1).name not in {*before, "dense", "dense_1"}


def test_a_function_is_trained_and_read_again_in_one_process(bars, tmp_path):
    first = zoo.train("of_a_stack", bars, out=tmp_path / "run", **SILENT)
    again = zoo.train("of_a_stack", bars, out=tmp_path / "run", **SILENT)
    assert again.history == first.history
    zoo.save(first.model, tmp_path / "mine.safetensors")
    read = [
        load_run(tmp_path / "run")[1],
        zoo.build("of_a_stack", weights=tmp_path / "mine.safetensors"),
    ]
    zoo.push(first, tmp_path / "pushed")
    for model in (again.model, *read, zoo.load(tmp_path / "pushed")):
        assert_same(model, first.model)
    started = zoo.train("of_a_stack", bars, epochs=1, start=first.model, **SILENT)
    assert not np.array_equal(started.model.get_weights()[0], first.model.get_weights()[0])


@pytest.mark.parametrize("network", ["of_a_stack", "of_towers"])
def test_an_interrupted_function_goes_on_and_ends_bit_by_bit_the_same(bars, tmp_path, network):
    unbroken = zoo.train(network, bars, seed=1, **SILENT)
    settings = {"seed": 1, "out": tmp_path, **SILENT}
    with pytest.raises(KeyboardInterrupt):
        zoo.train(network, bars, callbacks=[Interrupt()], **settings)
    resumed = zoo.train(network, bars, **settings)
    assert len(resumed.history) == 3
    assert_same(resumed.model, unbroken.model)


@pytest.mark.parametrize("network", ["of_towers", "of_other_towers"])
def test_layers_of_one_name_keep_their_own_weights(bars, tmp_path, network):
    result = zoo.train(network, bars, out=tmp_path, **SILENT)
    recorded = result.history[result.best_epoch - 1]["val_accuracy"]
    assert zoo.evaluate(result.model, bars.validation).accuracy == pytest.approx(recorded)
    tensors, _ = weights.read(tmp_path / "weights.safetensors")
    assert sorted(tensors) == [
        "dense/bias", "dense/bias#2", "dense/kernel", "dense/kernel#2", "out/bias", "out/kernel",
    ]  # fmt: skip
    assert_same(load_run(tmp_path)[1], result.model)


def test_of_layers_of_one_name_those_are_frozen_that_were_frozen(bars):
    start = zoo.build("of_towers", seed=0)
    second = [layer for layer in start.layers[-1].layers if isinstance(layer, keras.Model)][1]
    second.get_layer("dense").trainable = False
    before = arrays(start)
    trained = zoo.train("of_towers", bars, epochs=1, start=start, **SILENT).model
    moved = [
        not np.array_equal(old, new) for old, new in zip(before, trained.get_weights(), strict=True)
    ]
    assert sorted(moved) == [False, False, True, True, True, True]
    assert [variable.path for variable in trained.non_trainable_variables[:2]] == [
        "dense/kernel",
        "dense/bias",
    ]


def test_a_vote_is_saved_with_all_its_members(bars, tmp_path):
    votes = [
        zoo.vote([zoo.build("linear", seed=seed), zoo.build("mlp30", seed=seed)], rule="mean")
        for seed in (0, 1)
    ]
    votes.append(zoo.vote([zoo.build("linear", seed=2), zoo.build("linear", seed=3)], rule="mean"))
    for vote in votes:
        zoo.save(vote, tmp_path / "vote.safetensors", overwrite=True)
        assert len(weights.read(tmp_path / "vote.safetensors")[0]) == len(vote.weights)
    other = zoo.vote([zoo.build("linear"), zoo.build("linear")], rule="mean")
    weights.load(other, tmp_path / "vote.safetensors")
    assert_same(other, votes[-1])


def renumbered(path, shift):
    """Have a file the names that it would have had after `shift` builds of the stack."""
    tensors, metadata = weights.read(path)
    renamed = {}
    for name, array in tensors.items():
        name = name.replace("dense/", f"dense_{2 * shift}/")
        name = name.replace("dense_1/", f"dense_{2 * shift + 1}/")
        name = name.replace("sequential/", f"sequential_{shift}/")
        renamed[name.replace("seed_generator/", f"seed_generator_{shift}/")] = array
    weights.write(path, renamed, metadata)


def test_files_of_a_later_build_are_read_as_those_of_a_first_one(tmp_path):
    model, path = zoo.build("of_a_stack", seed=0), tmp_path / "w.safetensors"
    zoo.save(model, path)
    renumbered(path, 5)  # dense_10 and dense_11
    assert "sequential_5/dense_10/kernel" in weights.read(path)[0]
    assert_same(zoo.build("of_a_stack", weights=path), model)
    zoo.save(zoo.build("of_towers"), path, overwrite=True)
    with pytest.raises(RunError, match="belongs to other layers"):
        zoo.build("of_a_stack", weights=path)


RECURRENT = zoo.ModelSpec("rows", (zoo.SimpleRNN(4), zoo.Softmax()), RECIPE)


@pytest.fixture(scope="module")
def rows():
    """Images of three rows, which compile in a tenth of the time."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (60, 3, 3, 1), dtype=np.uint8)
    split = zoo.Split(images, generator.integers(10, size=60))
    return zoo.Data("rows", split, split, split)


@pytest.mark.parametrize("shift", [0, pytest.param(3, marks=pytest.mark.integration)])
def test_a_recurrent_network_goes_on_in_the_same_process(rows, tmp_path, shift):
    unbroken = zoo.train(RECURRENT, rows, **SILENT)
    with pytest.raises(KeyboardInterrupt):
        zoo.train(RECURRENT, rows, out=tmp_path, callbacks=[Interrupt()], **SILENT)
    if shift:  # as checkpoints were written before
        checkpoint = tmp_path / "checkpoint.safetensors"
        renumbered(checkpoint, shift)
        assert any(f"seed_generator_{shift}/" in name for name in weights.read(checkpoint)[0])
    assert_same(zoo.train(RECURRENT, rows, out=tmp_path, **SILENT).model, unbroken.model)


def test_a_checkpoint_that_lacks_a_variable_is_refused_in_one_line(rows, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        zoo.train(RECURRENT, rows, out=tmp_path, callbacks=[Interrupt()], **SILENT)
    checkpoint = tmp_path / "checkpoint.safetensors"
    tensors, metadata = weights.read(checkpoint)
    whole = dict(tensors)
    del tensors["now/softmax_1/bias"]
    for wrong in (tensors, {**whole, "now/softmax_1/bias": np.zeros(9, np.float32)}):
        weights.write(checkpoint, wrong, metadata)
        with pytest.raises(RunError, match="belongs to other layers: softmax_1/bias"):
            zoo.train(RECURRENT, rows, out=tmp_path, **SILENT)
