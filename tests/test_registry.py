"""The registry: names found, misspelt names helped, and networks of one's own in every loop."""

from __future__ import annotations

import functools
from dataclasses import replace

import keras
import numpy as np
import pytest

import zoo
from zoo.errors import SpecError, UnknownNameError


@pytest.fixture
def own_name():
    """A name that the test may register; it is gone again afterwards."""
    yield "own_net"
    zoo.unregister("own_net")


def test_a_misspelt_network_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'conv2_relu_dropout'"):
        zoo.build("conv2_relu_dropuot")


@pytest.mark.parametrize("name", ["", "../mlp30", "MLP30", None, 30, "mlp30 "])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(UnknownNameError, match="there is no network"):
        zoo.get_spec(name)


def test_a_misspelt_setting_is_answered_with_the_nearest():
    with pytest.raises(
        SpecError, match=r"the recipe of mlp30 has no 'epoch'\. Did you mean 'epochs'"
    ):
        zoo.build("mlp30", epoch=3)


def test_settings_reach_the_model():
    model = zoo.build("mlp30", learning_rate=0.25, cost="quadratic")
    assert float(model.optimizer.learning_rate) == 0.25
    assert type(model.loss).__name__ == "QuadraticCost"


def test_lists_keep_the_order_of_the_book():
    assert zoo.list_models("*", chapter=5) == ["mlp30", "mlp30x2", "mlp30x3", "mlp30x4"]
    assert zoo.list_models("*.expanded") == ["conv2_relu.expanded"]
    assert zoo.list_models("nothing*") == []
    names = zoo.list_models()
    assert names[0] == "linear"
    assert names[-1] == "lstm_rows"
    assert len(names) == len(set(names))


def test_exclude_takes_one_pattern_or_many():
    assert zoo.list_models("conv1*", exclude="*_only") == ["conv1"]
    assert zoo.list_models("conv1*", exclude=["*_only", "conv1"]) == []


def test_a_taken_name_is_refused():
    with pytest.raises(SpecError, match="'mlp30' is taken"):
        zoo.register(zoo.get_spec("mlp30"))


def test_a_spec_of_ones_own_joins_the_registry(own_name):
    spec = replace(zoo.get_spec("conv1"), name=own_name)
    assert zoo.register(spec) is spec
    assert own_name in zoo.list_models()
    assert zoo.build(own_name).count_params() == 289_630


def own_function():
    """A network written in Keras.

    The first line above becomes its summary.
    """
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(10, "softmax"),
        ]
    )


def test_a_function_of_ones_own_is_built_trained_and_scored_like_any_other(own_name, bars):
    assert zoo.register(own_name)(own_function) is own_function
    spec = zoo.get_spec(own_name)
    assert spec.summary == "A network written in Keras"
    assert zoo.ModelSpec.from_json(spec.to_json()) == spec
    result = zoo.train(own_name, bars, epochs=3, progress=False)
    assert result.model.count_params() == 7_850
    assert zoo.evaluate(result.model, bars.test).accuracy > 0.9


def test_functions_that_files_could_not_tell_apart_are_refused(own_name):
    def sized(units):
        def net():
            return keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Dense(units)])

        return net

    small = sized(5)
    zoo.register(own_name)(small)
    with pytest.raises(SpecError, match=f"as another one of '{own_name}' is"):
        zoo.register(f"{own_name}_50")(sized(50))
    assert f"{own_name}_50" not in zoo.list_models()
    assert zoo.ModelSpec.from_json(zoo.get_spec(own_name).to_json()).function is small
    zoo.unregister(own_name)
    large = sized(50)
    zoo.register(own_name)(large)  # a cell that is run again
    assert zoo.ModelSpec.from_json(zoo.get_spec(own_name).to_json()).function is large


def test_a_function_without_a_name_is_refused():
    with pytest.raises(SpecError, match=r"needs a function with a name, by def, .* not functools"):
        zoo.register("nameless")(functools.partial(own_function))


def test_a_function_may_use_layers_with_costs_and_states_of_their_own(own_name, bars):
    @zoo.register(own_name)
    def regularized():
        return keras.Sequential(
            [
                keras.Input((28, 28, 1)),
                keras.layers.Rescaling(1 / 255),
                keras.layers.Flatten(),
                keras.layers.Dense(20, "relu", activity_regularizer=keras.regularizers.L2(0.01)),
                keras.layers.BatchNormalization(),
                keras.layers.Dropout(0.2),
                keras.layers.Dense(10, "softmax"),
            ]
        )

    result = zoo.train(own_name, bars, epochs=2, progress=False)
    assert zoo.evaluate(result.model, bars.test).accuracy > 0.9


def test_a_function_of_ones_own_obeys_the_seed(own_name):
    zoo.register(own_name)(own_function)
    weights = [zoo.build(own_name, seed=seed).get_weights()[0] for seed in (1, 1, 2)]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda: "no model", "must return a keras.Model, not str"),
        (
            lambda: keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten()]),
            "must put out 10 numbers an image",
        ),
    ],
)
def test_a_function_that_builds_no_classifier_is_refused(own_name, function, said):
    zoo.register(own_name)(function)
    with pytest.raises(SpecError, match=said):
        zoo.build(own_name)
