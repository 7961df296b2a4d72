"""The files of a run's folder: nobody else's are replaced, and one training is at work there."""

from __future__ import annotations

import json
import threading

import keras
import numpy as np
import pytest

import zoo
from zoo.errors import RunError
from zoo.training import weights
from zoo.training.run_files import FILES, check_files, check_pictures, discard, held
from zoo.training.run_record import read_checkpoint, read_history, read_run

SILENT = {"epochs": 1, "progress": False}


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".run.lock"}


def put(folder, name):
    """A file of a user's, of a name that a run has, too."""
    folder.mkdir(exist_ok=True)
    if name == "weights.safetensors":
        zoo.save(zoo.build("linear", seed=1), folder / name)
    elif name == "checkpoint.safetensors":
        weights.write(folder / name, {"a": np.zeros(1, np.float32)}, {"step": "100"})
    else:
        (folder / name).write_text('{"mine": 1}' if name.endswith("json") else "a,b\n1,2\n")


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", FILES)
def test_a_users_file_is_not_replaced(bars, tmp_path, name, overwrite):
    put(tmp_path, name)
    before = contents(tmp_path)
    with pytest.raises(RunError, match=name) as caught:
        zoo.train("linear", bars.take(100), out=tmp_path, overwrite=overwrite, **SILENT)
    assert "\n" not in str(caught.value)
    assert contents(tmp_path) == before


def test_a_declaration_beside_a_users_weights_makes_no_run_of_them(bars, tmp_path):
    put(tmp_path, "weights.safetensors")
    (tmp_path / "spec.json").write_text(zoo.get_spec("linear").to_json())
    before = contents(tmp_path)
    with pytest.raises(RunError, match=r"weights\.safetensors is not of a run"):
        zoo.train("linear", bars.take(100), out=tmp_path, **SILENT)
    assert contents(tmp_path) == before
    (tmp_path / "weights.safetensors").unlink()
    with pytest.raises(RunError, match=r"spec\.json declares a run with other settings"):
        zoo.train("mlp30", bars.take(100), out=tmp_path, **SILENT)


def test_a_declaration_that_is_no_text_is_not_replaced(bars, tmp_path):
    (tmp_path / "spec.json").write_bytes(b"\xff\xfe")
    with pytest.raises(RunError, match=r"spec\.json"):
        zoo.train("linear", bars.take(100), out=tmp_path, **SILENT)
    assert (tmp_path / "spec.json").read_bytes() == b"\xff\xfe"


def test_a_members_folder_is_looked_into_before_anything_is_deleted(bars, tmp_path):
    member, few = (zoo.Softmax(),), bars.take(100)
    recipe = zoo.Recipe(cost="log_likelihood", epochs=1, learning_rate=0.1)
    vote = zoo.EnsembleSpec("vote", (member,) * 2, recipe)
    zoo.train(vote, few, out=tmp_path, progress=False)
    put(tmp_path / "member_3", "weights.safetensors")
    with pytest.raises(RunError, match=r"member_3.weights\.safetensors is not of a run"):
        zoo.train(vote, few, out=tmp_path, overwrite=True, progress=False)
    assert (tmp_path / "run.json").exists()


@pytest.mark.parametrize("kept", [*FILES, ".run.lock", "member_0/run.json"])
def test_pictures_beside_a_run_are_its_own(tmp_path, kept):
    (tmp_path / "wrong_digits.png").write_bytes(b"drawn")
    with pytest.raises(RunError, match=r"wrong_digits\.png is not of a run"):
        check_pictures(tmp_path)
    (tmp_path / kept).parent.mkdir(exist_ok=True)
    (tmp_path / kept).touch()
    check_pictures(tmp_path)


@pytest.mark.parametrize("kept", range(len(FILES)))
def test_a_killed_overwriting_is_taken_up(bars, tmp_path, kept, monkeypatch):
    """Whatever it had deleted."""
    few = bars.take(100)
    zoo.train("linear", few, seed=1, out=tmp_path, **SILENT)
    for name in [*reversed(FILES)][:kept]:
        (tmp_path / name).unlink(missing_ok=True)
    check_files(tmp_path)
    monkeypatch.setattr("zoo.training.fit._fit", lambda *_: pytest.fail("it goes on"))
    with pytest.raises(pytest.fail.Exception):
        zoo.train("linear", few, seed=2, out=tmp_path, overwrite=True, **SILENT)
    assert set(contents(tmp_path)) == {"spec.json"}


def test_only_files_of_a_run_go(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    discard(tmp_path)
    assert set(contents(tmp_path)) == {"notes.txt"}


class Meanwhile(keras.callbacks.Callback):
    """Trains another seed into the same folder, from another thread."""

    def __init__(self, call):
        super().__init__()
        self.call, self.errors = call, []

    def on_epoch_end(self, epoch, logs=None):
        thread = threading.Thread(target=self._train)
        thread.start()
        thread.join()

    def _train(self):
        try:
            self.call()
        except RunError as error:
            self.errors.append(str(error))


@pytest.mark.parametrize("overwrite", [False, True])
def test_of_two_trainings_in_one_folder_the_second_is_refused(bars, tmp_path, overwrite):
    few = bars.take(100)

    def second():
        zoo.train("linear", few, seed=2, out=tmp_path, overwrite=overwrite, **SILENT)

    meanwhile = Meanwhile(second)
    zoo.train("linear", few, seed=1, out=tmp_path, callbacks=[meanwhile], **SILENT)
    assert len(meanwhile.errors) == 1
    assert "another training is at work in" in meanwhile.errors[0]
    assert json.loads((tmp_path / "run.json").read_text())["seed"] == 1


def test_a_finished_run_is_read_from_a_folder_that_is_held(bars, tmp_path):
    few = bars.take(100)
    first = zoo.train("linear", few, out=tmp_path, **SILENT)
    with held(tmp_path):
        assert zoo.train("linear", few, out=tmp_path, **SILENT).history == first.history
        with pytest.raises(RunError, match="another training is at work"):
            zoo.train("linear", few, out=tmp_path, overwrite=True, **SILENT)


@pytest.mark.parametrize("name", ["run.json", "weights.safetensors", "spec.json", "history.csv"])
@pytest.mark.parametrize("share", [0, 0.5])
def test_a_damaged_run_is_replaced_where_that_is_asked_for(bars, tmp_path, name, share):
    few = bars.take(100)
    expected = zoo.train("linear", few, out=tmp_path, **SILENT)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(share * len(whole))])
    if name in ("run.json", "weights.safetensors"):
        with pytest.raises(RunError, match="--overwrite"):
            zoo.train("linear", few, out=tmp_path, **SILENT)
    again = zoo.train("linear", few, out=tmp_path, overwrite=True, **SILENT)
    assert again.history[-1]["loss"] == expected.history[-1]["loss"]
    assert read_run(tmp_path / "run.json").network == again.spec


def test_a_set_that_is_not_scored_to_the_end_leaves_its_cells_empty(bars, tmp_path):
    few = bars.take(100)
    spec = zoo.get_spec("linear").with_settings(epochs=2)

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        zoo.train(
            spec, few, monitor={"test": few.test}, callbacks=[Stop()], out=tmp_path, progress=False
        )
    zoo.train(spec, few, out=tmp_path, progress=False)
    first, last = read_history(tmp_path / "history.csv")
    assert "test_accuracy" in first
    assert "test_accuracy" not in last
    assert (first["epoch"], last["epoch"]) == (1, 2)


def test_a_checkpoint_without_a_loss_is_damaged(bars, tmp_path):
    rows = [{"epoch": 1, "seconds": 0.1, "val_accuracy": 0.5}]
    record = {"spec_hash": "", "seed": 0, "data": "", "rows": rows, "best_epoch": 1}
    with pytest.raises(RunError, match="epoch 1 has no number for loss"):
        read_checkpoint(json.dumps(record), tmp_path / "checkpoint.safetensors")
