"""Clients that mean no good: the right status, one sentence, and a server that stays up."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import resource
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from tests.serve.running import ROOT, half_plus, serving, slow

ZERO = np.zeros((1, 28, 28, 1), int).tolist()


@pytest.fixture(scope="module")
def hurried(tmp_path_factory):
    """A server with little patience, for models fast and slow."""
    folder = tmp_path_factory.mktemp("models")
    half_plus(folder / "half/1/model.onnx", 2)
    slow(folder / "slow/1/model.onnx")
    limits = {"head_seconds": 0.5, "body_seconds": 0.5, "idle_seconds": 1, "body": 100_000}
    with serving(folder, head=4096, queue=4, batch=1, answer_seconds=2, **limits) as server:
        yield server


def _raw(server, sent: bytes, *, wait: float = 5) -> bytes:
    """What comes back, until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=wait) as connection:
        connection.sendall(sent)
        return _all(connection)


def _all(connection) -> bytes:
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def _one(connection) -> bytes:
    """One answer of a connection that stays open."""
    answer = b""
    while not answer.endswith(b"}"):
        answer += connection.recv(65536)
    return answer


def _error(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]


def _until(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _alive(server):
    asked = {"instances": [1.0, 5.0]}
    assert server.ask("/v1/models/half:predict", asked) == (200, {"predictions": [2.5, 4.5]})


def test_a_large_body_is_refused_before_it_is_read(hurried):
    head = b"POST /v1/models/half:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", hurried.port), timeout=60) as connection:
        connection.sendall(head)  # and nothing of the body
        status, body = _error(_one(connection))
    assert status == 413
    assert "100,000 bytes" in body
    _alive(hurried)


def test_a_client_that_sends_a_large_body_whole_reads_the_refusal(served):
    status, body = served.ask("/v1/models/mlp30:predict", b" " * 20_000_000)
    assert status == 413
    assert "4,194,304 bytes" in body["error"]


def test_a_large_body_in_chunks_is_refused_when_the_limit_is_passed(hurried):
    head = b"POST /v2/models/half/infer HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", hurried.port), timeout=60) as connection:
        connection.sendall(head + 3 * chunk)
        assert _error(_one(connection))[0] == 413
    _alive(hurried)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /v2 HTTP/1.1\r\nHost: x\r\nX: ", 408),
        (b"GET", 408),
        (b"", 408),
        (b"POST /v1/models/half:predict HTTP/1.1\r\nContent-Length: 20\r\n\r\n{", 408),
        (b"GET /v2 HTTP/1.1\r\nX: " + b"x" * 5000, 431),
        (b"GET /" + b"x" * 5000, 431),
        (b"\0\1\2\3\r\n\r\n", 400),
        (b"GET /v2 HTTP/9.9\r\n\r\n", 400),
        (b"GET /v2 HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),  # TLS
    ],
)
def test_requests_that_never_end_or_are_none(hurried, sent, status):
    answered, body = _error(_raw(hurried, sent))
    assert answered == status
    assert body
    _alive(hurried)


def test_a_drop_at_a_time_does_not_prolong_the_time(hurried):
    with socket.create_connection(("127.0.0.1", hurried.port), timeout=60) as connection:
        connection.sendall(b"GET /v2 HTTP/1.1\r\n")
        began = time.monotonic()
        with contextlib.suppress(OSError):  # reset or broken, as it comes
            while time.monotonic() - began < 20:
                connection.sendall(b"X: y\r\n")
                time.sleep(0.05)
        assert time.monotonic() - began < 10
    _alive(hurried)


def test_a_connection_in_use_is_closed_when_it_is_idle(hurried):
    asked = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    assert b'{"live":true}' in _raw(hurried, asked)


def test_a_thousand_idle_connections(served):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = soft if soft == resource.RLIM_INFINITY else max(soft, 2048)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    opened = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(1000)]
    try:
        assert served.ask("/v2/health/live")[0] == 200
        assert served.ask("/v1/models/half_plus_two:predict", {"instances": [1.0]})[0] == 200
    finally:
        for each in opened:
            each.close()


def test_more_connections_than_there_may_be(tmp_path):
    half_plus(tmp_path / "half.onnx", 2)
    with serving(tmp_path / "half.onnx", connections=5) as server:
        opened = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(5)]
        status, body = _error(_raw(server, b""))
        assert status == 503
        assert "5 connections" in body
        for each in opened:
            each.close()
        _until(lambda: server.fetch("/v2/health/live")[0] == 200)
        _alive(server)


def test_a_full_queue_and_late_answers(hurried):
    asked = {"instances": [[[1.0]]]}
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        pending = [pool.submit(hurried.ask, "/v1/models/slow:predict", asked) for _ in range(24)]
        answers = [each.result() for each in pending]
    statuses = {status for status, _ in answers}
    assert 429 in statuses
    assert statuses <= {200, 429, 504}
    assert 200 in statuses
    for status, body in answers:
        assert status == 200 or list(body) == ["error"]
    many = {"instances": [[[1.0]]] * 5}
    assert hurried.ask("/v1/models/slow:predict", many)[0] == 413
    _alive(hurried)


def test_an_answer_that_comes_too_late(tmp_path):
    slow(tmp_path / "slow.onnx", times=16)
    half_plus(tmp_path / "half.onnx", 2)
    with serving(tmp_path / "slow.onnx", tmp_path / "half.onnx", answer_seconds=0.05) as server:
        status, body = server.ask("/v1/models/slow:predict", {"instances": [[[1.0]]]})
        assert status == 504
        assert "0.05 seconds" in body["error"]
        _alive(server)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/../../etc/passwd",
        "/v1/models/..%2f..%2fetc%2fpasswd",
        "/v1/models/..:predict",
        "/v1/models/%2e%2e/metadata",
        "/v2/models/..%5c..%5cmodel.onnx",
        "/v2/models/mlp30%00",
        "/v2/models/" + "x" * 5000,
        "/v2/models/mlp30/versions/..",
        "/v1/models/mlp30/versions/1%0d%0aX-Injected:%20yes",
        "/v1/models/",
        "/v1/models/mlp30/",
        "/v3",
        "//",
        "/v2/models/\u00e9".encode().decode("latin-1"),
    ],
)
def test_addresses_that_lead_nowhere(served, path):
    sent = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode("latin-1")
    answer = _raw(served, sent)
    status, body = _error(answer)
    assert status in (404, 400)
    assert "\n" not in body
    assert b"x-injected" not in answer.partition(b"\r\n\r\n")[0].lower()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "GET"])
@pytest.mark.parametrize(
    "path",
    [
        "/v2/models/mlp30/infer",
        "/v1/models/mlp30:predict",
        "/v1/models/mlp30/versions/1:classify",
    ],
)
def test_methods_that_are_not_meant(served, method, path):
    sent = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    status, body = _error(_raw(served, sent))
    assert status == 405
    assert "POST" in body


def test_a_picture_that_is_a_bomb(served, tmp_path):
    import base64

    Image.fromarray(np.zeros((2000, 1000), np.uint8)).save(tmp_path / "bomb.png")
    file = base64.b64encode((tmp_path / "bomb.png").read_bytes()).decode()
    asked = {"signature_name": "encoded", "instances": [{"b64": file}]}
    status, body = served.ask("/v1/models/mlp30:predict", asked)
    assert status == 413
    assert "2,000,000" in body["error"]


def test_a_port_in_use_is_one_line(served, exported):
    command = [sys.executable, "-m", "zoo", "serve", str(exported), "--port", str(served.port)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"zoo: port {served.port} of 127.0.0.1 is in use: choose another with --port, or 0 for any"
    ]


def test_a_request_in_progress_is_answered_before_it_stops(tmp_path):
    slow(tmp_path / "slow.onnx", times=16)
    idle = b'zoo_waiting_examples{model="slow",version="1"} 0.0'
    with (
        serving(tmp_path / "slow.onnx") as server,
        concurrent.futures.ThreadPoolExecutor(1) as pool,
    ):
        asked = {"instances": [[[1.0]]]}
        pending = pool.submit(server.ask, "/v1/models/slow:predict", asked)
        _until(lambda: idle not in server.fetch("/metrics")[1] or pending.done())
        server.process.send_signal(signal.SIGTERM)
        assert pending.result()[0] == 200
    assert server.events("stopped")


def test_what_it_tells_of_itself(served):
    served.ask("/v1/models/brightness:predict", {"instances": ZERO})
    status, text = served.fetch("/metrics")
    assert status == 200
    label = text.decode()
    assert 'zoo_requests_total{code="200",model="brightness",protocol="tf_serving"}' in label
    assert 'zoo_batch_examples_count{model="brightness",version="10"}' in label
    status, label = served.ask("/healthz")
    assert label["status"] == "ok"
    assert label["models"]["brightness"] == [10, 2, 1]
    status, page = served.fetch("/docs")
    assert b"/v2/models/{name}/infer" in page
    assert b"http" not in page.replace(b"http://127.0.0.1", b"")  # it loads nothing from elsewhere


def test_every_address_of_the_description_is_there(served):
    status, payload = served.ask("/openapi.json")
    assert (status, payload["openapi"]) == (200, "3.1.0")
    for path, operations in payload["paths"].items():
        for method in operations:
            address = path.replace("{name}", "mlp30").replace("{version}", "1")
            body = b"" if method == "post" else None
            status, _ = served.fetch(address, body)
            assert status == (400 if body is not None and "repository" not in path else 200), path
        for reference in json.dumps(operations).split("#/components/schemas/")[1:]:
            assert reference.partition('"')[0] in payload["components"]["schemas"]


def test_refusals_are_logged_as_json(served):
    served.ask("/v1/models/mlp31")
    _until(lambda: any(entry["path"] == "/v1/models/mlp31" for entry in served.events("request")))
    entry = next(e for e in served.events("request") if e["path"] == "/v1/models/mlp31")
    assert (entry["status"], entry["path"], entry["method"]) == (404, "/v1/models/mlp31", "GET")
    assert "mlp31" in entry["why"]
