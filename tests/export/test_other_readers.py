"""Exports in the hands of other programs: OpenVINO, tf2onnx, ONNX Runtime, LiteRT, Android."""

from __future__ import annotations

import io
import json
import struct
import sys
import zipfile
from pathlib import Path

import flatbuffers.table
import numpy as np
import pytest

import zoo
from tests.export.warmup_requests import read_warmup
from zoo.evaluation.scores import predict
from zoo.export import export
from zoo.export.common import suppress_tool_output

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 28, 28, 1), dtype=np.uint8)
NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
METADATA = {
    "class_names": NAMES,
    "spec": {"name": "mlp30", "summary": "one hidden layer"},
    "spec_hash": "abc",
}


def needs(module: str):
    extra = "clients" if module == "openvino" else "export"
    return pytest.importorskip(
        module, reason=f"{module} is not installed: pip install 'neural-zoo[{extra}]'"
    )


@pytest.fixture(scope="module")
def vote():
    """An ensemble, since it has all three outputs."""
    return zoo.vote([zoo.load("mlp30"), zoo.load("shallow"), zoo.load("conv1")], name="three")


@pytest.fixture(scope="module")
def expected(vote) -> np.ndarray:
    return predict(vote, zoo.Split(IMAGES, np.arange(20, dtype=np.int32) % 10)).predicted


@pytest.fixture(scope="module")
def exported(vote, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("exported")
    return {
        format: export(vote, format, folder, name="three", metadata=METADATA)
        for format in ("saved_model", "onnx", "litert", "litert_batch1")
    }


@pytest.mark.integration
def test_openvino_reads_the_saved_model(exported, expected):
    openvino = needs("openvino")
    model = openvino.Core().read_model(str(exported["saved_model"]))
    outputs = openvino.compile_model(model, "CPU")(IMAGES)
    np.testing.assert_array_equal(outputs["digit"], expected)
    assert outputs["votes"].shape == outputs["probabilities"].shape == (20, 10)


@pytest.mark.integration
def test_tf2onnx_reads_the_saved_model(exported, expected, tmp_path, monkeypatch):
    convert = needs("tf2onnx.convert")
    onnxruntime = needs("onnxruntime")
    path = tmp_path / "read.onnx"
    options = ["--saved-model", exported["saved_model"], "--output", path, "--opset", "18"]
    monkeypatch.setattr(sys, "argv", ["tf2onnx", *map(str, options)])
    with suppress_tool_output():
        convert.main()
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (digit,) = session.run(["digit"], {"images": IMAGES})
    np.testing.assert_array_equal(digit, expected)


def test_an_onnx_file_says_what_it_is(exported, expected):
    onnxruntime = needs("onnxruntime")
    session = onnxruntime.InferenceSession(exported["onnx"], providers=["CPUExecutionProvider"])
    shapes = {each.name: each.shape for each in (*session.get_inputs(), *session.get_outputs())}
    assert shapes == {
        "images": ["batch", 28, 28, 1],
        "digit": ["batch"],
        "probabilities": ["batch", 10],
        "votes": ["batch", 10],
    }
    about = session.get_modelmeta()
    assert about.description == "three: one hidden layer"
    properties = about.custom_metadata_map
    assert json.loads(properties["class_names"]) == NAMES
    assert properties["images"].startswith("bytes (uint8, 0 to 255, not scaled), [batch, 28, 28, 1")
    assert properties["spec_hash"] == "abc"
    assert json.loads(properties["spec"]) == METADATA["spec"]
    (digit,) = session.run(["digit"], {"images": IMAGES})
    np.testing.assert_array_equal(digit, expected)


def test_openvino_reads_the_onnx_file(exported, expected):
    openvino = needs("openvino")
    model = openvino.Core().read_model(str(exported["onnx"]))
    outputs = openvino.compile_model(model, "CPU")(IMAGES)
    np.testing.assert_array_equal(outputs["digit"], expected)


@pytest.mark.parametrize("format", ["litert", "litert_batch1"])
def test_litert_has_types_and_sizes_that_every_reader_takes(exported, expected, format):
    interpreter = needs("ai_edge_litert.interpreter").Interpreter(str(exported[format]))
    interpreter.allocate_tensors()
    (images,) = interpreter.get_input_details()
    kinds = {each["dtype"] for each in interpreter.get_output_details()}
    assert kinds == {np.int32, np.float32}  # LiteRT.js has these and uint8
    assert images["dtype"] == np.uint8
    assert images["shape_signature"][0] == (1 if format.endswith("batch1") else -1)
    run = interpreter.get_signature_runner()
    digits = [run(images=image[None])["digit"][0] for image in IMAGES]
    np.testing.assert_array_equal(digits, expected)


def test_a_litert_file_says_which_images_it_takes(exported):
    content = exported["litert_batch1"].read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.read("labels.txt").decode().splitlines() == NAMES
    model = _Metadata(content)
    assert model.text(0) == "three"
    assert model.text(1) == "three: one hidden layer"
    (graph,) = model.tables(3)
    (images,) = graph.tables(2)
    assert images.text(0) == "images"
    assert images.text(1).startswith("bytes (uint8, 0 to 255, not scaled)")
    content_of_images = images.table(3)
    assert content_of_images.byte(0) == 2  # an image
    properties = content_of_images.table(1)
    assert properties.byte(0) == 2  # grey
    assert [properties.table(1).number(side) for side in (0, 1)] == [28, 28]
    interpreter = needs("ai_edge_litert.interpreter").Interpreter(str(exported["litert_batch1"]))
    # The sentences stand in the order of the tensors: a digit is the one of whole numbers.
    outputs = graph.tables(3)
    kinds = [each["dtype"] for each in interpreter.get_output_details()]
    assert [each.text(0) == "digit" for each in outputs] == [kind == np.int32 for kind in kinds]
    for output in outputs:
        (file,) = output.tables(6)
        assert file.text(0) == "labels.txt"
        assert file.byte(2) == (3 if output.text(0) == "digit" else 2)


def test_a_saved_model_needs_no_package_of_the_server(tmp_path, monkeypatch):
    for module in [name for name in sys.modules if name.startswith("tensorflow_serving")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "tensorflow_serving", None)  # an import of it fails
    folder = export(zoo.build("linear"), "saved_model", tmp_path, name="linear")
    assert len(read_warmup(folder)) == 4


class _Metadata:
    """A table of TensorFlow Lite's metadata, read by the numbers of its fields in the schema."""

    def __init__(self, content: bytes, position: int | None = None):
        if position is None:
            # The metadata are a flatbuffer in the flatbuffer, known by the letters M001.
            start = content.index(b"M001") - 4
            content = content[start:]
            (position,) = struct.unpack_from("<I", content)
        self._table = flatbuffers.table.Table(content, position)

    def _place(self, field: int) -> int:
        offset = self._table.Offset(4 + 2 * field)
        assert offset, f"there is no field {field}"
        return self._table.Pos + offset

    def text(self, field: int) -> str:
        return self._table.String(self._place(field)).decode()

    def table(self, field: int) -> _Metadata:
        return _Metadata(self._table.Bytes, self._table.Indirect(self._place(field)))

    def tables(self, field: int) -> list[_Metadata]:
        offset = self._place(field) - self._table.Pos
        start = self._table.Vector(offset)
        places = [start + 4 * number for number in range(self._table.VectorLen(offset))]
        return [_Metadata(self._table.Bytes, self._table.Indirect(place)) for place in places]

    def byte(self, field: int) -> int:
        return self._table.Bytes[self._place(field)]

    def number(self, field: int) -> int:
        return struct.unpack_from("<I", self._table.Bytes, self._place(field))[0]
