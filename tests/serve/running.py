"""A real server in a process of its own, and small ONNX models for it to serve."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).parents[2]
_PROGRAM = """
import json, sys
from zoo.serve.limits import Limits
from zoo.serve.server import Settings, serve
from zoo.serve.sources import sources

paths, settings, limits = json.loads(sys.argv[1])
serve(lambda: sources(paths), Settings(port=0, limits=Limits(**limits), **settings))
"""


class Server:
    """A server that listens: its port, its log so far, and how to ask it."""

    def __init__(self, process: subprocess.Popen):
        self.process = process
        self.log: list[dict[str, Any]] = []
        self._listening = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._listening.wait(60), self.log
        self.port = next(e["port"] for e in self.log if e["event"] == "listening")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path: str, body: Any = None, headers=None) -> tuple[int, Any]:
        """Status and answer, which is JSON; with a body it is a POST."""
        status, answer = self.fetch(path, body, headers)
        return status, json.loads(answer)

    def fetch(self, path: str, body: Any = None, headers=None) -> tuple[int, bytes]:
        """Status and bytes."""
        raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, raw, headers or {})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def events(self, event: str) -> list[dict[str, Any]]:
        """The log's entries of one kind."""
        return [entry for entry in list(self.log) if entry["event"] == event]

    def close(self) -> None:
        """Read the log to its end; the process is over."""
        self._reader.join(10)
        self.process.stderr.close()

    def _read(self) -> None:
        for line in self.process.stderr:
            self.log.append(json.loads(line))  # every line is JSON, or this thread fails
            if self.log[-1]["event"] == "listening":
                self._listening.set()


@contextlib.contextmanager
def serving(*paths: str | Path, settings=None, **limits: Any) -> Iterator[Server]:
    """Serve models until the block ends; then the server must stop by itself, without an error."""
    text = json.dumps([[str(path) for path in paths], settings or {}, limits])
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, text],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    server = Server(process)
    try:
        yield server
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        finally:
            server.close()
    assert code == 0


def write_model(path: Path, nodes, inputs, outputs, constants=None) -> Path:
    """An ONNX file of nodes (operation, inputs, outputs), and tensors as (name, type, shape)."""
    graph = helper.make_graph(
        [
            helper.make_node(operation, takes, gives, **rest)
            for operation, takes, gives, rest in nodes
        ],
        "model",
        [helper.make_tensor_value_info(*each) for each in inputs],
        [helper.make_tensor_value_info(*each) for each in outputs],
        [
            numpy_helper.from_array(np.asarray(value), name)
            for name, value in (constants or {}).items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    return path


def half_plus(path: Path, addend: float) -> Path:
    """TensorFlow Serving's example: x / 2 + addend, of any number of floats."""
    return write_model(
        path,
        [("Mul", ["x", "half"], ["h"], {}), ("Add", ["h", "addend"], ["y"], {})],
        [("x", TensorProto.FLOAT, ["n"])],
        [("y", TensorProto.FLOAT, ["n"])],
        {"half": np.float32(0.5), "addend": np.float32(addend)},
    )


def brightness(path: Path, version: int) -> Path:
    """A model that answers byte images: the sum of the pixels, and its version."""
    return write_model(
        path,
        [
            ("Cast", ["images"], ["f"], {"to": TensorProto.FLOAT}),
            ("ReduceSum", ["f", "axes"], ["total"], {"keepdims": 0}),
            ("Mul", ["total", "zero"], ["z"], {}),
            ("Add", ["z", "number"], ["version"], {}),
        ],
        [("images", TensorProto.UINT8, ["n", 28, 28, 1])],
        [("total", TensorProto.FLOAT, ["n"]), ("version", TensorProto.FLOAT, ["n"])],
        {"axes": np.array([1, 2, 3]), "zero": np.float32(0), "number": np.float32(version)},
    )


def slow(path: Path, size: int = 700, times: int = 4) -> Path:
    """A model that takes about a tenth of a second an example: matrix products in a row."""
    nodes = [("MatMul", [f"a{n}", "w"], [f"a{n + 1}"], {}) for n in range(times)]
    nodes = [("Mul", ["x", "ones"], ["a0"], {}), *nodes]
    nodes.append(("ReduceSum", [f"a{times}", "axes"], ["y"], {"keepdims": 0}))
    return write_model(
        path,
        nodes,
        [("x", TensorProto.FLOAT, ["n", 1, 1])],
        [("y", TensorProto.FLOAT, ["n"])],
        {
            "ones": np.ones((1, size, size), np.float32),
            "w": np.full((size, size), 1 / size, np.float32),
            "axes": np.array([1, 2]),
        },
    )
