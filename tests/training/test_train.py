"""Training: by the recipe, resumable, and blind to the test images."""

from __future__ import annotations

import csv
import dataclasses
import gc
import json
import shutil
import weakref
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from zoo.data import Data, Split
from zoo.errors import DataError, RunError, SpecError
from zoo.training import ensemble
from zoo.training.run_files import FILES, discard
from zoo.training.run_folder import RunFolder, load_run

DROPOUT = zoo.ModelSpec(
    "small",
    (zoo.ConvPool(4, "relu"), zoo.FullyConnected(20, "relu", dropout=0.5), zoo.Softmax()),
    zoo.Recipe(cost="log_likelihood", epochs=5, learning_rate=0.1, images=1003),
)


class Interrupt(keras.callbacks.Callback):
    """Ctrl-C in the middle of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch
        self.now = -1

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.epoch:
            raise KeyboardInterrupt


def _weights(result):
    return [weight.copy() for weight in result.model.get_weights()]


@pytest.fixture(scope="module")
def unbroken(bars):
    """A run of the network with dropout; no test changes it."""
    return zoo.train(DROPOUT, bars, seed=1, progress=False)


@pytest.fixture(scope="module")
def finished(bars, tmp_path_factory):
    """How `mlp30` was trained, with its folder, and the result; no test changes them."""
    folder = tmp_path_factory.mktemp("finished")
    settings = {"seed": 3, "epochs": 2, "out": folder, "monitor": {"test": bars.test}}
    settings["progress"] = False
    return settings, zoo.train("mlp30", bars, **settings)


def test_history_has_a_row_an_epoch(finished):
    _, result = finished
    assert [row["epoch"] for row in result.history] == [1, 2]
    for row in result.history:
        assert {"loss", "accuracy", "val_loss", "val_accuracy", "test_accuracy", "seconds"} < set(
            row
        )
    assert result.images_per_second == pytest.approx(2 * 2000 / result.seconds)


def test_the_model_is_that_of_the_best_validation_epoch(bars, unbroken):
    curve = [row["val_accuracy"] for row in unbroken.history]
    best = max(epoch for epoch, value in enumerate(curve, 1) if value == max(curve))
    assert unbroken.best_epoch == best, "ties go to the later epoch"
    score = zoo.evaluate(unbroken.model, bars.validation)
    assert score.correct == round(max(curve) * score.total)


def test_what_is_monitored_decides_nothing(bars, unbroken):
    opposite = Split(bars.validation.images, 9 - bars.validation.labels)
    watched = zoo.train(DROPOUT, bars, seed=1, monitor={"test": opposite}, progress=False)
    assert watched.best_epoch == unbroken.best_epoch
    for mine, theirs in zip(_weights(unbroken), _weights(watched), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("epoch", [0, 2, 4])
def test_an_interrupted_run_goes_on_and_ends_bit_by_bit_the_same(bars, tmp_path, epoch, unbroken):
    with pytest.raises(KeyboardInterrupt):
        zoo.train(DROPOUT, bars, seed=1, out=tmp_path, callbacks=[Interrupt(epoch)], progress=False)
    resumed = zoo.train(DROPOUT, bars, seed=1, out=tmp_path, progress=False)
    assert [row["epoch"] for row in resumed.history] == [1, 2, 3, 4, 5]
    assert resumed.best_epoch == unbroken.best_epoch
    for mine, theirs in zip(_weights(unbroken), _weights(resumed), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.integration
@pytest.mark.usefixtures("xla")
def test_an_interrupted_run_that_xla_compiles_ends_bit_by_bit_the_same(bars, tmp_path):
    job = {"network": "mlp30", "data": bars.take(300), "epochs": 3, "progress": False}
    with pytest.raises(KeyboardInterrupt):
        zoo.train(**job, out=tmp_path, callbacks=[Interrupt(1)])
    for mine, theirs in zip(
        _weights(zoo.train(**job)), _weights(zoo.train(**job, out=tmp_path)), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)


def test_a_run_folder_tells_the_run(bars, finished):
    settings, result = finished
    folder = settings["out"]
    names = {path.name for path in folder.iterdir()}
    assert names == {"spec.json", "history.csv", "weights.safetensors", "run.json", ".run.lock"}
    record = json.loads((folder / "run.json").read_text())
    assert (record["seed"], record["best_epoch"]) == (3, result.best_epoch)
    assert record["spec_hash"] == result.spec.hash
    assert record["data"] == bars.fingerprint
    with (folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["val_accuracy"]) for row in rows] == [
        row["val_accuracy"] for row in result.history
    ]


def test_a_finished_run_is_never_overwritten(bars, finished):
    settings, _ = finished
    weights = settings["out"] / "weights.safetensors"
    before = weights.read_bytes()
    with pytest.raises(RunError, match="holds a run with another seed"):
        zoo.train("mlp30", bars, **{**settings, "seed": 2})
    assert weights.read_bytes() == before


def test_a_finished_run_is_returned_as_it_is(bars, finished):
    settings, first = finished
    again = zoo.train("mlp30", bars, **settings)
    assert (again.history, again.best_epoch) == (first.history, first.best_epoch)
    for mine, theirs in zip(_weights(first), _weights(again), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": 0}, r"another seed \(1, not 0\)"),
        ({"seed": 2}, r"another seed \(1, not 2\): train again with --overwrite"),
        ({"epochs": 6}, r"other settings \(epochs 5, not 6\): train again with --overwrite"),
    ],
)
def test_an_unfinished_run_of_something_else_is_refused(bars, tmp_path, change, said):
    settings = {"seed": 1, "epochs": 5, "out": tmp_path, "progress": False}
    with pytest.raises(KeyboardInterrupt):
        zoo.train("mlp30", bars, callbacks=[Interrupt(1)], **settings)
    with pytest.raises(RunError, match=said):
        zoo.train("mlp30", bars, **{**settings, **change})


def test_a_damaged_checkpoint_is_named(bars, tmp_path):
    spec = zoo.get_spec("mlp30").with_settings(images=2000)
    (tmp_path / "checkpoint.safetensors").write_bytes(b"torn")
    folder = RunFolder(tmp_path, spec, 0, bars.fingerprint)
    with pytest.raises(RunError, match=r"checkpoint\.safetensors is damaged"):
        folder.begin(zoo.build(spec))


def test_an_unfinished_run_cannot_be_read_back(tmp_path):
    with pytest.raises(RunError, match="holds no finished run"):
        load_run(tmp_path)


def test_a_diverged_run_stops_and_says_so(bars):
    spec = zoo.get_spec("conv2_relu").with_settings(learning_rate=1e6, images=2000)
    result = zoo.train(spec, bars, epochs=9, progress=False)
    assert result.diverged
    assert len(result.history) < 9
    assert all(np.isfinite(weight).all() for weight in _weights(result)) or not result.best_epoch


def test_a_diverged_run_that_is_stopped_at_its_end_does_not_go_on(bars, tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            raise KeyboardInterrupt  # the checkpoint is written, and run.json is not

    spec = zoo.get_spec("linear").with_settings(learning_rate=1e30, epochs=4)
    settings = {"out": tmp_path, "progress": False}
    with pytest.raises(KeyboardInterrupt):
        zoo.train(spec, bars.take(100), callbacks=[Stop()], **settings)
    result = zoo.train(spec, bars.take(100), **settings)
    assert (result.diverged, len(result.history)) == (True, 1)


def test_the_recipe_decides_how_many_images_are_seen(bars):
    result = zoo.train("mlp30.overfit_1000", bars, epochs=1, progress=False)
    assert result.spec.recipe.images == 1000
    few = zoo.train("mlp30", bars.take(70), epochs=1, progress=False)
    assert few.spec.recipe.images == 70
    many = zoo.train("conv2_relu.expanded", bars.take(10), epochs=1, progress=False)
    assert many.spec.recipe.images == 50


def test_measured_as_the_claim_says():
    rows = tuple(
        {"val_accuracy": val, "test_accuracy": test}
        for val, test in [(0.91, 0.95), (0.93, 0.92), (0.92, 0.94)]
    )
    spec = zoo.get_spec("mlp30")
    result = zoo.TrainResult(spec, 0, None, rows, best_epoch=2, diverged=False)
    claim = zoo.Claim(chapter=1, section="", protocol="best epoch")
    assert result.measured(claim) == 0.95
    assert result.measured(dataclasses.replace(claim, protocol="last epoch")) == 0.94
    assert result.measured(dataclasses.replace(claim, protocol="best validation epoch")) == 0.92
    assert result.measured(dataclasses.replace(claim, on="validation")) == 0.93

    torn = dataclasses.replace(result, history=({"val_accuracy": 0.9}, *rows[1:]))
    assert torn.measured(claim) is None, "an epoch was not scored: nobody knows the best"
    assert torn.measured(dataclasses.replace(claim, on="validation")) == 0.93


def test_an_interrupted_run_keeps_to_the_sets_that_it_scores(bars, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        zoo.train(DROPOUT, bars, out=tmp_path, callbacks=[Interrupt(1)], progress=False)
    before = (tmp_path / "history.csv").read_bytes()
    with pytest.raises(RunError, match="did not score 'test' after its epochs: leave it out"):
        zoo.train(DROPOUT, bars, out=tmp_path, monitor={"test": bars.test}, progress=False)
    assert (tmp_path / "history.csv").read_bytes() == before


def test_an_epoch_that_a_callback_did_not_see_to_its_end_is_repeated(bars, tmp_path):
    class Note(keras.callbacks.Callback):
        def __init__(self, stop_at=None):
            super().__init__()
            self.stop_at = stop_at

        def on_epoch_end(self, epoch, logs=None):
            if epoch == self.stop_at:
                raise KeyboardInterrupt
            noted.append(epoch)

    noted = []
    settings = {"epochs": 4, "out": tmp_path, "progress": False}
    with pytest.raises(KeyboardInterrupt):
        zoo.train("linear", bars.take(100), callbacks=[Note(stop_at=2)], **settings)
    zoo.train("linear", bars.take(100), callbacks=[Note()], **settings)
    assert noted == [0, 1, 2, 3]


def test_what_is_monitored_is_checked_before_anything_is_trained(bars, tmp_path):
    other = Split(np.zeros((4, 8, 8, 1), np.uint8), np.zeros(4, int))
    more = Split(bars.test.images, bars.test.labels + 1)
    wrong = {
        "takes sets by name": [bars.test],
        "cannot be called 'val'": {"val": bars.test},
        "cannot be called 1": {1: bars.test},
        "cannot be called ''": {"": bars.test},
        r"monitor\['a'\] must be a set, .* not a Data": {"a": bars},
        r"\(8, 8, 1\) .* give images of the same kind": {"a": other},
        "labels to 10, .* give images of the same kind": {"a": more},
    }
    for said, monitor in wrong.items():
        with pytest.raises(SpecError, match=said):
            zoo.train("linear", bars, monitor=monitor, out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_a_column_is_no_monitored_set(bars, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        zoo.train(DROPOUT, bars, out=tmp_path, callbacks=[Interrupt(1)], progress=False)
    with pytest.raises(RunError, match="did not score 'loss' after its epochs"):
        zoo.train(DROPOUT, bars, out=tmp_path, monitor={"loss": bars.test}, progress=False)


@pytest.mark.parametrize("seed", [-1, 1.0, "1", True])
def test_a_seed_is_a_whole_number(bars, seed):
    with pytest.raises(SpecError, match="seed must be a whole number"):
        zoo.train("mlp30", bars, seed=seed)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"data": np.zeros(3)}, DataError, "data must be a zoo.Data, not a ndarray"),
        ({"start": "mlp30"}, SpecError, "start must be a Keras model"),
        ({"jobs": 0}, SpecError, "jobs must be a whole number from 1 up"),
        ({"devices": 1.5}, SpecError, "devices must be a whole number from 1 up"),
        ({"out": __file__}, RunError, "test_train.py is a file: name a folder"),
    ],
)
def test_wrong_arguments_are_one_line(bars, given, error, said):
    with pytest.raises(error, match=said):
        zoo.train(DROPOUT, **{"data": bars, **given}, progress=False)


def test_numbers_of_numpy_are_numbers(bars):
    given = {"seed": np.int64(3), "devices": np.int64(1), "jobs": np.int64(1)}
    few = bars.take(100)
    runs = [
        zoo.train("linear", few, epochs=1, progress=False, **each) for each in (given, {"seed": 3})
    ]
    for mine, same in zip(runs[0].model.get_weights(), runs[1].model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, same)


def test_members_of_a_vote_are_trained_apart_and_vote_together(bars, tmp_path):
    member = (zoo.FullyConnected(10), zoo.Softmax())
    spec = zoo.EnsembleSpec("vote", (member,) * 3, DROPOUT.recipe)
    result = zoo.train(spec, bars.take(500), epochs=3, out=tmp_path, progress=False)
    members = [load_run(tmp_path / f"member_{number}")[1] for number in (1, 2, 3)]
    answers = np.stack(
        [model.predict(bars.test.images, verbose=0).argmax(axis=1) for model in members]
    )
    assert not (answers == answers[0]).all(), "the members must differ for this test to tell"
    counts = np.stack([(answers == digit).sum(axis=0) for digit in range(10)], axis=1)
    for model in (result.model, load_run(tmp_path)[1]):
        shares = model.predict(bars.test.images, verbose=0)
        np.testing.assert_allclose(shares, counts / 3, atol=1e-3)


def test_a_vote_looks_into_its_folder_before_it_trains_members(bars, tmp_path, monkeypatch):
    member, few = (zoo.FullyConnected(10), zoo.Softmax()), bars.take(500)
    spec = zoo.EnsembleSpec("vote", (member,) * 2, DROPOUT.recipe)
    first = zoo.train(spec, few, epochs=1, out=tmp_path / "vote", progress=False)
    zoo.train("linear", few, epochs=1, out=tmp_path / "single", progress=False)
    shutil.rmtree(tmp_path / "vote/member_1")
    monkeypatch.setattr(ensemble, "train_network", lambda _: pytest.fail("a member is trained"))
    again = zoo.train(spec, few, epochs=1, out=tmp_path / "vote", progress=False)
    assert again.history == first.history
    with pytest.raises(RunError, match=r"settings \(network 'linear', not 'vote'; cost "):
        zoo.train(spec, few, epochs=1, out=tmp_path / "single", progress=False)


def test_overwriting_trains_a_vote_anew_with_all_its_members(bars, tmp_path):
    member, few = (zoo.FullyConnected(10), zoo.Softmax()), bars.take(500)
    spec = zoo.EnsembleSpec("vote", (member,) * 2, DROPOUT.recipe)
    settings = {"epochs": 1, "out": tmp_path, "progress": False}
    zoo.train(spec, few, seed=0, **settings)
    (tmp_path / "member_1/notes.txt").write_text("mine")
    anew = zoo.train(spec, few, seed=1, overwrite=True, **settings)
    other = zoo.train(spec, few, seed=1, epochs=1, progress=False)
    for mine, theirs in zip(_weights(anew), _weights(other), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert (tmp_path / "member_1/notes.txt").read_text() == "mine"


def test_what_is_refused_overwrites_nothing(bars, finished):
    settings, _ = finished
    before = {path: path.read_bytes() for path in settings["out"].iterdir()}
    wrong = [{"seed": -1}, {"devices": 999}, {"start": zoo.build("linear")}, {"epochs": 0}]
    for each in wrong:
        with pytest.raises((SpecError, RunError)):
            zoo.train("mlp30", bars, **{**settings, "overwrite": True, **each})
        assert {path: path.read_bytes() for path in settings["out"].iterdir()} == before, each


def test_a_killed_overwriting_leaves_no_finished_run_without_weights(tmp_path, monkeypatch):
    gone = []
    monkeypatch.setattr(Path, "unlink", lambda path, missing_ok=False: gone.append(path.name))
    discard(tmp_path)
    assert gone[0] == "run.json"
    assert set(gone) == set(FILES)


@pytest.mark.integration
def test_a_vote_that_was_stopped_goes_on_in_two_processes(bars, tmp_path, monkeypatch):
    member = (zoo.FullyConnected(10), zoo.Softmax())
    spec = zoo.EnsembleSpec("vote", (member,) * 2, DROPOUT.recipe)
    job = {"epochs": 1, "progress": False}
    unbroken = zoo.train(spec, bars.take(500), **job)

    train_network = ensemble.train_network

    def stop_at_the_second(job):
        if job.spec.name == "vote_member_2":
            raise KeyboardInterrupt
        return train_network(job)

    monkeypatch.setattr(ensemble, "train_network", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        zoo.train(spec, bars.take(500), out=tmp_path, **job)
    monkeypatch.undo()
    kept = (tmp_path / "member_1/run.json").stat().st_mtime_ns
    assert not (tmp_path / "run.json").exists()

    resumed = zoo.train(spec, bars.take(500), out=tmp_path, jobs=2, **job)
    assert (tmp_path / "member_1/run.json").stat().st_mtime_ns == kept, "it was trained twice"
    for mine, theirs in zip(_weights(unbroken), _weights(resumed), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_real_digits_are_learned(mnist):
    result = zoo.train("mlp30", mnist, seed=1, epochs=3, progress=False)
    assert 0.935 < zoo.evaluate(result.model, mnist.test).accuracy < 0.97


@pytest.mark.integration
def test_real_digits_are_learned_by_a_convolution(mnist):
    result = zoo.train("conv2_relu", mnist.take(5000), seed=1, epochs=3, progress=False)
    assert 0.93 < zoo.evaluate(result.model, mnist.test).accuracy < 0.99


@pytest.mark.parametrize("name", ["linear", "conv1"])
def test_images_are_let_go_when_the_training_is_over(bars, name):
    """Searches and the lab train hundreds of networks in a process, each on data of its own."""
    data = Data(
        "own", *(Split(each.images.copy(), each.labels) for each in bars._splits().values())
    )
    arrays = [weakref.ref(split.images) for split in (data.train, data.validation, data.test)]
    zoo.train(name, data, epochs=1, monitor={"test": data.test}, progress=False)
    del data
    gc.collect()
    assert [array() for array in arrays] == [None] * 3
