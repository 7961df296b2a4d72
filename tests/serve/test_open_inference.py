"""The Open Inference Protocol V2, asked by hand: JSON, the binary extension, errors."""

from __future__ import annotations

import base64
import io
import json
import struct

import numpy as np
import pytest
from PIL import Image

INFER = "/v2/models/mlp30/infer"


def _input(array: np.ndarray, datatype="UINT8", **rest):
    return {"name": "images", "shape": list(array.shape), "datatype": datatype, **rest}


def _binary(head: dict, raw: bytes):
    text = json.dumps(head).encode()
    return text + raw, {"Inference-Header-Content-Length": str(len(text))}


def test_health_and_metadata(served):
    assert served.ask("/v2/health/live") == (200, {"live": True})
    assert served.ask("/v2/health/ready") == (200, {"ready": True})
    assert served.ask("/v2/models/mlp30/versions/1/ready")[0] == 200
    status, body = served.ask("/v2/models/mlp30/versions/1")
    assert status == 200
    assert body["platform"] == "onnxruntime_onnx"
    assert {each["name"]: each["datatype"] for each in body["outputs"]} == {
        "digit": "INT64",
        "probabilities": "FP32",
    }


@pytest.mark.parametrize("form", ["flat", "nested", "floats", "files"])
def test_json(served, images, expected, form):
    given = {
        "flat": lambda: _input(images, data=images.ravel().tolist()),
        "nested": lambda: _input(images, data=images.tolist()),
        "floats": lambda: _input(images, "FP32", data=(images / 256).ravel().tolist()),
        "files": lambda: _input(
            np.zeros(len(images)),
            "BYTES",
            data=[base64.b64encode(_png(i)).decode() for i in images],
        ),
    }[form]()
    status, body = served.ask(INFER, {"id": "x", "inputs": [given]})
    assert status == 200, body
    assert (body["id"], body["model_version"]) == ("x", "1")
    outputs = {each["name"]: each for each in body["outputs"]}
    assert outputs["probabilities"]["shape"] == [40, 10]
    probabilities = np.reshape(outputs["probabilities"]["data"], (40, 10))
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    assert outputs["digit"]["data"] == expected.argmax(axis=1).tolist()


def test_binary_in_and_out(served, images, expected):
    head = {
        "inputs": [_input(images, parameters={"binary_data_size": images.nbytes})],
        "outputs": [{"name": "probabilities", "parameters": {"binary_data": True}}],
    }
    status, answer = served.fetch(INFER, *_binary(head, images.tobytes()))
    assert status == 200
    raw = answer[-40 * 10 * 4 :]
    record = json.loads(answer[: -40 * 10 * 4])
    assert record["outputs"][0]["parameters"] == {"binary_data_size": 1600}
    np.testing.assert_allclose(np.frombuffer(raw, "<f4").reshape(40, 10), expected, atol=1e-5)


def _png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image[..., 0]).save(file, "PNG")
    return file.getvalue()


ONE = np.zeros((1, 28, 28, 1), np.uint8)
FLAT = ONE.ravel().tolist()


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ([], "images UINT8"),
        ([_input(ONE, data=FLAT)] * 2, "each once"),
        ([{**_input(ONE, data=FLAT), "name": "x"}], "images UINT8"),
        ([_input(ONE, "INT32", data=FLAT)], "images UINT8"),
        ([_input(ONE, data=FLAT[:-1])], "784 numbers"),
        ([_input(ONE)], "must have data"),
        ([_input(ONE, data="0")], "must have data"),
        ([_input(ONE, data=[256] * 784)], "0 to 255"),
        ([_input(ONE, data=["1"] * 784)], "numbers"),
        ([_input(ONE, data=[None] * 784)], "numbers"),
        ([_input(ONE, data=[[1], 2])], "rows differ"),
        ([_input(ONE[0], data=FLAT)], "[n, 28, 28, 1]"),
        ([{**_input(ONE, data=[]), "shape": [0, 28, 28, 1]}], "[n, 28, 28, 1]"),
        ([{**_input(ONE, data=FLAT), "shape": [-1, 28, 28, 1]}], "[n, 28, 28, 1]"),
        ([{**_input(ONE, data=FLAT), "shape": [2**62, 28, 28, 1]}], "numbers"),
        ([{**_input(ONE, data=FLAT), "shape": [1e3]}], "JSON"),
        ([_input(ONE, data=FLAT, parameters={"binary_data_size": 0})], "binary_data_size"),
        ([_input(ONE, parameters={"binary_data_size": 784})], "binary_data_size"),
        ([_input(ONE, parameters={"binary_data_size": -1})], "binary_data_size"),
        ([_input(ONE, parameters={"binary_data_size": True})], "binary_data_size"),
        ([_input(ONE, "FP32", data=[2.0] * 784)], "0..1"),
        ([_input(np.zeros(1), "BYTES", data=["\u00e9"])], "base64"),
        ([_input(np.zeros(1), "BYTES", data=["AAAA", "AAAA"])], "2 elements"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(served, inputs, expected):
    status, answer = served.ask(INFER, {"inputs": inputs})
    assert (status, list(answer)) == (400, ["error"])
    assert expected in answer["error"]


def test_nan_and_infinity_are_no_pixels(served):
    for number in (np.nan, np.inf, -np.inf):
        floats = np.full(ONE.shape, number, "<f4")
        head = {"inputs": [_input(floats, "FP32", parameters={"binary_data_size": 784 * 4})]}
        status, answer = served.ask(INFER, *_binary(head, floats.tobytes()))
        assert status == 400
        assert "NaN" in answer["error"]


@pytest.mark.parametrize(
    ("raw", "size", "expected"),
    [
        (b"\0" * 783, 783, "784 bytes"),
        (b"\0" * 785, 785, "784 bytes"),
        (b"\0" * 785, 784, "belong to no input"),
        (b"", 784, "binary_data_size"),
    ],
)
def test_bytes_of_another_number(served, raw, size, expected):
    head = {"inputs": [_input(ONE, parameters={"binary_data_size": size})]}
    status, answer = served.ask(INFER, *_binary(head, raw))
    assert status == 400
    assert expected in answer["error"]


@pytest.mark.parametrize("raw", [b"\1", b"\5\0\0\0abc", struct.pack("<I", 2**32 - 1), b""])
def test_elements_that_lie_about_their_length(served, raw):
    head = {"inputs": [_input(np.zeros(1), "BYTES", parameters={"binary_data_size": len(raw)})]}
    assert served.ask(INFER, *_binary(head, raw))[0] == 400


@pytest.mark.parametrize("length", ["-1", "x", "1e1", "99999999999999999999", "9" * 5000, ""])
def test_a_length_of_the_header_that_is_none(served, length):
    body = json.dumps({"inputs": [_input(ONE, data=FLAT)]}).encode()
    status, answer = served.ask(INFER, body, {"Inference-Header-Content-Length": length})
    assert status == 400
    assert "Inference-Header-Content-Length" in answer["error"]
