"""Does anything work at all: the whole way, from declaration to score, in a few seconds."""

from __future__ import annotations

import dataclasses

import numpy as np

import zoo


def test_a_declared_network_learns_and_comes_back_from_disk(bars, tmp_path):
    result = zoo.train("mlp30", bars, seed=1, epochs=4, out=tmp_path / "run", progress=False)
    score = zoo.evaluate(result.model, bars.test)
    assert score.total == 500
    assert score.accuracy > 0.97

    from zoo.training.run_folder import load_run

    spec, model = load_run(tmp_path / "run")
    assert spec == result.spec
    np.testing.assert_array_equal(
        model.predict(bars.test.images, verbose=0),
        result.model.predict(bars.test.images, verbose=0),
    )


def test_shuffled_labels_cannot_be_learned(bars):
    labels = np.random.default_rng(0).permutation(bars.train.labels)
    nonsense = dataclasses.replace(bars, train=zoo.Split(bars.train.images, labels))
    result = zoo.train("mlp30", nonsense, epochs=2, progress=False)
    assert zoo.evaluate(result.model, bars.test).accuracy < 0.3


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(bars):
    def weights(seed):
        model = zoo.train("conv2_relu_dropout", bars.take(50), seed=seed, epochs=1, progress=False)
        return np.concatenate([np.ravel(weight) for weight in model.model.get_weights()])

    first = weights(seed=1)
    np.testing.assert_array_equal(first, weights(seed=1))
    assert not np.array_equal(first, weights(seed=2))
