"""Several devices share each mini-batch, and take the steps of one; what cannot be is refused."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import warnings

import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import children
from tests.conftest import _bars
from tests.paths import ROOT
from zoo.cli.presenting import print_devices
from zoo.errors import RunError, SpecError
from zoo.nn.batching import Blocks
from zoo.nn.block_dataset import BatchDataset, batch_dataset
from zoo.training import devices
from zoo.training.run_folder import RunFolder
from zoo.training.run_record import read_run

# Dropout of both kinds, a penalty, momentum and a schedule: all in which a step could differ.
SPEC = zoo.ModelSpec(
    "small",
    (
        zoo.ConvPool(4, "relu"),
        zoo.FullyConnected(20, "relu", dropout=0.5),
        zoo.FullyConnected(16, "relu", dropconnect=0.5),
        zoo.Softmax(),
    ),
    zoo.Recipe(
        cost="log_likelihood",
        epochs=3,
        learning_rate=0.1,
        momentum=0.5,
        l2=0.1,
        schedule="one_cycle",
        images=64,
    ),
)

# The largest difference of a weight: two devices against one, and a resumed run against another.
PROGRAM = """
import json, sys
import zoo
from tests.conftest import _bars
from tests.training.test_devices import SPEC
from tests.training.test_train import Interrupt
from zoo.utils.tensorflow import import_tensorflow

def train(spec, **settings):
    result = zoo.train(spec, data, seed=1, monitor={"test": data.test}, progress=False, **settings)
    assert zoo.evaluate(result.model, data.test).accuracy in [
        row["test_accuracy"] for row in result.history
    ]
    return result

def difference(one, other):
    pairs = zip(one.model.get_weights(), other.model.get_weights(), strict=True)
    return float(max(abs(a - b).max() for a, b in pairs))

import_tensorflow()
data = zoo.Data("bars", _bars(64, seed=0), _bars(32, seed=1), _bars(30, seed=2))
found = {}
for spec in (SPEC, zoo.get_spec("mlp30").with_settings(epochs=2, images=60),
             zoo.get_spec("conv2_relu").with_settings(epochs=2, images=60)):
    found[spec.name] = [difference(train(spec, devices=2), train(spec))]
    if spec is SPEC:
        unbroken, settings = train(spec, devices=2), {"devices": 2, "out": sys.argv[1]}
        try:
            train(spec, callbacks=[Interrupt(1)], **settings)
        except KeyboardInterrupt:
            found[spec.name].append(difference(unbroken, train(spec, **settings)))
print(json.dumps(found))
"""

needs_two_cores = pytest.mark.skipif(devices.cores() < 2, reason="one core: there are no devices")


def check_two_devices(folder, *, backend: str) -> None:
    """Train in a process whose processor is two devices."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)}
    program = ["-c", PROGRAM, str(folder)]
    if backend == "tensorflow":
        done = children.run(program, env=environment)
    else:  # the children have imported Keras on TensorFlow
        command = [sys.executable, *program]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    check_differences(done.stdout)


def check_differences(printed: str) -> None:
    found = json.loads(printed.splitlines()[-1])
    assert found.keys() == {"small", "mlp30", "conv2_relu"}
    against_one, resumed = found.pop("small")
    assert resumed == 0
    assert max(against_one, *found["mlp30"], *found["conv2_relu"]) < 1e-6, found


@pytest.mark.integration
@needs_two_cores
def test_two_devices_take_the_steps_of_one_on_tensorflow(tmp_path):
    check_two_devices(tmp_path, backend="tensorflow")


@pytest.mark.integration
@needs_two_cores
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_two_devices_take_the_steps_of_one_on_jax(tmp_path):
    check_two_devices(tmp_path, backend="jax")


TOGETHER = """
import jax
address = "127.0.0.1:{port}"
jax.distributed.initialize(address, 2, {number}, coordinator_bind_address=address)
"""

# What processes that train together cannot do is refused in each of them.
REFUSED = """
for network, seed, line in (
    (SPEC, jax.process_index(), "do not train the same"),
    ("conv2_relu_dropout_x5", 1, "train its members one by one"),
):
    try:
        zoo.train(network, data, seed=seed, devices=2, progress=False)
    except zoo.ZooError as error:
        assert line in str(error), error
    else:
        raise AssertionError(f"{network} was trained")
"""


@pytest.mark.integration
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_two_processes_take_the_steps_of_one_on_jax(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT)}
    program, rest = TOGETHER, PROGRAM + REFUSED
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program.format(port=port, number=number) + rest, tmp_path],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    for process, (printed, errors) in [(each, each.communicate()) for each in processes]:
        assert process.returncode == 0, errors
        check_differences(printed)
    assert json.loads((tmp_path / "run.json").read_text())["devices"] == [2]


@pytest.mark.integration
def test_under_a_strategy_a_fit_takes_the_steps_that_it_takes_without(bars):
    # One device here, since this process has settled its devices; the code is that of several.
    spec, split = SPEC.with_settings(batch_size=8), bars.train.take(60)
    plain = zoo.build(spec, seed=1)
    expected = plain.fit(Blocks(split, 8, shuffle_seed=2), epochs=2, verbose=0).history
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model = zoo.build(spec, seed=1)
        seen = model.fit(Blocks(split, 8, shuffle_seed=2), epochs=2, verbose=0).history
    assert seen["accuracy"] == pytest.approx(expected["accuracy"], abs=0.02)
    for one, other in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_mini_batches_come_one_by_one_in_the_order_of_the_blocks(bars):
    blocks = Blocks(bars.train.take(43), 10, shuffle_seed=3)
    expected = BatchDataset(blocks)
    dataset = batch_dataset(blocks)
    assert int(dataset.cardinality()) == len(expected) == 5
    for index, (images, labels) in enumerate(dataset.as_numpy_iterator()):
        np.testing.assert_array_equal(images, expected[index][0])
        np.testing.assert_array_equal(labels, expected[index][1])


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"devices": 0}, "devices must be a whole number from 1 up, not 0"),
        ({"devices": True}, "devices must be a whole number from 1 up, not True"),
        ({"devices": 3}, "mini-batches of 10 images do not divide among 3 devices"),
        ({"devices": 2, "jobs": 2}, "on several devices or in several processes, not both"),
    ],
)
def test_settings_that_cannot_be_are_refused(bars, tmp_path, settings, line):
    out = tmp_path / "run"
    with pytest.raises(SpecError, match=line):
        zoo.train("mlp30", bars, out=out, progress=False, **settings)
    assert not out.exists()


def test_a_last_mini_batch_that_does_not_divide_is_refused(bars):
    few = zoo.Data("few", bars.train.take(25), bars.validation, bars.test)
    with pytest.raises(SpecError, match="last mini-batch of 25 images has 5, which do not divide"):
        zoo.train("mlp30", few, devices=2, progress=False)


def test_backends_without_devices_are_refused():
    recipe = zoo.get_spec("mlp30").recipe
    with pytest.raises(SpecError, match="tensorflow or jax, not with torch: set KERAS_BACKEND"):
        devices.check_devices(2, recipe, "torch")
    devices.check_devices(1, recipe, "torch")


@pytest.mark.parametrize("images", [31, 1001])
def test_sets_to_score_that_do_not_divide_are_refused(bars, images):
    odd = _bars(images, seed=0)
    line = f"a set of {images} images, scored by 1000, does not divide among 2 devices"
    for options in ({}, {"monitor": {"odd": odd}}):
        data = bars if options else zoo.Data("odd", bars.train, odd, bars.test)
        with pytest.raises(SpecError, match=line):
            zoo.train("mlp30", data, devices=2, progress=False, **options)


def test_more_devices_than_there_are_are_refused(bars):
    spec = zoo.get_spec("mlp30").with_settings(batch_size=500)
    with pytest.raises(RunError, match=r"devices=500, and this machine has .* cores: take as many"):
        zoo.train(spec, bars, devices=500, progress=False)


@needs_two_cores
def test_a_process_that_has_computed_says_that_its_devices_are_settled(bars):
    tf.zeros(1).numpy()
    with pytest.raises(RunError, match="begun to compute with 1 CPU device: ask for devices=2"):
        zoo.train("mlp30", bars, devices=2, progress=False)


def interrupted_with(count, folder, bars) -> RunFolder:
    """A folder that holds the first epoch of a run on so many devices."""
    spec = SPEC.with_settings(epochs=3)
    run = RunFolder(folder, spec, 1, bars.fingerprint, devices=count)
    model = zoo.build(spec, seed=1)
    state = run.begin(model)
    names = ("seconds", "loss", "accuracy", "val_loss", "val_accuracy")
    state.rows.append({"epoch": 1, **dict.fromkeys(names, 0.5)})
    run.save(model, state)
    return run


def test_a_run_keeps_the_number_of_its_devices(bars, tmp_path, capsys):
    run = interrupted_with(2, tmp_path, bars)
    model = zoo.build(run.spec, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        state = run.begin(model)
    run.finish(model, state)
    assert read_run(tmp_path / "run.json").devices == (2,)
    assert run.begin(model).devices == (2,)
    print_devices(state.devices)
    assert capsys.readouterr().out == "devices that shared each mini-batch: 2\n"


def test_a_run_that_goes_on_with_other_devices_says_so_and_keeps_both(bars, tmp_path):
    interrupted_with(2, tmp_path, bars)
    line = "was begun with devices=2 and goes on with devices=1: its weights will differ by round"
    with pytest.warns(UserWarning, match=line):
        result = zoo.train(SPEC.with_settings(epochs=3), bars, seed=1, out=tmp_path, progress=False)
    assert result.devices == read_run(tmp_path / "run.json").devices == (2, 1)


def test_a_run_on_one_device_is_recorded_as_ever(bars, tmp_path):
    zoo.train("linear", bars.take(20), epochs=1, out=tmp_path, progress=False)
    assert "devices" not in json.loads((tmp_path / "run.json").read_text())
    assert read_run(tmp_path / "run.json").devices == (1,)


@pytest.mark.parametrize("numbers", [[], [0], [True], 2, ["2"]])
def test_a_number_of_devices_that_is_none_is_damage(numbers, bars, tmp_path):
    zoo.train("linear", bars.take(20), epochs=1, out=tmp_path, progress=False)
    path = tmp_path / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"devices": numbers}))
    with pytest.raises(RunError, match="devices must be a list of whole numbers from 1 up"):
        read_run(path)
