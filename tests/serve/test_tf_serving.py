"""TensorFlow Serving's REST API, asked by hand: rows and columns, signatures, classes, errors."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

PREDICT = "/v1/models/mlp30:predict"


def _png(image: np.ndarray) -> dict[str, str]:
    file = io.BytesIO()
    Image.fromarray(image[..., 0]).save(file, "PNG")
    return {"b64": base64.b64encode(file.getvalue()).decode()}


def _check(predictions, expected):
    np.testing.assert_allclose([row["probabilities"] for row in predictions], expected, atol=1e-5)
    assert [row["digit"] for row in predictions] == expected.argmax(axis=1).tolist()


def test_the_requests_of_tensorflow_servings_manual(served):
    ask = served.ask
    ok = {"error_code": "OK", "error_message": ""}
    state = {"version": "123", "state": "AVAILABLE", "status": ok}
    assert ask("/v1/models/half_plus_three") == (200, {"model_version_status": [state]})
    asked = {"instances": [1.0, 2.0, 5.0]}
    three = "/v1/models/half_plus_three"
    assert ask(f"{three}:predict", asked) == (200, {"predictions": [3.5, 4.0, 5.5]})
    assert ask("/v1/models/half_plus_two:predict", asked) == (200, {"predictions": [2.5, 3.0, 4.5]})
    assert ask(f"{three}/versions/123:predict", asked)[0] == 200
    assert ask(f"{three}:predict", {"inputs": [1.0, 5.0]}) == (200, {"outputs": [3.5, 5.5]})
    status, body = ask("/v1/models/half:predict", {"instances": [1.0, 5.0]})
    assert (status, list(body)) == (404, ["error"])
    assert "half_plus_two" in body["error"]


def test_rows_and_columns(served, images, expected):
    rows = images.tolist()
    for instances in (rows, [{"images": row} for row in rows]):
        status, body = served.ask(PREDICT, {"instances": instances})
        assert status == 200
        _check(body["predictions"], expected)
    for inputs in (rows, {"images": rows}):
        status, body = served.ask(PREDICT, {"inputs": inputs})
        assert status == 200
        np.testing.assert_allclose(body["outputs"]["probabilities"], expected, atol=1e-5)
        assert body["outputs"]["digit"] == expected.argmax(axis=1).tolist()


def test_every_signature_answers_alike(served, images, expected):
    forms = {
        "": images.tolist(),
        "serving_default": images.tolist(),
        "bytes": images.tolist(),
        "floats": (images / 256).tolist(),
        "encoded": [_png(image) for image in images],
    }
    for name, instances in forms.items():
        asked = {"signature_name": name, "instances": instances}
        status, body = served.ask(PREDICT, asked)
        assert status == 200, body
        _check(body["predictions"], expected)
    asked = {"signature_name": "encoded", "inputs": {"images": [_png(images[0])]}}
    assert served.ask(PREDICT, asked)[1]["outputs"]["digit"] == [expected[0].argmax()]


def test_more_images_than_a_batch_holds(served, mnist):
    many = mnist.test.images[:100]
    _, body = served.ask("/v1/models/brightness:predict", {"instances": many.tolist()})
    totals = [row["total"] for row in body["predictions"]]
    assert totals == many.reshape(100, -1).sum(axis=1).tolist()


def test_classify_gives_every_class_its_probability(served, images, expected):
    examples = [{"images": image.ravel().tolist()} for image in images[:3]]
    status, body = served.ask("/v1/models/mlp30:classify", {"examples": examples})
    assert status == 200
    for row, probabilities in zip(body["results"], expected[:3], strict=True):
        assert [label for label, _ in row] == [str(digit) for digit in range(10)]
        np.testing.assert_allclose([score for _, score in row], probabilities, atol=1e-5)
    asked = {"signature_name": "encoded", "context": {"images": _png(images[0])}, "examples": [{}]}
    assert served.ask("/v1/models/mlp30:classify", asked)[1]["results"][0] == body["results"][0]
    assert served.ask("/v1/models/mlp30:regress", {"examples": examples})[0] == 400


def test_versions(served):
    image = np.zeros((1, 28, 28, 1), int).tolist()
    for address, version in (
        ("", 10),
        ("/versions/1", 1),
        ("/versions/2", 2),
        ("/versions/10", 10),
    ):
        path = f"/v1/models/brightness{address}:predict"
        _, body = served.ask(path, {"instances": image})
        assert body["predictions"][0]["version"] == version
    _, body = served.ask("/v1/models/brightness")
    assert [each["version"] for each in body["model_version_status"]] == ["10", "2", "1"]
    _, body = served.ask("/v1/models/brightness/versions/2")
    assert [each["version"] for each in body["model_version_status"]] == ["2"]
    for wrong in ("3", "-1", "latest", "9" * 40, "%32%00", "1e0"):
        status, body = served.ask(f"/v1/models/brightness/versions/{wrong}")
        assert (status, list(body)) == (404, ["error"])


def test_metadata_is_the_exported_saved_models(served):
    status, body = served.ask("/v1/models/mlp30/metadata")
    assert status == 200
    assert body["model_spec"] == {"name": "mlp30", "signature_name": "", "version": "1"}
    definitions = body["metadata"]["signature_def"]["signature_def"]
    types = {name: each["inputs"]["images"]["dtype"] for name, each in definitions.items()}
    assert types == {
        "serving_default": "DT_UINT8",
        "bytes": "DT_UINT8",
        "floats": "DT_FLOAT",
        "encoded": "DT_STRING",
    }
    for each in definitions.values():
        assert each["outputs"]["digit"]["dtype"] == "DT_INT64"
        assert each["outputs"]["probabilities"]["tensor_shape"]["dim"][1]["size"] == "10"


GOOD = np.zeros((1, 28, 28, 1), int).tolist()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (b"", "empty"),
        (b"{", "JSON"),
        (b'{"instances": [NaN]}', "JSON"),
        (b'{"instances": [1e999]}', "JSON"),
        (b'{"instances": ["\xff"]}', "UTF-8"),
        (b"[" * 10_000 + b"]" * 10_000, "JSON"),
        (b'{"instances": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "nested"),
        (b'{"instances": ' + b"[" * 100 + b"1" + b"]" * 100 + b"}", "images"),
        ({}, "either"),
        ({"instances": GOOD, "inputs": GOOD}, "either"),
        ({"instances": []}, "no example"),
        ({"instances": GOOD[0]}, "[n, 28, 28, 1]"),
        ({"instances": [GOOD]}, "[n, 28, 28, 1]"),
        ({"instances": [*GOOD, [1]]}, "rows differ"),
        ({"instances": 5}, "JSON"),
        ({"instances": [None]}, "images"),
        ({"instances": [True]}, "images"),
        ({"instances": ["seven"]}, "images"),
        ({"instances": ["x" * 10**6] + ["x"] * 10**5}, "images"),
        ({"signature_name": "floats", "instances": [[[[10**400]] * 28] * 28]}, "too large"),
        ({"signature_name": "floats", "instances": [[["1"] * 28] * 28]}, "[n, 28, 28, 1]"),
        ({"signature_name": "floats", "instances": [[[["1"]] * 28] * 28]}, "float32"),
        ({"instances": (np.array(GOOD) + 256).tolist()}, "0 to 255"),
        ({"instances": (np.array(GOOD) - 1).tolist()}, "0 to 255"),
        ({"instances": (np.array(GOOD, object) + 10**30).tolist()}, "0 to 255"),
        ({"instances": (np.array(GOOD) + 0.5).tolist()}, "uint8"),
        ({"instances": [[[[True]] * 28] * 28]}, "uint8"),
        ({"instances": [{"picture": GOOD[0]}]}, "'images'"),
        ({"instances": [{"images": GOOD[0]}, GOOD[0]]}, "'images'"),
        ({"instances": [{"b64": "AAAA"}]}, "images"),
        ({"inputs": {"picture": GOOD}}, "'images'"),
        ({"inputs": 3}, "[n, 28, 28, 1]"),
        ({"signature_name": "float", "instances": GOOD}, "'floats'"),
        ({"signature_name": "floats", "instances": (np.array(GOOD) + 255).tolist()}, "0..1"),
        ({"signature_name": "encoded", "instances": ["abc"]}, "b64"),
        ({"signature_name": "encoded", "instances": [{"b64": "*"}]}, "base64"),
        ({"signature_name": "encoded", "instances": [{"b64": "R0lGODlh"}]}, "PNG or JPEG"),
        ({"signature_name": "encoded", "instances": [{"b64": ""}]}, "PNG or JPEG"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(served, asked, expected):
    status, answer = served.ask(PREDICT, asked)
    assert (status, list(answer)) == (400, ["error"])
    assert expected in answer["error"]
    assert "\n" not in answer["error"]


@pytest.mark.parametrize(
    "asked",
    [{}, {"examples": []}, {"examples": [1]}, {"examples": [{}]}, {"examples": [{"images": [1]}]}],
)
def test_classify_tells_what_is_wrong(served, asked):
    status, answer = served.ask("/v1/models/mlp30:classify", asked)
    assert (status, list(answer)) == (400, ["error"])


def test_a_model_without_classes_cannot_classify(served):
    asked = {"examples": [{"x": 1.0}]}
    status, answer = served.ask("/v1/models/half_plus_two:classify", asked)
    assert status == 400
    assert ":predict" in answer["error"]
