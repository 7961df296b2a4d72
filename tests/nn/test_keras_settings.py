"""What Keras is set to elsewhere: no network changes by it in silence."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 28, 28, 1), dtype=np.uint8)
LABELS = np.arange(20, dtype=np.int32) % 10

SPEC = zoo.ModelSpec(
    "small",
    (zoo.ConvPool(3, "relu"), zoo.FullyConnected(12, "relu", dropout=0.5), zoo.Softmax()),
    zoo.Recipe(cost="log_likelihood", epochs=1, learning_rate=0.1, images=20, l2=0.1),
)

SETTINGS = {
    "mixed_float16": lambda: keras.config.set_dtype_policy("mixed_float16"),
    "mixed_bfloat16": lambda: keras.config.set_dtype_policy("mixed_bfloat16"),
    "float64": lambda: keras.config.set_floatx("float64"),
    "channels_first": lambda: keras.config.set_image_data_format("channels_first"),
}


@pytest.fixture
def restored():
    before = keras.config.dtype_policy(), keras.config.floatx(), keras.config.image_data_format()
    yield
    keras.config.set_dtype_policy(before[0])
    keras.config.set_floatx(before[1])
    keras.config.set_image_data_format(before[2])


def trained():
    model = zoo.build(SPEC, seed=1)
    model.fit(IMAGES, LABELS, shuffle=False, batch_size=10, verbose=0)
    return model.get_weights(), model.predict(IMAGES, verbose=0)


@pytest.fixture(scope="module")
def expected():
    return trained()


@pytest.mark.integration
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.filterwarnings("ignore:Keras is set to mixed")
def test_a_network_is_built_and_trained_as_its_recipe_says(setting, expected, restored):
    SETTINGS[setting]()
    weights, outputs = trained()
    for one, same in zip(weights, expected[0], strict=True):
        np.testing.assert_array_equal(one, same)
    np.testing.assert_array_equal(outputs, expected[1])


def test_one_line_says_that_a_precision_of_keras_is_not_taken(restored):
    keras.config.set_dtype_policy("mixed_float16")
    with pytest.warns(UserWarning, match="mixed_float16, and this network computes in float32"):
        zoo.build("linear")
    assert keras.config.dtype_policy().name == "mixed_float16"


@pytest.mark.filterwarnings("ignore:Keras is set to mixed")
def test_a_vote_under_half_precision_counts_as_ever(restored):
    members = [zoo.build("linear", seed=number) for number in range(2)]
    expected = zoo.vote(members)(IMAGES)
    keras.config.set_dtype_policy("mixed_float16")
    np.testing.assert_array_equal(zoo.vote(members)(IMAGES), expected)


@pytest.mark.filterwarnings("ignore:Keras is set to mixed")
@pytest.mark.parametrize("setting", ["mixed_float16", "float64"])
def test_a_recipe_trains_as_ever_by_blocks(setting, restored, bars):
    data = bars.take(40)
    spec = zoo.get_spec("mlp30").with_settings(epochs=1)
    expected = zoo.train(spec, data, progress=False).model.get_weights()
    SETTINGS[setting]()
    for one, same in zip(
        zoo.train(spec, data, progress=False).model.get_weights(), expected, strict=True
    ):
        np.testing.assert_array_equal(one, same)


def test_keras_own_seed_decides_what_has_no_seed():
    def first_kernel():
        return zoo.build("linear").get_weights()[0]

    keras.utils.set_random_seed(7)
    one, two = first_kernel(), first_kernel()
    keras.utils.set_random_seed(7)
    again = first_kernel()
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, two)


def test_frozen_layers_of_a_start_stay_as_they_are(bars):
    start = zoo.build("mlp30", seed=5)
    start.get_layer("dense_1").trainable = False
    result = zoo.train("mlp30", bars.take(40), epochs=1, start=start, progress=False)
    before, after = start.get_layer("dense_1"), result.model.get_layer("dense_1")
    np.testing.assert_array_equal(before.kernel, after.kernel)
    assert not after.trainable
    for index in (0, 1):
        moved = result.model.get_layer("dense_2").get_weights()[index]
        assert not np.array_equal(moved, start.get_layer("dense_2").get_weights()[index])
    start.trainable = False
    with pytest.raises(zoo.SpecError, match="all layers of start are frozen"):
        zoo.train("mlp30", bars.take(40), epochs=1, start=start, progress=False)
