"""Exports: any network, in every format, answers as the Keras model does."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests.paths import ROOT
from zoo.errors import RunError, SpecError, UnknownNameError
from zoo.evaluation.scores import evaluate
from zoo.export import FORMATS, export, next_version, path_of
from zoo.export.common import converting, described_file, plain_argmax, suppress_tool_output, tool
from zoo.export.runners import (
    file_runner,
    in_batches,
    keras_runner,
    litert_runner,
    onnx_runner,
    saved_model_runner,
)
from zoo.export.verify import faults_of, matrix_text, verify

MEMBER = (zoo.FullyConnected(12), zoo.Softmax())
VOTE = zoo.EnsembleSpec(
    "small_vote",
    (MEMBER, MEMBER),
    zoo.Recipe(cost="log_likelihood", epochs=1, learning_rate=0.1),
)


def own_net():
    """A network written in Keras, by somebody else, with layers that the zoo has none of."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 3, strides=2, padding="same"),
            keras.layers.BatchNormalization(),
            keras.layers.LeakyReLU(),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(10, "softmax"),
        ]
    )


def build(name: str) -> keras.Model:
    """An untrained network whose answers differ from image to image."""
    if name == "own_net":
        zoo.register("own_net")(own_net)
    try:
        model = zoo.build(VOTE if name == "small_vote" else name, seed=1)
    finally:
        if name == "own_net":
            zoo.unregister("own_net")
    generator = np.random.default_rng(2)
    for variable in model.trainable_variables:
        variable.assign(generator.normal(0, 0.3, variable.shape))
    return model


@pytest.fixture(scope="module")
def trained(bars) -> keras.Model:
    spec = zoo.get_spec("mlp30").with_settings(images=2000, epochs=5)
    return zoo.train(spec, bars, seed=1, progress=False).model


@pytest.fixture(scope="module")
def exported(trained, bars, tmp_path_factory) -> dict[str, Path]:
    """The trained network in every format."""
    folder = tmp_path_factory.mktemp("exported")
    return {
        format: export(
            trained,
            format,
            folder,
            name="mlp30",
            metadata={"network": "mlp30"},
            calibration=bars.train.images[:100],
        )
        for format in FORMATS
    }


@pytest.mark.parametrize(
    "name",
    [
        "conv1",
        pytest.param("small_vote", marks=pytest.mark.integration),
        pytest.param("own_net", marks=pytest.mark.integration),
    ],
)
@pytest.mark.usefixtures("forked_client")
def test_every_form_of_every_kind_of_network_answers_alike(name, bars):
    some = zoo.Split(bars.test.images[:100], bars.test.labels[:100])
    rows = verify(build(name), some, bars.train.images[:100])
    assert [row.form.split()[0] for row in rows] == [
        "Keras", *["saved_model"] * 4, "onnx", "onnx_int8", "litert", "litert_int8",
        "litert_batch1",
    ]  # fmt: skip
    for row in rows:
        if "int8" not in row.form:
            assert (row.differing, row.score) == (0, rows[0].score), row
            assert row.difference < 1e-5, row
        else:
            assert row.differing < 0.1 * len(some), row
            assert row.difference < 0.5, row
        assert row.alike, row


@pytest.mark.integration
def test_the_votes_of_an_int8_vote_are_counts_of_ballots(trained, bars, tmp_path):
    vote = zoo.vote([trained, build("mlp30"), build("small_vote")], name="three")
    images = bars.test.images[:200]
    for format in ("litert_int8", "onnx_int8"):
        path = export(vote, format, tmp_path, name="three", calibration=bars.train.images[:50])
        votes = in_batches(file_runner(path), images)["votes"]
        np.testing.assert_allclose(votes.sum(axis=1), 1, atol=1e-6)
        np.testing.assert_allclose(votes * 3, np.round(votes * 3), atol=1e-5)


def test_every_output_is_compared_not_the_digit_alone():
    right = {"digit": np.array([3]), "probabilities": np.eye(10)[[3]], "votes": np.eye(10)[[3]]}
    assert not faults_of(right, right, exact=True)
    wrong = {**right, "votes": right["votes"] + 0.502}
    assert faults_of(wrong, right, exact=True) == ("votes differ by 0.5",)
    assert faults_of(wrong, right, exact=False) == ("the sum of votes differs by 5",)
    moved = {**right, "votes": np.eye(10)[[4]], "digit": np.array([4])}
    assert faults_of(moved, right, exact=True) == ("1 other digits", "votes differ by 1")
    assert not faults_of(moved, right, exact=False)
    assert faults_of({"digit": right["digit"]}, right, exact=False) == (
        "puts out digit, not digit, probabilities, votes",
    )


@pytest.mark.integration
def test_bytes_in_place_of_floats_cost_a_trained_network_nothing(trained, exported, bars):
    score = evaluate(trained, bars.test)
    assert score.accuracy > 0.9
    for format, runner in (("onnx_int8", onnx_runner), ("litert_int8", litert_runner)):
        answers = in_batches(runner(exported[format]), bars.test.images)
        right = np.sum(answers["digit"] == bars.test.labels)
        assert abs(right - score.correct) <= 0.01 * score.total
        whole = exported[format.removesuffix("_int8")]
        assert exported[format].stat().st_size < 0.5 * whole.stat().st_size


@pytest.mark.usefixtures("forked_client")
def test_a_version_exported_before_is_verified_too(trained, exported, bars, monkeypatch):
    monkeypatch.setattr("zoo.export.verify.FORMATS", ("onnx",))
    split = zoo.Split(bars.test.images[:20], bars.test.labels[:20])
    rows = verify(trained, split, bars.train.images[:20], saved_model=exported["saved_model"])
    assert [row.form for row in rows[-4:]] == [
        f"{exported['saved_model']} {endpoint}"
        for endpoint in ("serving_default", "bytes", "floats", "encoded")
    ]
    assert {row.differing for row in rows[-4:]} == {0}
    table = matrix_text(rows).splitlines()
    assert len(table) == len(rows) + 1
    assert len({line.index("/ 20") for line in table[1:]}) == 1


def test_a_version_that_is_not_there_is_told_before_the_work_begins(trained, bars, tmp_path):
    with pytest.raises(RunError, match="holds no SavedModel: python -m zoo export"):
        verify(trained, bars.test, bars.train.images[:20], saved_model=tmp_path / "1")


@pytest.mark.integration
def test_a_vote_of_models_puts_out_its_votes(trained, bars, tmp_path):
    vote = zoo.vote([trained, build("conv1"), build("small_vote")], name="three")
    expected = in_batches(keras_runner(vote), bars.test.images)
    assert expected["votes"].max() == 1 > expected["votes"].max(axis=1).min()
    for format, runner in (
        ("onnx", onnx_runner),
        ("litert", litert_runner),
        ("saved_model", saved_model_runner),
    ):
        path = export(vote, format, tmp_path, name="three")
        answers = in_batches(runner(path), bars.test.images)
        assert set(answers) == {"digit", "probabilities", "votes"}
        for name, array in expected.items():
            np.testing.assert_allclose(answers[name], array, atol=1e-5)


@pytest.mark.parametrize("threads", [1, 2])
def test_runners_take_any_number_of_images_and_threads(trained, exported, bars, threads):
    runners = [
        keras_runner(trained),
        onnx_runner(exported["onnx"], threads),
        litert_runner(exported["litert"], threads),
    ]
    for count in (1, 7, 30):
        first, *others = [in_batches(run, bars.test.images[:count], size=10) for run in runners]
        for other in others:
            assert set(other) == {"digit", "probabilities"}
            assert other["digit"].dtype in (np.int64, np.int32)
            np.testing.assert_array_equal(other["digit"], first["digit"])
            np.testing.assert_allclose(other["probabilities"], first["probabilities"], atol=1e-5)


def test_files_lie_where_path_of_says_each_with_its_metadata(exported):
    folder = exported["onnx"].parent
    assert {path.name for path in folder.iterdir() if not path.is_dir()} == {
        file + end
        for file in (
            "mlp30.onnx",
            "mlp30-int8.onnx",
            "mlp30.tflite",
            "mlp30-int8.tflite",
            "mlp30-batch1.tflite",
        )
        for end in ("", ".json")
    }
    for format in set(FORMATS) - {"saved_model"}:
        path = exported[format]
        assert path == path_of(format, folder.parent, name="mlp30")
        metadata = json.loads(path.with_name(f"{path.name}.json").read_text())
        assert metadata["network"] == "mlp30"
        assert metadata["size"] == path.stat().st_size
        assert metadata["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_versions_count_on_from_the_highest(tmp_path):
    assert next_version(tmp_path / "nothing") == 1
    for name in ("1", "9", "10", "notes", ".12-ab"):
        (tmp_path / "net" / name).mkdir(parents=True)
    assert next_version(tmp_path / "net") == 11
    assert path_of("saved_model", tmp_path, name="net") == tmp_path / "net" / "11"
    assert path_of("saved_model", tmp_path, name="net", version=3) == tmp_path / "net" / "3"


def test_an_unknown_format_is_answered_with_the_nearest(trained, tmp_path):
    with pytest.raises(UnknownNameError, match=r"'onxx'\. Did you mean 'onnx'\? Formats: saved_"):
        export(trained, "onxx", tmp_path, name="mlp30")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("format", ["onnx_int8", "litert_int8"])
@pytest.mark.parametrize(
    ("images", "said"),
    [
        (None, "needs calibration images"),
        (np.zeros((0, 28, 28, 1), "uint8"), "needs calibration images"),
        (np.zeros((5, 28, 28, 1), "float32"), "bytes 28x28x1, not float32"),
        (np.zeros((5, 28, 28), "uint8"), r"not uint8 of shape \(28, 28\)"),
    ],
)
def test_bytes_need_calibration_images(trained, tmp_path, format, images, said):
    with pytest.raises(SpecError, match=said):
        export(trained, format, tmp_path, name="mlp30", calibration=images)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("format", ["onnx", "litert"])
def test_a_file_that_exists_is_kept_unless_told_otherwise(trained, tmp_path, format):
    path = path_of(format, tmp_path, name="mlp30")
    path.parent.mkdir()
    path.write_text("something else")
    with pytest.raises(RunError, match="exists already: overwrite it, or choose another folder"):
        export(trained, format, tmp_path, name="mlp30")
    assert path.read_text() == "something else"
    export(trained, format, tmp_path, name="mlp30", overwrite=True)
    assert path.stat().st_size > 50_000


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("place", ["file", "/proc/zoo-exports"])
def test_a_folder_that_cannot_be_written(trained, tmp_path, bars, format, place):
    (tmp_path / "file").write_text("in the way")
    folder = tmp_path / place
    with pytest.raises(RunError, match=f"cannot write {folder}.*: make room, or choose another"):
        export(trained, format, folder, name="mlp30", calibration=bars.train.images[:10])
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("format", ["ONNX", "LiteRT"])
def test_a_layer_that_a_format_lacks_is_one_line(tmp_path, format):
    images = keras.Input((28, 28, 1), dtype="uint8", name="images")
    flat = keras.layers.Flatten()(images)
    roots = keras.ops.erfinv(keras.ops.cast(flat[:, :10], "float32") / 512)
    with pytest.raises(RunError, match=f"odd does not become {format}.*Erfinv") as raised:
        export(keras.Model(images, roots, name="odd"), format.lower(), tmp_path, name="odd")
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.rglob("*.*"))


def test_only_a_converters_own_errors_become_one_line():
    model = keras.Sequential(name="net")
    with pytest.raises(OSError, match="full"), converting(model, "stone"):
        raise OSError("full")
    said = r"^net does not become stone \(one\): use layers that stone has, or another format$"
    with pytest.raises(RunError, match=said), converting(model, "stone"):
        raise ValueError("one\ntwo\nthree")
    # TensorFlow has one family of errors for a disk that is full, and for what it cannot compute.
    full = tf.errors.ResourceExhaustedError(None, None, "full")
    with pytest.raises(tf.errors.OpError, match="full"), converting(model, "stone"):
        raise full
    with pytest.raises(RunError, match=said), converting(model, "stone"):
        raise tf.errors.InvalidArgumentError(None, None, "one\ntwo")


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)  # an import of it fails
    said = r"^onnx is not installed: pip install 'neural-zoo\[export\]'$"
    with pytest.raises(RunError, match=said):
        tool("onnx")


def test_argmax_is_keras_own_again_after_a_failure():
    zeros = np.float32([[-0.0, 0.0]])

    def fail():
        with plain_argmax():
            assert keras.ops.argmax(zeros, axis=-1)[0] == 0
            assert keras.ops.argmax(zeros) == 1  # the form that networks do not use is left alone
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert keras.ops.argmax(zeros, axis=-1)[0] == 1


def test_a_failed_file_leaves_neither_it_nor_its_metadata(tmp_path):
    def fail():
        with described_file(tmp_path / "net.onnx", {}, overwrite=False) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert not list(tmp_path.iterdir())


def test_quiet_is_over_when_the_tool_is_done(capfd):
    with suppress_tool_output():
        print("chatter")
        os.write(2, b"chatter")  # as compiled code does
        warnings.warn("chatter", stacklevel=1)
        logging.warning("chatter")
    print("out")
    print("err", file=sys.stderr)
    assert capfd.readouterr() == ("out\n", "err\n")


QUICK = """
import sys
import zoo.export
assert not {"tensorflow", "keras", "numpy"} & set(sys.modules)
"""
SILENT = """
from zoo.utils.tensorflow import import_tensorflow
import_tensorflow()
import numpy as np
from zoo.export import FORMATS, export
from zoo.export.runners import litert_runner, onnx_runner
from zoo.pretrained.models import build
images = np.zeros((5, 28, 28, 1), "uint8")
paths = {
    format: export(build("mlp30"), format, sys.argv[1], name="mlp30", calibration=images)
    for format in FORMATS
}
onnx_runner(paths["onnx"])(images), litert_runner(paths["litert_int8"])(images)
"""


@pytest.mark.parametrize(
    "program",
    [QUICK, pytest.param(QUICK + SILENT, marks=pytest.mark.integration)],
    ids=["import", "export"],
)
def test_importing_is_quick_and_exporting_is_silent(program, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
