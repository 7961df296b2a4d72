"""Clients that nobody here wrote: tritonclient and ovmsclient get the right answers."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

triton = pytest.importorskip("tritonclient.http", reason="pip install 'tritonclient[http]'")
ovms = pytest.importorskip("ovmsclient", reason="pip install ovmsclient")


@pytest.fixture
def client(served):
    with triton.InferenceServerClient(f"127.0.0.1:{served.port}") as opened:
        yield opened


def _inputs(array: np.ndarray, datatype: str, *, binary: bool):
    given = triton.InferInput("images", list(array.shape), datatype)
    given.set_data_from_numpy(array, binary_data=binary)
    return [given]


@pytest.mark.integration
@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("asked_for", [None, True, False])
def test_triton_infers(client, images, expected, binary, asked_for):
    outputs = None
    if asked_for is not None:
        outputs = [
            triton.InferRequestedOutput(name, binary_data=asked_for)
            for name in ("probabilities", "digit")
        ]
    given = _inputs(images, "UINT8", binary=binary)
    answer = client.infer("mlp30", given, request_id="seven", outputs=outputs)
    np.testing.assert_allclose(answer.as_numpy("probabilities"), expected, atol=1e-5)
    assert answer.as_numpy("probabilities").dtype == np.float32
    np.testing.assert_array_equal(answer.as_numpy("digit"), expected.argmax(axis=1))
    response = answer.get_response()
    assert (response["id"], response["model_name"], response["model_version"]) == (
        "seven",
        "mlp30",
        "1",
    )


@pytest.mark.integration
def test_triton_sends_floats_and_files(client, images, expected):
    scaled = (images / 256).astype(np.float32)
    answer = client.infer("mlp30", _inputs(scaled, "FP32", binary=True))
    np.testing.assert_allclose(answer.as_numpy("probabilities"), expected, atol=1e-5)
    files = []
    for image in images[:5]:
        file = io.BytesIO()
        Image.fromarray(image[..., 0]).save(file, "PNG")
        files.append(file.getvalue())
    answer = client.infer("mlp30", _inputs(np.array(files, object), "BYTES", binary=True))
    np.testing.assert_allclose(answer.as_numpy("probabilities"), expected[:5], atol=1e-5)


def test_triton_asks_for_one_output_and_one_version(client, images):
    given = _inputs(images[:1], "UINT8", binary=True)
    outputs = [triton.InferRequestedOutput("version")]
    answer = client.infer("brightness", given, model_version="2", outputs=outputs)
    assert answer.as_numpy("version").tolist() == [2]
    assert answer.as_numpy("total") is None


def test_triton_asks_what_there_is(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("mlp30")
    assert client.is_model_ready("brightness", "2")
    assert not client.is_model_ready("brightness", "3")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    answer = client.get_model_metadata("brightness")
    assert answer["versions"] == ["1", "2", "10"]
    assert answer["inputs"] == [{"name": "images", "datatype": "UINT8", "shape": [-1, 28, 28, 1]}]
    names = {each["name"] for each in client.get_model_repository_index()}
    assert names == {"mlp30", "brightness", "half_plus_two", "half_plus_three"}


def test_triton_is_told_what_is_wrong(client, images):
    given = _inputs(images, "UINT8", binary=True)
    with pytest.raises(triton.InferenceServerException, match=r"no model 'mlp31'.*mlp30"):
        client.infer("mlp31", given)
    with pytest.raises(triton.InferenceServerException, match=r"\[n, 28, 28, 1\]"):
        client.infer("mlp30", _inputs(images[..., 0], "UINT8", binary=True))
    with pytest.raises(triton.InferenceServerException, match="no output 'logits'"):
        client.infer("mlp30", given, outputs=[triton.InferRequestedOutput("logits")])
    outputs = [triton.InferRequestedOutput("probabilities", class_count=2)]
    with pytest.raises(triton.InferenceServerException, match="classification"):
        client.infer("mlp30", given, outputs=outputs)
    with pytest.raises(triton.InferenceServerException, match="compressed"):
        client.infer("mlp30", given, request_compression_algorithm="gzip")


def test_triton_asks_many_times_at_once(client, images, expected):
    pending = [
        client.async_infer("mlp30", _inputs(images[place : place + 1], "UINT8", binary=True))
        for place in range(len(images))
    ]
    digits = [each.get_result().as_numpy("digit")[0] for each in pending]
    assert digits == expected.argmax(axis=1).tolist()


def test_ovmsclient_predicts(served, images, expected):
    client = ovms.make_http_client(f"127.0.0.1:{served.port}")
    answer = client.predict({"images": images}, "mlp30")
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)
    assert client.predict({"images": images[:1]}, "brightness", 2)["version"] == [2]
    assert client.predict({"x": np.float32([1, 5])}, "half_plus_two").tolist() == [2.5, 4.5]


def test_ovmsclient_asks_what_there_is(served):
    client = ovms.make_http_client(f"127.0.0.1:{served.port}")
    answer = client.get_model_status("brightness")
    assert {version: each["state"] for version, each in answer.items()} == dict.fromkeys(
        (1, 2, 10), "AVAILABLE"
    )
    assert client.get_model_metadata("mlp30")["model_spec"]["version"] == "1"


def test_ovmsclient_is_told_what_is_wrong(served, images):
    client = ovms.make_http_client(f"127.0.0.1:{served.port}")
    with pytest.raises(ovms.tfs_compat.base.errors.ModelNotFoundError, match="mlp30"):
        client.predict({"images": images}, "mlp31")
    with pytest.raises(ovms.tfs_compat.base.errors.InvalidInputError, match="28, 28, 1"):
        client.predict({"images": images[..., 0]}, "mlp30")
