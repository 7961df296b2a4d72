"""Models and weights that nobody should load: each is refused in a line, and nothing of it runs."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from keras.src.saving import saving_lib
from PIL import Image, ImageDraw

import zoo
from tests.paths import ROOT
from zoo.errors import RunError, UnknownNameError


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("models") / "linear.keras"
    zoo.build("linear", seed=1).save(path)
    return path


def test_a_keras_file_with_a_lambda_is_refused_and_safe_mode_stays_on(tmp_path):
    images = keras.Input((28, 28, 1))
    code = keras.layers.Lambda(
        lambda x: (__import__("os").environ.__setitem__("ZOO_LAMBDA_RAN", "1"), x)[1],
        output_shape=(28, 28, 1),
    )
    keras.Model(images, code(images)).save(tmp_path / "odd.keras")
    os.environ.pop("ZOO_LAMBDA_RAN", None)
    with pytest.raises((ValueError, TypeError), match=r"safe_mode|unsafe|Lambda"):
        keras.models.load_model(tmp_path / "odd.keras")
    assert "ZOO_LAMBDA_RAN" not in os.environ
    for path in (*(ROOT / "zoo").rglob("*.py"), *(ROOT / "tuning").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert "safe_mode" not in text, path
        assert "enable_unsafe_deserialization" not in text, path


def test_a_keras_file_that_is_a_bomb_is_refused(saved, tmp_path, monkeypatch):
    # Keras' floor is 4 GiB, which would take half a minute to write.
    monkeypatch.setattr(saving_lib, "_ZIP_MEMBER_BOMB_FLOOR_BYTES", 2**20)
    with (
        zipfile.ZipFile(saved) as sound,
        zipfile.ZipFile(tmp_path / "bomb.keras", "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for name in sound.namelist():
            padding = b" " * 2**22 if name == "config.json" else b""
            bomb.writestr(name, sound.read(name) + padding)
    with pytest.raises(ValueError, match="bomb"):
        keras.models.load_model(tmp_path / "bomb.keras")


def test_the_zoo_takes_no_keras_file_for_weights(saved):
    with pytest.raises(RunError, match="no safetensors file") as raised:
        zoo.build("linear", weights=saved)
    assert "\n" not in str(raised.value)
    with pytest.raises(UnknownNameError, match=r"zoo.build\(NAME, weights=PATH\)"):
        zoo.load(saved)


def test_weights_of_another_number_of_classes_are_refused(tmp_path):
    six = zoo.ModelSpec("six", (zoo.Softmax(6),), zoo.get_spec("conv1").recipe)
    ten = zoo.ModelSpec("ten", (zoo.Softmax(),), zoo.get_spec("conv1").recipe)
    zoo.save(zoo.build(six, seed=1), tmp_path / "six.safetensors")
    with pytest.raises(RunError, match=r"other layers: .* has shape \(784, 6\), not \(784, 10\)"):
        zoo.build(ten, weights=tmp_path / "six.safetensors")
    model = zoo.build(ten, seed=1)
    images = np.zeros((4, 28, 28, 1), np.uint8)
    with pytest.raises(zoo.DataError, match="labels are whole numbers from 0 to 9"):
        model.fit(images, np.full(4, 10), verbose=0)


@pytest.mark.parametrize("words", [["list"], ["predict", "mlp30", "one.png"]])
def test_a_home_that_cannot_be_written_is_no_obstacle(words, tmp_path):
    picture = Image.new("L", (200, 200), 255)
    ImageDraw.Draw(picture).line([(100, 30), (100, 170)], fill=0, width=16)
    picture.save(tmp_path / "one.png")
    # Nobody writes there, root included.
    homes = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR"), "/proc/nobody")
    done = subprocess.run(
        [sys.executable, "-m", "zoo", *words],
        cwd=tmp_path,
        env={**os.environ, **homes, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
