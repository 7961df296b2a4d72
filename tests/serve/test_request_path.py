"""The short ways of a request: each gives what the long way gives, and leaves the rest to it."""

from __future__ import annotations

import asyncio
import gc
import http.client
import json
import re
import socket
import threading
import time

import numpy as np
import pytest
from msgspec import Raw

from tests.serve.running import half_plus, serving, slow
from zoo.serve.batching import Batcher
from zoo.serve.direct import Waiting, answer_directly
from zoo.serve.limits import Limits
from zoo.serve.metrics import Metrics
from zoo.serve.repository import Repository
from zoo.serve.routes import RememberedRoutes
from zoo.serve.runtime import OnnxModel
from zoo.serve.service import Endpoint, Service
from zoo.serve.sources import sources
from zoo.serve.tensors import TensorInfo, from_json, images_from_json
from zoo.serve.tf_serving import predict

IMAGES = TensorInfo("images", "uint8", (-1, 3, 2, 1))

# --- images as JSON text --------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("style", [{}, {"separators": (",", ":")}, {"indent": 1}])
def test_images_are_read_as_from_lists(count, style):
    images = np.random.default_rng(count).integers(0, 256, (count, 3, 2, 1), np.uint8)
    text = json.dumps(images.tolist(), **style).encode()
    np.testing.assert_array_equal(images_from_json(Raw(text), IMAGES), images)
    np.testing.assert_array_equal(from_json(json.loads(text), IMAGES), images)


ONE = [[[1], [2]], [[3], [4]], [[5], [6]]]


@pytest.mark.parametrize(
    "value",
    [
        [],
        7,
        None,
        "x",
        {"b64": "eA=="},
        ONE,
        [[ONE]],
        [ONE, ONE[:2]],
        [ONE[:2]],
        [[[[1, 2], []], ONE[1], ONE[2]]],
        [[[[1], []], ONE[1], ONE[2]]],
        [[[[1], [256]], ONE[1], ONE[2]]],
        [[[[1], [10**30]], ONE[1], ONE[2]]],
        [[[[1], [-1]], ONE[1], ONE[2]]],
        [[[[1], [2.0]], ONE[1], ONE[2]]],
        [[[[1], [True]], ONE[1], ONE[2]]],
        [[[[1], ["2"]], ONE[1], ONE[2]]],
        [[[[1], [None]], ONE[1], ONE[2]]],
    ],
)
def test_whatever_is_no_image_is_left_to_the_long_way(value):
    assert images_from_json(Raw(json.dumps(value).encode()), IMAGES) is None


@pytest.mark.parametrize(
    "info",
    [
        TensorInfo("x", "float32", (-1, 3, 2, 1)),
        TensorInfo("x", "uint8", (-1,)),
        TensorInfo("x", "uint8", (-1, -1, 2, 1)),
    ],
)
def test_tensors_of_other_kinds_are_left_to_the_long_way(info):
    assert images_from_json(Raw(json.dumps([ONE]).encode()), info) is None


def test_changed_texts_are_read_right_or_not_at_all():
    choose = np.random.default_rng(8)
    whole, read = json.dumps([ONE, ONE]).encode(), 0
    for _ in range(3_000):
        text = bytearray(whole)
        for place in choose.integers(0, len(text), choose.integers(1, 3)):
            text[place] = choose.choice(list(b"[],0123456789 -."))
        try:
            value = json.loads(text)
        except ValueError:
            continue  # decoded before, and refused
        array = images_from_json(Raw(bytes(text)), IMAGES)
        if array is not None:
            read += 1
            assert array.tolist() == value
    assert read > 100


# --- addresses ------------------------------------------------------------------------------------


class Entry:
    """A route as Starlette's, with one address."""

    def __init__(self, pattern, name, methods):
        self.path_regex, self.endpoint, self.methods = re.compile(pattern), self, methods
        self.name, self.seen = name, []

    async def __call__(self, scope, receive, send):
        self.seen.append(scope["path_params"])


def test_addresses_are_found_by_method_and_path_and_else_left_to_starlette():
    left = []

    async def starlette(scope, receive, send):
        left.append(scope.get("path"))

    one = Entry("^/m/(?P<name>[^/]+)$", "one", {"GET"})
    two = Entry("^/m/(?P<name>[^/]+)$", "two", {"POST"})
    routes = RememberedRoutes(starlette, [one, two])

    def ask(method, path, kind="http"):
        asyncio.run(routes({"type": kind, "method": method, "path": path}, None, None))

    for _ in range(2):
        ask("GET", "/m/a")
        ask("POST", "/m/b")
    assert one.seen == [{"name": "a"}] * 2
    assert two.seen == [{"name": "b"}] * 2
    ask("PUT", "/m/a")
    ask("GET", "/nothing")
    ask("GET", "/m/" + "a" * 300)
    asyncio.run(routes({"type": "lifespan"}, None, None))
    assert left == ["/m/a", "/nothing", "/m/" + "a" * 300, None]
    for number in range(2 * routes.kept):
        routes._find("GET", f"/m/{number}")
    assert routes._find.cache_info().currsize == routes.kept


# --- the loop or the thread -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "alone", "on_the_loop"),
    [
        (0.00001, False, True),
        (0.0001, True, True),
        (0.0001, False, False),
        (0.1, True, False),
    ],
)
def test_a_model_answers_on_the_loop_if_that_keeps_nobody_waiting(
    seconds, alone, on_the_loop, tmp_path, monkeypatch
):
    monkeypatch.setattr("zoo.serve.batching.warm_up", lambda *_: seconds)
    threads: list[int] = []
    model = OnnxModel(half_plus(tmp_path / "half.onnx", 2))
    batcher = Batcher(model, Limits(), lambda count: threads.append(threading.get_ident()))
    answer = asyncio.run(batcher.run({"x": np.float32([1])}, 1, alone=alone))
    batcher.close()
    batcher.join(10)
    assert answer["y"] == [2.5]
    assert (threads == [threading.get_ident()]) == on_the_loop


# --- the connection -------------------------------------------------------------------------------


def test_heads_are_sent_with_and_without_a_body(tmp_path):
    half_plus(tmp_path / "half/1/model.onnx", 2)
    with serving(tmp_path) as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        for _ in range(2):
            client.request("HEAD", "/v1/models/half")
            answer = client.getresponse()
            assert (answer.status, answer.read()) == (200, b"")
        client.close()
        body = b'{"instances": [1.0, 5.0]}'
        head = b"POST /v1/models/half:predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        head += b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            connection.sendall(head)
            assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.sendall(body)
            answer = b""
            while part := connection.recv(4096):
                answer += part
        assert answer.endswith(b'{"predictions":[2.5,4.5]}')


# --- the answer at once, and the long way ---------------------------------------------------------

GOOD = b'{"instances": [1.0]}'


def _post(body, path=b"/v1/models/half:predict", more=b""):
    return b"POST %b HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n%b" % (
        path,
        more,
        len(body),
        body,
    )


def _answers(port, pieces, count):
    """The answers to what is sent in pieces: status, headers and body of each."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        for number, piece in enumerate(pieces):
            if number:
                time.sleep(0.05)
            connection.sendall(piece)
        stream, answers = connection.makefile("rb"), []
        for _ in range(count):
            status, headers = stream.readline(), {}
            while (line := stream.readline()) != b"\r\n":
                name, _, value = line.strip().partition(b": ")
                headers[name] = value
            headers.pop(b"date")
            answers.append((status, headers, stream.read(int(headers[b"content-length"]))))
    return answers


@pytest.mark.parametrize(
    ("body", "path", "status"),
    [
        (GOOD, b"/v1/models/half:predict", 200),
        (b'{"instances": [1.0, 5.0]}', b"/v1/models/half:predict", 200),
        (b'{"instances": ["x"]}', b"/v1/models/half:predict", 400),
        (b'{"instances"', b"/v1/models/half:predict", 400),
        (b"", b"/v1/models/half:predict", 400),
        (GOOD, b"/v1/models/none:predict", 404),
        (GOOD, b"/v1/models/half", 405),
        (GOOD, b"/v1/models/half:predict?a=b", 200),
        (GOOD, b"/v1/models/%68alf:predict", 200),
        (b'{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [1]}]}',
         b"/v2/models/half/infer", 200),
        (b"{}", b"/v2/repository/index", 200),
    ],
)  # fmt: skip
def test_whole_requests_get_the_answers_of_those_in_pieces(quick_half, body, path, status):
    asked = _post(body, path)
    end = len(asked) - len(body)
    ways = [[asked], [asked[:end], asked[end:]], [asked[:9], asked[9 : end + 1], asked[end + 1 :]]]
    first, *others = (_answers(quick_half.port, [each for each in way if each], 1) for way in ways)
    assert first[0][0].split()[1] == b"%d" % status
    assert others == [first, first]


def test_requests_that_arrive_together_are_answered_in_their_order(quick_half):
    bodies = [b'{"instances": [%d]}' % number for number in (0, 2, 4)]
    bodies.insert(2, b'{"instances": [6, 8]}')
    got = _answers(quick_half.port, [b"".join(map(_post, bodies))], 4)
    values = [json.loads(body)["predictions"] for _, _, body in got]
    assert values == [[2.0], [3.0], [5.0, 6.0], [4.0]]


def test_a_connection_that_is_to_be_closed_is(quick_half):
    with socket.create_connection(("127.0.0.1", quick_half.port), timeout=60) as connection:
        connection.sendall(_post(GOOD, more=b"Connection: close\r\n"))
        assert connection.makefile("rb").read().endswith(b'{"predictions":[2.5]}')


def test_every_way_is_counted(quick_half):
    counter = r'zoo_requests_total{code="200",model="half",protocol="tf_serving"} ([0-9.]+)'

    def count():
        client = http.client.HTTPConnection("127.0.0.1", quick_half.port, timeout=60)
        client.request("GET", "/metrics")
        text = client.getresponse().read().decode()
        client.close()
        return sum(map(float, re.findall(counter, text)))

    before = count()
    asked = _post(GOOD)
    _answers(quick_half.port, [asked], 1)
    _answers(quick_half.port, [asked[:-1], asked[-1:]], 1)
    assert count() == before + 2


@pytest.fixture(scope="module")
def quick_half(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quick")
    half_plus(folder / "half/1/model.onnx", 2)
    with serving(folder) as server:
        yield server


def _direct(folder, body, alone, log, seconds, monkeypatch):
    """The endpoint of a model that takes `seconds`, and how it is asked directly."""
    monkeypatch.setattr("zoo.serve.batching.warm_up", lambda *_: seconds)
    half_plus(folder / "half/1/model.onnx", 2)
    repository = Repository(sources([str(folder)]), Limits(), metrics := Metrics())
    repository.load_all()
    service = Service(repository, Limits(), metrics, log_requests=log)
    endpoint = Endpoint(service, "tf_serving", predict)
    scope = {"method": "POST", "path": "/", "headers": [], "path_params": {"name": "half"}}
    return repository, lambda: answer_directly(endpoint, scope, body, alone)


async def _delivered(answer):
    """The answer, and which way it came."""
    if not isinstance(answer, Waiting):
        return answer, "long" if answer is None else "now"
    future = asyncio.get_running_loop().create_future()
    answer.deliver = lambda waiting, answer: future.set_result(answer)
    return await asyncio.wait_for(future, 10), "batch"


@pytest.mark.parametrize(
    ("seconds", "alone", "body", "log", "way"),
    [
        (0.00001, False, GOOD, False, "now"),
        (0.0001, True, GOOD, False, "now"),
        (0.0001, False, GOOD, False, "batch"),
        (0.1, True, GOOD, False, "batch"),
        (0.1, True, GOOD, True, "batch"),
        (0.00001, True, GOOD, True, "now"),
        (0.00001, True, b'{"instances": [1, 2]}', False, "long"),
        (0.00001, True, b'{"instances": ["x"]}', False, "long"),
    ],
)
def test_what_is_answered_directly(seconds, alone, body, log, way, tmp_path, monkeypatch):
    repository, ask = _direct(tmp_path, body, alone, log, seconds, monkeypatch)

    async def ask_often():
        first = await _delivered(ask())
        gc.collect()
        for _ in range(3):
            await _delivered(ask())
        await asyncio.sleep(0)
        return first, gc.collect()

    (answer, got), left = asyncio.run(ask_often())
    repository.close()
    assert got == way
    assert left == 0 or way == "long", "no cycles: the server collects them seldom"
    assert answer is None or answer.body == b'{"predictions":[2.5]}'


def test_who_hung_up_while_waiting_is_not_computed(tmp_path, monkeypatch):
    repository, ask = _direct(tmp_path, GOOD, False, False, 0.1, monkeypatch)
    batcher = repository.get("half").batcher

    async def hang_up():
        one, two = ask(), ask()
        one.cancel()
        answer, _ = await _delivered(two)
        return answer

    answer = asyncio.run(hang_up())
    computed = re.findall(r"zoo_batch_examples_sum{.*} (.*)", repository._metrics.text().decode())
    repository.close()
    assert answer.body == b'{"predictions":[2.5]}'
    assert computed == ["1.0"]
    assert batcher.waiting == 0


ONE_SLOW = b'{"instances": [[[1.0]]]}'


@pytest.fixture(scope="module")
def slow_and_half(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slow")
    slow(folder / "slow/1/model.onnx", times=2)
    half_plus(folder / "half/1/model.onnx", 2)
    with serving(folder) as server:
        yield server


def test_requests_behind_one_that_waits_are_answered_in_their_order(slow_and_half):
    waits = _post(ONE_SLOW, b"/v1/models/slow:predict")
    port = slow_and_half.port
    together = _answers(port, [waits + _post(GOOD) + waits + _post(b"{}")], 4)
    in_turn = _answers(port, [waits, _post(GOOD)], 2)
    assert [status.split()[1] for status, _, _ in together] == [b"200", b"200", b"200", b"400"]
    assert together[:2] == in_turn
    assert together[0][2] == together[2][2]


def test_who_waits_is_answered_when_the_server_stops(tmp_path):
    slow(tmp_path / "slow/1/model.onnx", times=12)
    with (
        serving(tmp_path) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection,
    ):
        connection.sendall(_post(ONE_SLOW, b"/v1/models/slow:predict"))
        waits = b'zoo_waiting_examples{model="slow",version="1"} 1.0'
        deadline = time.monotonic() + 60
        while waits not in server.fetch("/metrics")[1]:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        server.process.terminate()
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


def test_who_hangs_up_while_waiting_leaves_the_server_in_peace(slow_and_half):
    asked = _post(ONE_SLOW, b"/v1/models/slow:predict")
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", slow_and_half.port), timeout=60) as connection:
            connection.sendall(asked)
    assert slow_and_half.ask("/v1/models/slow:predict", ONE_SLOW)[0] == 200
    assert not slow_and_half.events("failed")
