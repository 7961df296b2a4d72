"""The load of benchmarks/load.py: its clients count what was answered, and what was not."""

from __future__ import annotations

import asyncio
import shutil

import numpy as np
import pytest
from onnx import TensorProto

from benchmarks import load
from benchmarks.load_clients import _clients, _wrk
from benchmarks.rows import read_rows
from tests.serve.running import ROOT, write_model
from zoo.reproduction.tables import written_table

IMAGE = np.zeros((1, 28, 28, 1), np.uint8)


def test_the_table_of_the_manual_is_what_was_measured():
    rows = read_rows(load.CSV)
    assert {(row["protocol"], int(row["clients"])) for row in rows} == {
        (protocol, clients)
        for protocol in ("tf_serving", "open_inference")
        for clients in load.CLIENTS
    }
    assert written_table(ROOT / "docs/serving.md", "load") == load.markdown(rows)


@pytest.fixture(params=["asyncio", "wrk"])
def make(request):
    if request.param == "wrk":
        if not shutil.which("wrk"):
            pytest.skip("no wrk: apt-get install wrk")
        return _wrk
    return lambda *given: asyncio.run(_clients(*given))


@pytest.mark.integration
@pytest.mark.parametrize("request_of", [load._in_json, load._in_bytes])
def test_clients_count_answers_and_failures(served, make, request_of):
    done = make(served.url, request_of("mlp30", IMAGE), 2, 1)
    assert done.failed == 0
    assert done.per_second > 0
    assert 0 < done.p50_ms <= done.p99_ms
    done = make(served.url, request_of("no_such_model", IMAGE), 2, 1)
    assert done.failed > 0
    assert done.per_second == 0


def test_every_answer_is_compared(served, exported, images, tmp_path):
    load.check(served.url, "mlp30", exported, images)
    other = write_model(
        tmp_path / "other.onnx",
        [
            ("Cast", ["images"], ["whole"], {"to": TensorProto.INT64}),
            ("ReduceSum", ["whole", "axes"], ["digit"], {"keepdims": 0}),
        ],
        [("images", TensorProto.UINT8, ["n", 28, 28, 1])],
        [("digit", TensorProto.INT64, ["n"])],
        {"axes": np.array([1, 2, 3])},
    )
    with pytest.raises(AssertionError):
        load.check(served.url, "mlp30", other, images)
    assert load.resident(served.url) > 1
