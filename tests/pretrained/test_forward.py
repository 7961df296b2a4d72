"""The forward pass in NumPy: it answers as Keras does, layer by layer and for every network."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import zoo
from zoo.errors import RunError, SpecError, UnknownNameError
from zoo.nn.voting import with_named_outputs
from zoo.pretrained import forward, manifest
from zoo.pretrained.forward import NumpyNetwork, tensor_shapes
from zoo.training import weights

SOFTMAX_RECIPE = zoo.Recipe(cost="log_likelihood", epochs=1, learning_rate=0.1)
RECIPE = zoo.Recipe(cost="quadratic", epochs=1, learning_rate=0.1, initializer="unit_normal")


def _alike(network: NumpyNetwork, model, images) -> None:
    """The same digits, and outputs within 1e-5, as the Keras model with named outputs."""
    ours, theirs = (
        network.predict(images),
        with_named_outputs(model).predict(images, 1000, verbose=0),
    )
    np.testing.assert_array_equal(ours.digits, theirs["digit"])
    np.testing.assert_allclose(ours.probabilities, theirs["probabilities"], rtol=0, atol=1e-5)
    assert (ours.votes is None) == ("votes" not in theirs)
    if ours.votes is not None:
        np.testing.assert_allclose(ours.votes, theirs["votes"], rtol=0, atol=1e-5)
    assert ours.outputs.dtype == ours.probabilities.dtype == np.float32


@pytest.mark.parametrize("name", manifest.manifest())
@pytest.mark.parametrize(
    "count",
    [
        100,
        pytest.param(1_000, marks=pytest.mark.integration),
        pytest.param(10_000, marks=pytest.mark.slow),
    ],
)
def test_every_pretrained_network_answers_as_in_keras(name, count, mnist):
    _alike(forward.load(name), zoo.load(name), mnist.test.images[:count])


@pytest.mark.parametrize("name", ["mlp30", pytest.param("conv1", marks=pytest.mark.integration)])
def test_a_manifests_figure_comes_out_without_keras(name, mnist):
    digits = forward.load(name).predict(mnist.test.images).digits
    assert np.sum(digits == mnist.test.labels) == manifest.entry_of(name).test


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "linear"])
@pytest.mark.parametrize("outputs", [zoo.Softmax(dropout=0.25), zoo.FullyConnected(10)])
def test_every_kind_of_layer(activation, outputs, mnist):
    layers = (
        zoo.ConvPool(3, activation, kernel=4, pool=3),  # 25 rows, of which pooling drops one
        zoo.ConvPool(4, activation, kernel=2),
        zoo.FullyConnected(12, activation, dropout=0.5),
        outputs,
    )
    spec = zoo.ModelSpec("mixed", layers, RECIPE)
    _same_weights(spec, mnist.test.images[:50])


OTHER_LAYERS = {
    "strides, groups": (
        zoo.ConvPool(4, "tanh", 5, 1, stride=2, padding=1),
        zoo.ConvPool(6, "relu", 3, 3, padding=1, groups=2, pool_stride=2),
    ),
    "mean, l2": (
        zoo.ConvPool(3, "tanh", pooling="mean"),
        zoo.ConvPool(4, "relu", 4, 3, pooling="l2", pool_stride=2),
    ),
    "dropconnect": (zoo.FullyConnected(30, "tanh", dropconnect=0.25),),
    "SimpleRNN": (zoo.SimpleRNN(9, "relu"),),
    "LSTM": (zoo.LSTM(7),),
}


@pytest.mark.parametrize("name", OTHER_LAYERS)
def test_the_other_layers(name, mnist):
    spec = zoo.ModelSpec("other", (*OTHER_LAYERS[name], zoo.Softmax()), SOFTMAX_RECIPE)
    _same_weights(spec, mnist.test.images[:40])


@pytest.mark.parametrize("rule", ["plurality", "mean"])
@pytest.mark.parametrize("shares", [(), (1.0, 5.0, 2.0)])
def test_every_kind_of_vote(rule, shares, mnist):
    members = tuple((zoo.FullyConnected(units), last) for units, last in MEMBERS)
    spec = zoo.EnsembleSpec("several", members, RECIPE, rule=rule, weights=shares)
    _same_weights(spec, mnist.test.images[:300])


MEMBERS = ((20, zoo.Softmax()), (30, zoo.FullyConnected(10)), (5, zoo.Softmax(dropout=0.5)))


def _same_weights(spec, images) -> None:
    model = zoo.build(spec, seed=3)
    generator = np.random.default_rng(0)
    for each in model.weights:  # softmax layers start from zeros, which would hide their order
        each.assign(generator.normal(scale=0.5, size=each.shape))
    tensors = weights.arrays(model.weights)
    assert weights.shapes(model.weights) == tensor_shapes(spec)
    _alike(NumpyNetwork(spec, tensors), model, images)


def test_ties_go_to_the_digit_with_the_higher_mean_probability():
    outputs = np.full((2, 1, 10), 0.01, np.float32)
    outputs[0, 0, 3], outputs[1, 0, 7] = 0.6, 0.9
    votes, probabilities = forward.count_votes((), outputs)
    assert votes[0, [3, 7]].tolist() == [0.5, 0.5]
    # (0.6 / 0.69 + 0.01 / 0.99) / 2 and (0.01 / 0.69 + 0.9 / 0.99) / 2
    assert probabilities[0, [3, 7]] == pytest.approx([0.43983, 0.46179], abs=1e-5)


def test_the_larger_share_wins_however_sure_the_others_are():
    members = ((zoo.Softmax(),),) * 2
    spec = zoo.EnsembleSpec("torn", members, RECIPE, weights=(0.9956, 0.9951))
    tensors = {name: np.zeros(shape) for name, shape in forward.tensor_shapes(spec).items()}
    names = [name for name in tensors if name.endswith("bias")]
    tensors[names[0]][3], tensors[names[1]][7] = 0.1, 20  # unsure, and sure
    blank = np.zeros((1, 28, 28, 1), np.uint8)
    assert forward.NumpyNetwork(spec, tensors).predict(blank).digits.tolist() == [3]


def test_weights_for_other_images_are_refused():
    declared = replace(zoo.get_spec("mlp30"), input=zoo.InputSpec((14, 56, 1), scale=1 / 2))
    for load in (forward.load, zoo.load):
        with pytest.raises(RunError, match="other layers or images"):
            load(declared)


def test_bad_images_are_refused():
    network = forward.load("linear")
    assert network.predict(np.zeros((0, 28, 28, 1), np.uint8)).digits.shape == (0,)
    for images in (np.zeros((1, 28, 28, 1)), np.zeros((28, 28, 1), np.uint8)):
        with pytest.raises(SpecError, match=r"images are uint8 \[n, 28, 28, 1\], not"):
            network.predict(images)


def test_networks_that_only_keras_can_compute_say_so():
    @zoo.register("by_function", recipe=RECIPE)
    def function():
        raise AssertionError("called")

    try:
        with pytest.raises(SpecError, match="only Keras can compute it"):
            tensor_shapes(zoo.get_spec("by_function"))
    finally:
        zoo.unregister("by_function")
    with pytest.raises(UnknownNameError, match="has no pretrained weights"):
        forward.load("mlp30.quadratic")


def test_a_file_that_is_not_the_manifests_is_refused_unread(tmp_path, monkeypatch):
    entry = manifest.entry_of("linear")
    (folder,) = manifest.folders()
    (tmp_path / "linear").mkdir()
    blob = bytearray((folder / entry.file).read_bytes())
    blob[-1] ^= 1
    (tmp_path / entry.file).write_bytes(blob)
    (tmp_path / "manifest.json").write_bytes((folder / "manifest.json").read_bytes())
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path))
    monkeypatch.setattr(weights, "safe_open", None)
    with pytest.raises(RunError, match="another SHA-256 than the manifest says"):
        forward.load("linear")


def test_neither_keras_nor_tensorflow_is_imported():
    code = """
import sys, numpy as np
from zoo.pretrained import forward
forward.load("conv1").predict(np.zeros((1, 28, 28, 1), np.uint8))
print(sorted({name.partition(".")[0] for name in sys.modules} & {"keras", "tensorflow", "scipy"}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
