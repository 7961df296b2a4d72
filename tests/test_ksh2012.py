"""The network of section 6.4, the largest of the book: built, trained by a step, and exported."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo.export import export

# Its layers with fewer neurons, on smaller pictures: the same shapes of everything else.
SMALL = (8, 12, 12, 12, 8)


def small(spec: zoo.ModelSpec) -> zoo.ModelSpec:
    """The declaration with few maps and neurons, for 79x79 pictures of ten classes."""
    layers = [
        replace(layer, filters=filters) for layer, filters in zip(spec.layers, SMALL, strict=False)
    ] + [zoo.FullyConnected(16, "relu"), zoo.FullyConnected(16, "relu", dropout=0.5)]
    settings = {"images": 10, "batch_size": 10, "learning_rate": 0.5}
    spec = spec.with_settings(layers=(*layers, zoo.Softmax(10, dropout=0.5)), **settings)
    return spec.with_settings(input_shape=(79, 79, 3))


def step(spec: zoo.ModelSpec, folder) -> None:
    model = zoo.build(spec, seed=0)
    assert model.count_params() == spec.parameters
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (10, *spec.input.shape), dtype=np.uint8)
    before = [weight.copy() for weight in model.get_weights()]
    # A softmax layer starts from zeros and sends nothing back, so the second step moves the others.
    model.fit(images, np.arange(10), batch_size=10, epochs=2, verbose=0)
    for weight, old, new in zip(model.weights, before, model.get_weights(), strict=True):
        assert not np.array_equal(old, new), f"{weight.path} did not move"
    path = export(model, "saved_model", folder, name=spec.name)
    served = tf.saved_model.load(str(path)).signatures["serving_default"]
    answers = served(images=tf.constant(images))["probabilities"].numpy()
    np.testing.assert_allclose(answers, model.predict(images, verbose=0), rtol=1e-4, atol=1e-6)


@pytest.mark.integration
def test_its_layers_with_fewer_neurons_are_trained_and_exported(tmp_path):
    step(small(zoo.get_spec("ksh2012")), tmp_path)


@pytest.mark.slow
def test_it_is_trained_by_a_step_and_exported(tmp_path):
    spec = zoo.get_spec("ksh2012")
    assert spec.parameters == 60_965_224
    step(spec.with_settings(images=10, batch_size=10), tmp_path)
