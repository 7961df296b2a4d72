"""SavedModels: endpoints for bytes, floats and files; whole versions; warm-up requests."""

from __future__ import annotations

import io
import json
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import zoo
from tests import children
from tests.export.warmup_requests import read_warmup
from tests.paths import ATTACKS
from zoo.data.pictures import PictureFormat, read_picture
from zoo.errors import RunError, SpecError
from zoo.export import FORMATS, export, isolated_client
from zoo.export.description import describe
from zoo.export.runners import in_batches, keras_runner, saved_model_alone, saved_model_runner
from zoo.export.saved_model import ENDPOINTS, export_saved_model
from zoo.export.warmup import FILE, write_warmup

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 28, 28, 1), dtype=np.uint8)


@pytest.fixture(scope="module")
def model():
    return zoo.build("mlp30", seed=1)


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("saved_models")
    return export(model, "saved_model", place, name="mlp30", metadata={"accuracy": 0.9})


def png(pixels: np.ndarray, mode: str = "L", kind: str = "PNG") -> bytes:
    """An image file of grey pixels [height, width]."""
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("start", ["forked", pytest.param("fresh", marks=pytest.mark.integration)])
def test_a_process_without_zoo_and_keras_gives_the_same_answers(model, folder, start, request):
    if start == "forked":
        request.getfixturevalue("forked_client")
    expected = in_batches(keras_runner(model), IMAGES)
    outputs = saved_model_alone(folder, IMAGES)
    assert tuple(outputs) == ENDPOINTS
    for answers in outputs.values():
        assert set(answers) == {"digit", "probabilities"}
        np.testing.assert_array_equal(answers["digit"], expected["digit"])
        np.testing.assert_allclose(answers["probabilities"], expected["probabilities"], atol=1e-6)


@pytest.mark.integration
def test_that_process_can_import_neither(folder, tmp_path):
    np.save(tmp_path / "images.npy", IMAGES)
    program = f"""{Path(isolated_client.__file__).read_text()}
for name in ("zoo", "keras"):
    try:
        __import__(name)
    except ModuleNotFoundError as error:
        print(error)
"""
    arguments = [folder, tmp_path / "images.npy", tmp_path / "answers.npz", "bytes"]
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, *arguments], capture_output=True, text=True
    )
    printed = [line.partition(";")[0] for line in done.stdout.splitlines()]
    assert printed == ["import of zoo halted", "import of keras halted"]
    assert (tmp_path / "answers.npz").exists()


@pytest.mark.usefixtures("forked_client")
def test_a_folder_that_does_not_run_is_one_line(tmp_path):
    with pytest.raises(RunError, match=r"does not run by itself .*: export it again") as raised:
        saved_model_alone(tmp_path, IMAGES)
    assert "\n" not in str(raised.value)


def test_inputs_and_outputs_have_their_names_and_kinds(folder):
    loaded = tf.saved_model.load(str(folder))
    assert set(loaded.signatures) == set(ENDPOINTS)
    taken = {"floats": tf.float32, "encoded": tf.string}
    for name, endpoint in loaded.signatures.items():
        ((), inputs), outputs = endpoint.structured_input_signature, endpoint.structured_outputs
        shape = [None] if name == "encoded" else [None, 28, 28, 1]
        assert list(inputs) == ["images"]
        assert inputs["images"].shape.as_list() == shape
        assert inputs["images"].dtype == taken.get(name, tf.uint8)
        assert {name: (out.dtype, out.shape.as_list()) for name, out in outputs.items()} == {
            "digit": (tf.int64, [None]),
            "probabilities": (tf.float32, [None, 10]),
        }


def test_weights_are_stored_once(model, folder):
    stored = sum(file.stat().st_size for file in (folder / "variables").iterdir())
    assert stored < 4 * model.count_params() + 5_000


def test_floats_are_rounded_to_bytes_and_anything_else_refused(folder):
    bytes_, floats = (saved_model_runner(folder, name) for name in ("bytes", "floats"))
    exact = (IMAGES / 256).astype("float32")
    expected = bytes_(IMAGES)["probabilities"]
    for given in (exact, exact + 0.001, np.where(IMAGES == 255, 1, exact).astype("float32")):
        np.testing.assert_array_equal(floats(given)["probabilities"], expected)
    for wrong in (IMAGES.astype("float32"), exact - 1, exact * np.nan):
        with pytest.raises(tf.errors.InvalidArgumentError, match="floats takes pixels in 0"):
            floats(wrong)


def test_files_of_any_kind_are_decoded(folder):
    encoded, bytes_ = (saved_model_runner(folder, name) for name in ("encoded", "bytes"))
    picture = IMAGES[0, :, :, 0]
    files = [png(picture), png(picture, "RGB"), png(picture, "RGBA")]
    for answer in encoded(np.array(files, object))["probabilities"]:
        np.testing.assert_allclose(answer, bytes_(IMAGES[:1])["probabilities"][0], atol=1e-6)
    (digit,) = encoded(np.array([png(picture, kind="JPEG")], object))["digit"]
    assert digit in range(10)
    assert encoded(np.array([], object))["probabilities"].shape == (0, 10)


def _jpeg_of(height: int, width: int) -> bytes:
    """A JPEG whose header tells of another size than it has."""
    sound = png(IMAGES[0, :, :, 0], kind="JPEG")
    sizes = sound.index(b"\xff\xc0") + 5
    return sound[:sizes] + struct.pack(">HH", height, width) + sound[sizes + 4 :]


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"no picture",
        b"\x89PNG\r\n\x1a\n",
        (ATTACKS / "not_an_image.png").read_bytes(),
        (ATTACKS / "huge.png").read_bytes(),
        _jpeg_of(20_000, 20_000),
        png(IMAGES[0, :, :, 0], kind="GIF"),
    ],
    ids=["nothing", "text", "cut short", "a page", "huge PNG", "huge JPEG", "GIF"],
)
def test_a_file_that_is_no_picture_or_too_large_is_refused_undecoded(folder, file):
    encoded = saved_model_runner(folder, "encoded")
    with pytest.raises(tf.errors.InvalidArgumentError, match="encoded takes PNG or JPEG files of"):
        encoded(np.array([png(IMAGES[0, :, :, 0]), file], object))


def test_damaged_and_tiny_pictures(folder):
    encoded = saved_model_runner(folder, "encoded")
    with pytest.raises(tf.errors.InvalidArgumentError):
        encoded(np.array([(ATTACKS / "truncated.jpg").read_bytes()], object))
    (digit,) = encoded(np.array([(ATTACKS / "one_pixel.png").read_bytes()], object))["digit"]
    assert digit in range(10)


def test_files_of_other_sizes_become_28x28_with_black_at_the_sides(folder):
    encoded, bytes_ = (saved_model_runner(folder, name) for name in ("encoded", "bytes"))
    high = np.zeros((56, 28), np.uint8)
    high[20:40, 8:20] = 200
    fitted = np.zeros((1, 28, 28, 1), np.uint8)
    fitted[0, 10:20, 11:17, 0] = 200
    tall = encoded(np.array([png(high)], object))["probabilities"]
    np.testing.assert_allclose(tall, bytes_(fitted)["probabilities"], atol=0.1)


def test_a_version_stays_and_the_next_free_one_is_named(model, folder):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    (folder.parent / "7").mkdir()
    with pytest.raises(RunError, match=r"1 exists already.*: the next free one is 8"):
        export(model, "saved_model", folder.parent.parent, name="mlp30", version=1)
    (folder.parent / "7").rmdir()
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert [path.name for path in folder.parent.iterdir()] == ["1"]


def test_whoever_comes_second_is_told_so(model, tmp_path, monkeypatch):
    folder = tmp_path / "mlp30" / "1"

    def meanwhile(*_):
        folder.mkdir()
        (folder / "saved_model.pb").write_text("theirs")

    monkeypatch.setattr("zoo.export.saved_model._write", lambda *_, **__: meanwhile())
    with pytest.raises(RunError, match="the next free one is 2"):
        export_saved_model(model, folder, {})
    assert (folder / "saved_model.pb").read_text() == "theirs"
    assert [path.name for path in folder.parent.iterdir()] == ["1"]


@pytest.mark.parametrize("version", ["latest", "-1", "1.0", ""])
def test_versions_are_whole_numbers(model, tmp_path, version):
    with pytest.raises(SpecError, match="must be a whole number"):
        export_saved_model(model, tmp_path / version, {})
    assert not list(tmp_path.iterdir())


def test_metadata_lies_beside_the_model(folder):
    metadata = json.loads((folder / "metadata.json").read_text())
    assert metadata["accuracy"] == 0.9
    assert tuple(metadata["signatures"]) == ENDPOINTS
    assert "white ink on black" in metadata["signatures"]["encoded"]


@pytest.fixture(scope="module")
def of_pictures(tmp_path_factory):
    """The folder of a network of pictures of 12x20, in two classes, stretched in training."""
    model = zoo.build("linear", seed=1, input_shape=(12, 20, 1), classes=2)
    metadata = {"class_names": ["dark", "light"], "resize": "stretch"}
    place = tmp_path_factory.mktemp("pictures")
    return export(model, "saved_model", place, name="linear", metadata=metadata)


def test_files_come_to_the_size_as_in_training(of_pictures, tmp_path):
    encoded, bytes_ = (saved_model_runner(of_pictures, name) for name in ("encoded", "bytes"))
    pixels = np.random.default_rng(1).integers(0, 256, (60, 20, 3), dtype=np.uint8)
    path = tmp_path / "picture.png"
    Image.fromarray(pixels).save(path)
    answers = {
        each: bytes_(read_picture(path, PictureFormat((12, 20), 1, each))[None])["probabilities"]
        for each in ("stretch", "crop", "pad")
    }
    found = encoded(np.array([path.read_bytes()], object))["probabilities"]
    apart = {each: np.abs(found - answer).max() for each, answer in answers.items()}
    assert apart.pop("stretch") < 0.005
    assert min(apart.values()) > 0.01, "another way must show"


def test_metadata_of_other_pictures_do_not_speak_of_ink(of_pictures):
    metadata = json.loads((of_pictures / "metadata.json").read_text())
    assert metadata["resize"] == "stretch"
    assert not re.search("ink|MNIST", json.dumps(metadata["signatures"]))
    assert "made 12x20 in grey, stretched" in metadata["signatures"]["encoded"]
    assert metadata["signatures"]["bytes"].startswith("uint8 [n, 12, 20, 1], 0 to 255")


def test_ten_classes_of_other_names_are_no_digits():
    names = [f"letter {n}" for n in range(10)]
    described = describe("mlp30", (28, 28, 1), 10, {"class_names": names})
    assert "ink" not in described.images
    assert "ink" in describe("mlp30", (28, 28, 1), 10, {}).images


@pytest.mark.parametrize("format", ["saved_model", "onnx"])
def test_another_way_to_resize_is_refused(model, tmp_path, format):
    with pytest.raises(SpecError, match="resize must be one of stretch, crop, pad, not 'squeeze'"):
        export(model, format, tmp_path, name="mlp30", metadata={"resize": "squeeze"})
    assert not list(tmp_path.rglob("*.*"))


def test_warm_up_requests_name_the_endpoints_and_are_answered(folder):
    requests = read_warmup(folder)
    assert tuple(requests) == ENDPOINTS
    for endpoint, images in requests.items():
        assert len(saved_model_runner(folder, endpoint)(images)["digit"]) == 1


def test_warm_up_requests_are_what_the_server_reads(tmp_path):
    write_warmup(tmp_path, "conv1", {"bytes": tf.constant(IMAGES[:2])})
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    (record,) = tf.data.TFRecordDataset(str(tmp_path / FILE)).as_numpy_iterator()
    log = PredictionLog.FromString(record)
    assert log.WhichOneof("log_type") == "predict_log"
    request = log.predict_log.request
    assert (request.model_spec.name, request.model_spec.signature_name) == ("conv1", "bytes")
    np.testing.assert_array_equal(tf.make_ndarray(request.inputs["images"]), IMAGES[:2])


def test_a_full_disk_is_one_line_and_leaves_no_version(tmp_path):
    # The system refuses to let any file grow beyond the limit, as a full disk would.
    program = """
import resource, signal, sys
import numpy as np
from zoo.errors import RunError
from zoo.export import FORMATS, export
from zoo.pretrained.models import build
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
for format in FORMATS:
    images = np.zeros((5, 28, 28, 1), "uint8")
    try:
        export(build("mlp30"), format, sys.argv[1], name="mlp30", calibration=images)
    except RunError as error:
        print(error)
"""
    done = children.run(["-c", program, tmp_path])
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["cannot", "write"]] * len(FORMATS), (
        done.stderr[-2000:]
    )
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not list((tmp_path / "mlp30").iterdir())


@pytest.mark.parametrize("format", ["saved_model", "onnx"])
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"metadata": {"class_names": ["a", "b"]}}, "2 class_names, for 10 classes"),
        ({"metadata": {"notes": {1, 2}}}, "metadata must be plain data, as JSON has it"),
        ({"name": "../mlp30"}, "no name for an export"),
        ({"name": ""}, "no name for an export"),
    ],
)
def test_what_makes_no_sense_leaves_nothing_behind(model, tmp_path, format, settings, message):
    with pytest.raises(SpecError, match=message):
        export(model, format, tmp_path / "out", **{"name": "mlp30", **settings})
    assert not list(tmp_path.rglob("*.*"))


def test_digits_on_paper_are_not_called_ink_on_black():
    described = describe("mlp30", (28, 28, 1), 10, {"resize": "pad", "on_black": False})
    assert "ink" not in described.images
