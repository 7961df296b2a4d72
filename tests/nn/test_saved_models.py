"""Every way in which Keras saves a model, for every network: it comes back, and learns on alike."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest

import zoo
from tests import children
from tests.distinct import kinds_of_objects, one_of_each
from tests.paths import ROOT
from zoo.errors import SpecError
from zoo.nn.losses import QuadraticCost, SmoothedLogLikelihoodCost
from zoo.nn.optimizers import OneCycle

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 28, 28, 1), dtype=np.uint8)
LABELS = np.arange(20, dtype=np.int32) % 10


def assert_alike(model: keras.Model, other: keras.Model) -> None:
    assert type(other) is type(model)
    assert plain(other.get_config()) == plain(model.get_config())
    assert plain(other.get_compile_config()) == plain(model.get_compile_config())
    for one, same in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, same)


def plain(config):
    """A config as JSON has it, without the numbers that Keras gives objects of one process."""
    if isinstance(config, dict):
        return {key: plain(value) for key, value in config.items() if key != "shared_object_id"}
    return [plain(value) for value in config] if isinstance(config, (list, tuple)) else config


@pytest.mark.parametrize("name", one_of_each(zoo.list_models(exclude="ksh2012"), kinds_of_objects))
def test_every_network_comes_back_from_a_file(name, tmp_path):
    model = zoo.build(name, seed=1)
    model.save(tmp_path / "m.keras")
    other = keras.models.load_model(tmp_path / "m.keras")
    assert_alike(model, other)


WAYS = {
    "h5": lambda model, folder: _through_h5(model, folder),
    "clone": lambda model, folder: _with_weights(keras.models.clone_model(model), model),
    "json": lambda model, folder: _with_weights(
        keras.models.model_from_json(model.to_json()), model
    ),
    "deepcopy": lambda model, folder: copy.deepcopy(model),
    "pickle": lambda model, folder: pickle.loads(pickle.dumps(model)),
}


def _with_weights(other, model):
    other.set_weights(model.get_weights())
    return other


@pytest.mark.filterwarnings("ignore::UserWarning")
def _through_h5(model, folder):
    model.save(folder / "m.h5")
    return keras.models.load_model(folder / "m.h5")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["mlp30", "conv2_relu_dropout"])
def test_every_way_of_copying_a_model_works(name, way, tmp_path):
    model = zoo.build(name, seed=1)
    other = WAYS[way](model, tmp_path)
    assert type(other) is type(model)
    assert other.loss.get_config() == model.loss.get_config()
    np.testing.assert_array_equal(model(IMAGES[:2]), other(IMAGES[:2]))


@pytest.mark.integration
@pytest.mark.parametrize("name", ["mlp100.quadratic", "conv2_relu_dropout.fast"])
def test_a_loaded_model_takes_the_same_steps_as_the_saved_one(name, tmp_path):
    model = zoo.build(name, seed=1, batch_size=10)
    model.fit(IMAGES, LABELS, batch_size=10, verbose=0)
    model.save(tmp_path / "m.keras")
    other = keras.models.load_model(tmp_path / "m.keras")
    for each in (model, other):
        each.fit(IMAGES, LABELS, batch_size=10, epochs=2, shuffle=False, verbose=0)
    assert_alike(model, other)


def test_a_vote_of_names_and_models_comes_back(tmp_path):
    vote = zoo.vote([zoo.build("linear", seed=1), zoo.build("mlp30", seed=2)], weights=(1, 2))
    vote.save(tmp_path / "m.keras")
    other = keras.models.load_model(tmp_path / "m.keras")
    assert_alike(vote, other)
    np.testing.assert_array_equal(vote(IMAGES), other(IMAGES))


@pytest.mark.parametrize(
    ("members", "weights", "said"),
    [
        ("mlp30", (), "a list of members, not the one name 'mlp30'"),
        (5, (), "a list of members, not 5"),
        ([], (), "needs members"),
        ([zoo.get_spec("mlp30")], (), "names or models, not ModelSpec"),
        (["mlp30", "linear"], (1,), "2 members"),
        (["mlp30"], 3, "weights"),
    ],
)
def test_what_cannot_vote_is_refused(members, weights, said):
    with pytest.raises(SpecError, match=said):
        zoo.vote(members, weights=weights)


def test_weights_of_a_vote_may_be_given_one_by_one():
    models = [zoo.build("linear", seed=seed) for seed in (1, 2)]
    vote = zoo.vote((each for each in models), weights=(float(each) for each in (1, 3)))
    assert vote.get_layer("tally_1").get_config()["weights"] == [1.0, 3.0]


@pytest.mark.parametrize("seed", [-1, 1.5, True, "1"])
def test_a_model_is_built_from_a_whole_seed(seed):
    with pytest.raises(SpecError, match="seed must be a whole number from 0 up"):
        zoo.build("linear", seed=seed)


@pytest.mark.integration
def test_checkpoints_and_backups_of_keras_hold_all_that_training_needs(tmp_path):
    spec = zoo.ModelSpec(
        "small",
        (zoo.FullyConnected(20, "relu", dropout=0.5), zoo.Softmax(dropout=0.5)),
        zoo.Recipe(cost="log_likelihood", epochs=4, learning_rate=0.1, momentum=0.9),
    )
    whole, broken, again = (zoo.build(spec, seed=1) for _ in range(3))
    options = {"x": IMAGES, "y": LABELS, "shuffle": False, "batch_size": 5, "verbose": 0}
    whole.fit(**options, epochs=4)
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")

    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken.fit(**options, epochs=4, callbacks=[checkpoint, backup(), Stop()])
    loaded = keras.models.load_model(tmp_path / "2.keras")
    loaded.fit(**options, epochs=4, initial_epoch=2)
    again.fit(**options, epochs=4, callbacks=[backup()])
    for model in (loaded, again):
        for one, same in zip(whole.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(one, same)


@pytest.mark.parametrize(
    "record",
    [
        QuadraticCost(signed=True),
        SmoothedLogLikelihoodCost(0.1, name="smooth"),
        OneCycle(0.1, peak_step=3, last_step=10),
    ],
    ids=lambda record: type(record).__name__,
)
def test_a_config_says_all_that_a_record_of_ours_holds(record):
    other = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(record))
    assert type(other) is type(record)
    assert other.get_config() == record.get_config()
    assert vars(other).keys() == vars(record).keys()


PROGRAM = """
import sys
import keras
import numpy as np
try:
    keras.models.load_model(sys.argv[1])
except TypeError as error:
    print(str(error)[:60])
import zoo
images = np.zeros((1, 28, 28, 1), np.uint8)
print(keras.models.load_model(sys.argv[1])(images).numpy().tolist())
"""


@pytest.mark.integration
def test_in_another_process_keras_says_what_to_import_and_then_loads_the_model(tmp_path):
    model = zoo.build("mlp30", seed=1)
    model.save(tmp_path / "m.keras")
    done = children.run(["-c", PROGRAM, tmp_path / "m.keras"])
    assert done.returncode == 0, done.stderr
    refused, answered = done.stdout.splitlines()
    assert refused.startswith("Could not locate class 'zoo.BlockModel'")
    expected = model(np.zeros((1, 28, 28, 1), np.uint8)).numpy().tolist()
    assert answered == str(expected)


@pytest.mark.parametrize(
    "then",
    [
        "",
        pytest.param("keras", marks=pytest.mark.integration),
        pytest.param("tensorflow, keras", marks=pytest.mark.integration),
    ],
)
def test_import_zoo_imports_no_keras_and_leaves_the_environment_alone(then):
    program = (
        "import os; before = dict(os.environ); import sys, zoo; print(dict(os.environ) == before, "
        "'keras' in sys.modules)"
    )
    if then:
        program += f"; import {then}; print('zoo.nn.block_model' in sys.modules)"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["True", "False", *["True"] * bool(then)]
