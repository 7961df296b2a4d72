"""How many requests a second the model server answers, beside ONNX Runtime in process.

    python -m benchmarks.load conv2_relu
    python -m benchmarks.load --rounds 5 --seconds 4
    python -m benchmarks.load --write docs/serving.md

Each round measures, in turn: ONNX Runtime in this process, one image a call, on one thread; then
the server on 127.0.0.1 with 1, 16 and 256 clients that send one image a request, in TensorFlow
Serving's JSON and in the bytes of the Open Inference Protocol. The ratio is the server's requests
to the calls of the same round, and the median of the rounds counts. Before, every answer to
500 test images is compared; after, the server's memory is told. wrk makes the load where it is
installed (apt-get install wrk), else clients in Python, which take much of a processor themselves.
Expect a table, and a row a line in `load.csv` beside this file, after some minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.load_clients import Load, make_load
from benchmarks.parsers import command_parser
from benchmarks.rows import read_rows, write_rows
from zoo.data import load_data
from zoo.errors import ZooError
from zoo.reproduction.tables import write_table
from zoo.serve.pretrained import onnx_file
from zoo.utils.tensorflow import import_tensorflow

CSV = Path(__file__).resolve().parent / "load.csv"
COLUMNS = (
    "net", "protocol", "clients", "requests_per_second", "in_process_per_second", "ratio",
    "p50_ms", "p99_ms", "failed", "rounds", "load", "processor",
)  # fmt: skip
NAMES = ("mlp30", "conv2_relu", "conv2_relu_dropout_x5")
CLIENTS = (1, 16, 256)
IMAGES = 500


@dataclass(frozen=True)
class Request:
    """One image as a protocol sends it."""

    path: str
    body: bytes
    headers: dict[str, str]


def main(arguments: list[str] | None = None) -> int:
    """Measure the named networks, write the rows, print the table."""
    parser = command_parser("benchmarks.load", __doc__)
    parser.add_argument("names", nargs="*", default=NAMES, metavar="NAME")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3, help="of each measurement")
    parser.add_argument("--write", type=Path, help="only put the measured rows into this file")
    options = parser.parse_args(arguments)
    if options.write:
        write_table(markdown(read_rows(CSV)), options.write, "load")
        return 0
    import_tensorflow()  # quietly; reading the images would import it, too
    try:
        rows = [row for name in options.names for row in measure(name, options)]
    except ZooError as error:
        print(f"load: {error}", file=sys.stderr)
        return 1
    kept = [row for row in read_rows(CSV) if row["net"] not in options.names]
    write_rows([*kept, *rows], CSV, COLUMNS)
    print(table(rows))
    return 0


def measure(name: str, options: argparse.Namespace) -> list[dict]:
    """A row for each protocol and number of clients."""
    from zoo.utils.machine import processor

    file = onnx_file(name)
    images = load_data(progress=False).test.images[:IMAGES]
    requests = {
        "tf_serving": _in_json(name, images[:1]),
        "open_inference": _in_bytes(name, images[:1]),
    }
    measured: dict[tuple[str, int], list[tuple[Load, float]]] = {}
    with _server(file) as url:
        check(url, name, file, images)
        before = resident(url)
        for _ in range(options.rounds):
            alone = in_process(file, images, options.seconds)
            for protocol, request in requests.items():
                for clients in CLIENTS:
                    time.sleep(1)  # the clients before hung up with requests under way
                    load = make_load(url, request, clients, options.seconds)
                    measured.setdefault((protocol, clients), []).append((load, alone))
        print(f"{name}: {before:.0f} MiB before, {resident(url):.0f} MiB after", file=sys.stderr)
    return [
        {"net": name, "protocol": protocol, "clients": clients, **_row(rounds)}
        | {"processor": processor()}
        for (protocol, clients), rounds in measured.items()
    ]


def in_process(file: Path, images: np.ndarray, seconds: float) -> float:
    """Calls a second of ONNX Runtime in this process, an image each."""
    session = _session(file)
    began, calls = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        place = calls % len(images)
        session.run(None, {"images": images[place : place + 1]})
        calls += 1
    return calls / (time.perf_counter() - began)


def check(url: str, name: str, file: Path, images: np.ndarray) -> None:
    """Compare the answers of both protocols to ONNX Runtime's; AssertionError at a difference."""
    expected = _session(file).run(["digit"], {"images": images})[0]
    for place, digit in enumerate(expected):
        image = images[place : place + 1]
        row = json.loads(_ask(url, _in_json(name, image)))["predictions"][0]
        raw = _ask(url, _in_bytes(name, image))
        answer = json.JSONDecoder().raw_decode(raw.decode("latin-1"))[0]["outputs"]
        start = len(raw)
        for output in reversed(answer):
            start -= output["parameters"]["binary_data_size"]
            if output["name"] == "digit":
                binary = int.from_bytes(raw[start : start + 8], "little")
        assert row["digit"] == binary == digit, (place, row, binary, digit)


def resident(url: str) -> float:
    """The server's memory in MiB."""
    with urllib.request.urlopen(f"{url}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    (line,) = (line for line in lines if line.startswith("process_resident_memory_bytes"))
    return float(line.split()[1]) / 2**20


def table(rows: list[dict]) -> str:
    """The rows as a table for a terminal."""
    head = f"{'net':22} {'protocol':15} clients  requests/s  ratio   p50 ms   p99 ms  failed"
    return "\n".join(
        [
            head,
            *(
                f"{row['net']:22} {row['protocol']:15} {row['clients']:>7} "
                f"{row['requests_per_second']:>11,} {row['ratio']:>6} {row['p50_ms']:>8} "
                f"{row['p99_ms']:>8} {row['failed']:>7}"
                for row in rows
            ),
        ]
    )


def markdown(rows: list[dict]) -> str:
    """The same for the manual: how many requests a second, and how long the slow ones take."""
    lines = [
        "| network | protocol | clients | requests a second | ratio | median | 99th percentile |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        p50, p99 = (f"{float(row[name]):,.2f} ms" for name in ("p50_ms", "p99_ms"))
        rate = f"{int(row['requests_per_second']):,}"
        numbers = f"{row['clients']} | {rate} | {float(row['ratio']):.2f} | {p50} | {p99}"
        lines.append(f"| `{row['net']}` | {row['protocol']} | {numbers} |")
    return "\n".join(lines)


def _row(rounds: list[tuple[Load, float]]) -> dict:
    loads = [load for load, _ in rounds]
    return {
        "requests_per_second": round(float(np.median([load.per_second for load in loads]))),
        "in_process_per_second": round(float(np.median([alone for _, alone in rounds]))),
        "ratio": round(float(np.median([load.per_second / alone for load, alone in rounds])), 2),
        "p50_ms": round(float(np.median([load.p50_ms for load in loads])), 2),
        "p99_ms": round(float(np.median([load.p99_ms for load in loads])), 2),
        "failed": sum(load.failed for load in loads),
        "rounds": len(rounds),
        "load": loads[0].by,
    }


def _in_json(name: str, image: np.ndarray) -> Request:
    body = json.dumps({"instances": image.tolist()}).encode()
    return Request(f"/v1/models/{name}:predict", body, {"Content-Type": "application/json"})


def _in_bytes(name: str, image: np.ndarray) -> Request:
    size = {"binary_data_size": image.nbytes}
    given = {"name": "images", "shape": list(image.shape), "datatype": "UINT8", "parameters": size}
    head = json.dumps({"inputs": [given], "parameters": {"binary_data_output": True}}).encode()
    headers = {
        "Content-Type": "application/octet-stream",
        "Inference-Header-Content-Length": str(len(head)),
    }
    return Request(f"/v2/models/{name}/infer", head + image.tobytes(), headers)


def _ask(url: str, request: Request) -> bytes:
    asked = urllib.request.Request(url + request.path, request.body, request.headers)
    with urllib.request.urlopen(asked) as answer:
        return answer.read()


def _session(file: Path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


@contextlib.contextmanager
def _server(file: Path) -> Iterator[str]:
    root = str(Path(__file__).resolve().parents[1])
    process = subprocess.Popen(
        [sys.executable, "-m", "zoo", "serve", str(file), "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
    )
    try:
        for line in process.stderr:
            if not line.startswith("{"):
                raise RuntimeError(line)
            if "url" in (record := json.loads(line)):
                break
        yield record["url"]
    finally:
        process.terminate()
        process.communicate()


if __name__ == "__main__":
    raise SystemExit(main())
