"""Clients that make the load of `benchmarks/load.py`: wrk where it is installed, else asyncio."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

# wrk tells what it measured as JSON on its last line; its times are microseconds.
_SCRIPT = """
local file = io.open(%(body)s, "rb")
wrk.method, wrk.body = "POST", file:read("*a")
file:close()
for name, value in pairs(%(headers)s) do wrk.headers[name] = value end
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\\n{"requests": %%d, "seconds": %%f, "p50": %%f, "p99": %%f, "failed": %%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@dataclass(frozen=True)
class Load:
    """What clients saw: answers a second, latencies, and answers that were none."""

    per_second: float
    p50_ms: float
    p99_ms: float
    failed: int
    by: str


def make_load(url: str, request: Any, clients: int, seconds: float) -> Load:
    """Let `clients` send a request over and over, each as soon as it has its answer."""
    if shutil.which("wrk"):
        return _wrk(url, request, clients, seconds)
    return asyncio.run(_clients(url, request, clients, seconds))


def _wrk(url: str, request: Any, clients: int, seconds: float) -> Load:
    with tempfile.TemporaryDirectory() as folder:
        body, script = Path(folder) / "body", Path(folder) / "script.lua"
        body.write_bytes(request.body)
        pairs = ", ".join(
            f"[{json.dumps(k)}] = {json.dumps(v)}" for k, v in request.headers.items()
        )
        script.write_text(
            _SCRIPT % {"body": json.dumps(str(body)), "headers": f"{{{pairs}}}"}, encoding="utf-8"
        )
        command = ["wrk", "-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s", "--timeout", "30s"]
        done = subprocess.run(
            [*command, "-s", str(script), url + request.path],
            capture_output=True,
            text=True,
            check=True,
        )
    printed = json.loads(done.stdout.strip().splitlines()[-1])
    rate = (printed["requests"] - printed["failed"]) / printed["seconds"]
    return Load(rate, printed["p50"] / 1000, printed["p99"] / 1000, printed["failed"], "wrk")


async def _clients(url: str, request: Any, clients: int, seconds: float) -> Load:
    address = urlsplit(url)
    headers = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    length = f"Content-Length: {len(request.body)}\r\n"
    head = f"POST {request.path} HTTP/1.1\r\nHost: x\r\n{headers}{length}\r\n"
    sent = head.encode() + request.body
    times: list[float] = []
    failed = 0
    until = time.perf_counter() + seconds

    async def client() -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        while (began := time.perf_counter()) < until:
            writer.write(sent)
            message = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(message.split(b"content-length: ")[1].split(b"\r\n")[0]))
            times.append(time.perf_counter() - began)
            failed += not message.startswith(b"http/1.1 200")
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    passed = time.perf_counter() - began
    p50, p99 = (1000 * float(np.percentile(times, at)) for at in (50, 99))
    return Load((len(times) - failed) / passed, p50, p99, failed, "asyncio")
