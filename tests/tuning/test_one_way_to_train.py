"""One way to train: every trainer takes the same steps, weight by weight."""

from __future__ import annotations

import keras
import keras_tuner
import numpy as np
import pytest

import zoo
from tuning import Choice, SearchSpace, hypermodel, train_vectorized
from tuning.vectorized.train import stackable
from zoo.lab.core.monitoring import train_monitored
from zoo.nn.schedules import one_cycle_points
from zoo.spec import ModelSpec

SEED = 3


@pytest.fixture(scope="module")
def thousand(bars):
    return bars.take(1000)


def by_keras_tuner(spec: ModelSpec, *data, **options) -> keras.Model:
    """The model that a tuner of keras-tuner's would train, at the recipe's own point."""
    space = SearchSpace.of(learning_rate=Choice(spec.recipe.learning_rate))
    network, point = hypermodel(spec, space, seed=SEED), keras_tuner.HyperParameters()
    model = network.build(point)
    network.fit(point, model, *data, **options)
    return model


def check_same(mine: keras.Model, theirs: keras.Model, tolerance=0.0) -> None:
    for weight, other in zip(mine.weights, theirs.weights, strict=True):
        assert weight.path == other.path
        np.testing.assert_allclose(weight, other, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    "name",
    [
        "mlp30",
        pytest.param("conv2_relu.expanded", marks=pytest.mark.integration),
        pytest.param("conv2_relu_dropout.fast", marks=pytest.mark.integration),
    ],
)
def test_all_trainers_take_the_same_steps(name, thousand, tmp_path):
    spec = zoo.get_spec(name).with_settings(epochs=1, images=1500)  # of 5,000, where expanded
    one = zoo.train(spec, thousand, seed=SEED, progress=False)
    assert one.best_epoch == 1, "its weights are those of the last step"
    check_same(by_keras_tuner(spec, thousand), one.model, 1e-6)
    if not stackable(spec):
        return  # the others hand it to `zoo.train` as it is
    (vectorized,) = train_vectorized([spec], thousand, seeds=SEED)
    check_same(vectorized.model, one.model, 1e-4)
    watched = train_monitored(spec, thousand, seed=SEED, out=tmp_path, progress=False)
    check_same(watched.result.model, one.model, 1e-6)


@pytest.mark.integration
def test_arrays_are_trained_on_by_the_recipe(thousand):
    spec = zoo.get_spec("mlp30").with_settings(epochs=2)
    one = zoo.train(spec, thousand, seed=SEED, progress=False)
    validation = (thousand.validation.images, thousand.validation.labels)
    train = (thousand.train.images, thousand.train.labels)
    seen = []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(dict(logs)))
    model = by_keras_tuner(spec, *train, validation_data=validation, callbacks=[note])
    assert [logs["val_loss"] for logs in seen] == pytest.approx(
        [row["val_loss"] for row in one.history], rel=1e-5
    )
    assert model.layers[-1].kernel.regularizer.l2 == pytest.approx(5 / 2000)
    few = thousand.take(100)
    options = {"validation_data": (few.train.images, few.train.labels)}
    check_same(by_keras_tuner(spec, thousand, **options), model, 1e-6)


def test_a_run_that_goes_on_takes_the_epochs_that_come_next(thousand):
    spec = zoo.get_spec("mlp30").with_settings(epochs=3, schedule="one_cycle", momentum=0.9)
    orders = []

    def noted(epoch, logs):
        orders.append(epoch)

    callback = keras.callbacks.LambdaCallback(on_epoch_begin=noted)
    model = by_keras_tuner(spec, thousand, initial_epoch=2, callbacks=[callback])
    assert orders == [2]
    assert int(model.optimizer.iterations) == 3 * 100
    recipe = spec.with_settings(images=1000).recipe
    assert model.optimizer._learning_rate.peak_step == one_cycle_points(recipe)[0] == 60
