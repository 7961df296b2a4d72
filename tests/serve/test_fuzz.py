"""Requests that no client would write: the server answers each, never with its own failure.

Valid requests are bent: parts of their JSON replaced by other values, bytes cut, flipped, repeated,
headers and addresses altered. With --slow, 100,000 of them, and memory must stay flat.
"""

from __future__ import annotations

import http.client
import json
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

IMAGE = np.zeros((1, 28, 28, 1), int).tolist()
FLAT = [0] * 784

REQUESTS: list[tuple[str, Any]] = [
    ("/v1/models/mlp30:predict", {"instances": IMAGE}),
    ("/v1/models/mlp30:predict", {"signature_name": "floats", "inputs": {"images": IMAGE}}),
    ("/v1/models/mlp30:predict", {"signature_name": "encoded", "instances": [{"b64": "iVBORw0K"}]}),
    ("/v1/models/brightness/versions/2:predict", {"instances": [{"images": IMAGE[0]}]}),
    ("/v1/models/half_plus_two:predict", {"instances": [1.0, 2.5]}),
    ("/v1/models/mlp30:classify", {"context": {}, "examples": [{"images": FLAT}]}),
    ("/v1/models/mlp30:regress", {"examples": [{"images": FLAT}]}),
    (
        "/v2/models/mlp30/infer",
        {
            "id": "1",
            "inputs": [
                {"name": "images", "shape": [1, 28, 28, 1], "datatype": "UINT8", "data": FLAT}
            ],
            "outputs": [{"name": "digit", "parameters": {"binary_data": False}}],
        },
    ),
    (
        "/v2/models/half_plus_two/infer",
        {"inputs": [{"name": "x", "shape": [2], "datatype": "FP32", "data": [1, 2.5]}]},
    ),
    ("/v2/repository/index", {}),
]
ODD = [
    None, True, -1, 0, 1, 256, 1.5, 2**31, 2**63, 2**64, 10**40, 1e308, "", "x", "\0", "\u2028",
    "..", [], [[]], [[], [1]], {}, {"b64": ""}, {"b64": 1}, {"": None}, "UINT8", "BYTES", "FP64",
    "serving", [0] * 783, [[[[0]] * 28] * 27],
]  # fmt: skip
PARTS = ["models", "mlp30", "versions", "1", "0", "..", "infer", "metadata", "ready", "%00", "x:y"]


def _places(value: Any, path: tuple = ()):
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from _places(value[key], (*path, key))
    elif isinstance(value, list):
        for index in range(min(len(value), 2)):
            yield from _places(value[index], (*path, index))


def _replaced(value: Any, path: tuple, new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replaced(value[path[0]], path[1:], new)
    return copy


def bent(choose: random.Random) -> tuple[str, str, bytes, dict[str, str]]:
    """Method, address, body and headers of a request that was right before it was bent."""
    path, asked = choose.choice(REQUESTS)
    headers: dict[str, str] = {}
    for _ in range(choose.randrange(3)):
        place = choose.choice(list(_places(asked)))
        asked = _replaced(asked, place, choose.choice(ODD))
    body = json.dumps(asked).encode()
    how = choose.randrange(8)
    if how == 0:
        body = body[: choose.randrange(len(body) + 1)]
    elif how == 1:
        body = bytearray(body)
        for _ in range(choose.randrange(1, 5)):
            body[choose.randrange(len(body))] = choose.randrange(256)
        body = bytes(body)
    elif how == 2:
        headers["Inference-Header-Content-Length"] = str(
            choose.choice([0, 1, len(body), 10**9, "x"])
        )
        body += choose.randbytes(choose.randrange(20))
    elif how == 3:
        path = "/" + "/".join(choose.choices(["v1", "v2", *PARTS], k=choose.randrange(1, 6)))
    elif how == 4:
        body = choose.randbytes(choose.randrange(50))
    method = choose.choice(["POST"] * 9 + ["GET", "PUT", "HEAD", "OPTIONS"])
    return method, path, body, headers


def _ask(connection: http.client.HTTPConnection, request) -> tuple[int, bytes]:
    method, path, body, headers = request
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def _check(request, status: int, answer: bytes) -> None:
    assert status < 500, (request, answer)
    if status >= 400 and request[0] != "HEAD":
        assert list(json.loads(answer)) == ["error"], (request, answer)


@pytest.fixture(scope="module")
def connection(served):
    opened = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    yield opened
    opened.close()


@settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.randoms(use_true_random=False))
def test_bent_requests_are_never_the_servers_failure(connection, choose):
    request = bent(choose)
    _check(request, *_ask(connection, request))


def test_the_requests_before_they_are_bent_are_right(connection):
    for path, asked in REQUESTS:
        status, _ = _ask(connection, ("POST", path, json.dumps(asked).encode(), {}))
        wrong = "encoded" in str(asked) or path.endswith("regress")
        assert status == (400 if wrong else 200), path


@pytest.mark.slow
def test_a_hundred_thousand_requests_and_no_more_memory(served, connection, images, expected):
    choose = random.Random(1)
    right = json.dumps({"instances": images[:1].tolist()}).encode()
    before = None
    for number in range(100_000):
        request = bent(choose)
        _check(request, *_ask(connection, request))
        if number % 100 == 0:
            status, answer = _ask(connection, ("POST", "/v1/models/mlp30:predict", right, {}))
            assert status == 200
            assert json.loads(answer)["predictions"][0]["digit"] == expected[0].argmax()
        if number == 10_000:
            before = _resident(served)
    assert _resident(served) < before + 8 * 2**20


def _resident(served) -> float:
    text = served.fetch("/metrics")[1].decode()
    (line,) = (line for line in text.splitlines() if line.startswith("process_resident_memory"))
    return float(line.split()[1])
