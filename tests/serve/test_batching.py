"""Batches: who is computed with whom, and that everybody gets his own answer."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from onnx import TensorProto

from tests.serve.running import brightness, half_plus, slow, write_model
from zoo.serve.batching import Batcher
from zoo.serve.limits import Limits, Refused
from zoo.serve.runtime import OnnxModel


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (40, 28, 28, 1), np.uint8)


def _ask_together(batcher: Batcher, requests: list[dict]):
    """The answers of requests that come at once; a refusal is an answer."""

    async def ask():
        asked = [batcher.run(each, len(next(iter(each.values())))) for each in requests]
        return await asyncio.gather(*asked, return_exceptions=True)

    return asyncio.run(ask())


def _batcher(model, limits: Limits, sizes: list[int]) -> Batcher:
    return Batcher(model, limits, sizes.append)


def test_requests_that_come_together_are_computed_together(tmp_path, images):
    model, sizes = OnnxModel(brightness(tmp_path / "m.onnx", 1)), []
    batcher = _batcher(model, Limits(batch=16, delay_ms=500), sizes)
    requests = [{"images": images[place : place + 2]} for place in range(0, 16, 2)]
    answers = _ask_together(batcher, requests)
    assert sizes == [16], "it waited until the batch was full, and no longer"
    for request, answer in zip(requests, answers, strict=True):
        assert answer["total"].tolist() == request["images"].sum(axis=(1, 2, 3)).tolist()
    assert batcher.waiting == 0
    batcher.close()


def test_a_batch_waits_no_longer_than_its_delay(tmp_path, images):
    batcher = Batcher(OnnxModel(brightness(tmp_path / "m.onnx", 1)), Limits(delay_ms=50))
    (answer,) = _ask_together(batcher, [{"images": images[:1]}])
    assert answer["total"] == images[:1].sum()
    batcher.close()


def test_a_request_larger_than_a_batch_is_cut_and_joined(tmp_path, images):
    sizes: list[int] = []
    batcher = _batcher(OnnxModel(brightness(tmp_path / "m.onnx", 1)), Limits(batch=16), sizes)
    (answer,) = _ask_together(batcher, [{"images": images}])
    assert answer["total"].tolist() == images.sum(axis=(1, 2, 3)).tolist()
    assert sizes == [16, 16, 8]
    batcher.close()


def test_requests_of_other_shapes_are_not_joined(tmp_path):
    path = write_model(
        tmp_path / "sums.onnx",
        [("ReduceSum", ["x", "axes"], ["y"], {"keepdims": 0})],
        [("x", TensorProto.FLOAT, ["n", "m"])],
        [("y", TensorProto.FLOAT, ["n"])],
        {"axes": np.array([1])},
    )
    sizes: list[int] = []
    batcher = _batcher(OnnxModel(path), Limits(delay_ms=1000, batch=4), sizes)
    requests = [{"x": np.ones((1, m), np.float32)} for m in (3, 3, 5, 5, 3)]
    answers = _ask_together(batcher, requests)
    assert [float(answer["y"][0]) for answer in answers] == [3, 3, 5, 5, 3]
    assert sizes == [2, 2, 1]
    batcher.close()


def test_a_request_that_fails_takes_no_other_with_it(tmp_path):
    path = write_model(
        tmp_path / "look_up.onnx",
        [("Gather", ["table", "x"], ["y"], {})],
        [("x", TensorProto.INT64, ["n"])],
        [("y", TensorProto.FLOAT, ["n"])],
        {"table": np.float32([10, 20, 30])},
    )
    batcher = Batcher(OnnxModel(path), Limits(delay_ms=200))
    answers = _ask_together(batcher, [{"x": np.array([n])} for n in (0, 7, 2)])
    assert answers[0]["y"] == [10]
    assert answers[2]["y"] == [30]
    assert isinstance(answers[1], Refused)
    assert "failed on this input" in answers[1].message
    batcher.close()


def test_a_model_of_one_size_runs_request_by_request(tmp_path):
    path = write_model(
        tmp_path / "fixed.onnx",
        [("Add", ["x", "x"], ["y"], {})],
        [("x", TensorProto.FLOAT, [2])],
        [("y", TensorProto.FLOAT, [2])],
    )
    sizes: list[int] = []
    batcher = _batcher(OnnxModel(path), Limits(delay_ms=200, batch=1), sizes)
    answers = _ask_together(batcher, [{"x": np.float32([n, n])} for n in (1, 2)])
    assert [answer["y"].tolist() for answer in answers] == [[2, 2], [4, 4]]
    assert len(sizes) == 2
    batcher.close()


def test_who_waits_is_answered_when_it_closes_and_nobody_after(tmp_path):
    batcher = Batcher(OnnxModel(slow(tmp_path / "slow.onnx")), Limits(batch=1))

    async def ask():
        one = np.ones((1, 1, 1), np.float32)
        asked = [asyncio.create_task(batcher.run({"x": one}, 1)) for _ in range(3)]
        await asyncio.sleep(0)
        batcher.close()
        with pytest.raises(Refused, match="unloaded") as caught:
            await batcher.run({"x": one}, 1)
        assert caught.value.status == 503
        return await asyncio.gather(*asked)

    answers = asyncio.run(ask())
    np.testing.assert_allclose([answer["y"][0] for answer in answers], 700 * 700, rtol=1e-3)
    batcher.join(10)


def test_who_hung_up_is_not_computed(tmp_path):
    sizes: list[int] = []
    batcher = _batcher(OnnxModel(slow(tmp_path / "slow.onnx")), Limits(batch=1), sizes)

    async def ask():
        one = np.ones((1, 1, 1), np.float32)
        asked = [asyncio.create_task(batcher.run({"x": one}, 1)) for _ in range(3)]
        await asyncio.sleep(0)
        asked[1].cancel()
        asked[2].cancel()
        return await asked[0]

    asyncio.run(ask())
    batcher.close()
    batcher.join(10)
    assert len(sizes) == 1


def test_a_quick_model_answers_alone_and_at_once(tmp_path):
    sizes: list[int] = []
    batcher = _batcher(OnnxModel(half_plus(tmp_path / "half.onnx", 2)), Limits(), sizes)
    (answer,) = _ask_together(batcher, [{"x": np.float32([1])}])
    assert answer["y"] == [2.5]
    assert sizes == [1]
    batcher.close()


def test_a_quick_model_takes_half_of_those_who_wait(tmp_path, images, monkeypatch):
    monkeypatch.setattr("zoo.serve.batching.warm_up", lambda *_: 0.0001)
    sizes: list[int] = []
    batcher = _batcher(OnnxModel(brightness(tmp_path / "m.onnx", 1)), Limits(), sizes)
    requests = [{"images": images[place : place + 1]} for place in range(40)]
    answers = _ask_together(batcher, requests)
    assert sizes[0] == 20
    assert sum(sizes) == 40
    assert min(sizes[:-1]) >= 4
    for request, answer in zip(requests, answers, strict=True):
        assert answer["total"].tolist() == request["images"].sum(axis=(1, 2, 3)).tolist()
    batcher.close()
