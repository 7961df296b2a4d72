"""The service that both protocols speak for, and the endpoints that carry their calls over ASGI."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from zoo.serve.limits import Limits, Refused
from zoo.serve.messages import ErrorMessage, encode
from zoo.serve.metrics import Metrics
from zoo.serve.repository import Repository, Version
from zoo.serve.signatures import Signature
from zoo.serve.tensors import Arrays
from zoo.utils.whole import whole_number

LOG = logging.getLogger("zoo.serve")
JSON = "application/json"


class Gone(Exception):
    """The client hung up before its request was whole."""


@dataclass
class Service:
    """What a server works with.

    Attributes:
        repository: The models.
        limits: What it grants.
        metrics: What it counts.
        ready: Whether requests are welcome: not while it stops.
        in_flight: How many requests are being received or answered.
        log_requests: Whether every request gets a line in the log, or refused ones alone.
    """

    repository: Repository
    limits: Limits
    metrics: Metrics
    ready: Callable[[], bool] = lambda: True
    in_flight: Callable[[], int] = lambda: 1
    log_requests: bool = False
    pictures: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    async def answer(self, version: Version, signature: Signature, given: Arrays) -> Arrays:
        """All outputs of a version for arrays in a signature's form; raises Refused."""
        count = 1
        if version.batcher.together:
            count, *others = {len(array) for array in given.values()}
            if others:
                raise Refused(400, "all inputs must hold the same number of examples")
        if count > self.limits.queue:
            message = f"a request may hold {self.limits.queue:,} examples, not {count:,}"
            raise Refused(413, f"{message}: send them in several requests")
        if signature.slow:
            arrays = await self._in_a_thread(signature, given)
        else:
            arrays = signature.prepare(given)
        return await version.answer(arrays, count, alone=self.in_flight() <= 1)

    async def _in_a_thread(self, signature: Signature, given: Arrays) -> Arrays:
        # One at a time, until its thread ends, which no timeout stops: pictures take memory.
        seconds = self.limits.answer_seconds
        try:
            async with asyncio.timeout(seconds):
                await self.pictures.acquire()
                work = asyncio.ensure_future(asyncio.to_thread(signature.prepare, given))
                work.add_done_callback(self._next_pictures)
                return await asyncio.shield(work)
        except TimeoutError:
            raise Refused(
                504, f"no answer within {seconds:g} seconds: send fewer pictures"
            ) from None

    def _next_pictures(self, work: asyncio.Future[Arrays]) -> None:
        self.pictures.release()
        if not work.cancelled():
            work.exception()  # nobody waits for it any more, where its time was over


@dataclass
class Answer:
    """A response: JSON unless it says otherwise."""

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


class Call:
    """One request, as handlers see it.

    Attributes:
        service: The service.
        model: The name of the served model that it is about, once that is known.
        scope: ASGI's.
    """

    def __init__(self, service: Service, scope: dict[str, Any], receive: Callable):
        self.service = service
        self.model = ""
        self.scope = scope
        self._receive = receive

    def header(self, name: bytes) -> str | None:
        """The value of a header, its name in small letters."""
        for key, value in self.scope["headers"]:
            if key == name:
                return value.decode("latin-1")
        return None

    async def answer(self, version: Version, signature: Signature, given: Arrays) -> Arrays:
        """All outputs of a version for arrays in a signature's form; raises Refused."""
        return await self.service.answer(version, signature, given)

    def version(self) -> Version:
        """The version that the address names; raises Refused."""
        version = self.service.repository.get(self.path["name"], self.path.get("version"))
        self.model = version.name
        return version

    @property
    def path(self) -> dict[str, str]:
        """The words of the address: `name`, and perhaps `version`."""
        return self.scope["path_params"]

    @property
    def name(self) -> str:
        """The model's name in the address, checked: it is served."""
        name = self.path["name"]
        self.service.repository.get(name)
        self.model = name
        return name

    async def body(self) -> bytes:
        """The whole body.

        Raises:
            Refused: 413 for one above the limit, before it is read where its length is told; 415
                for a compressed one, which a few bytes can make large.
            Gone: Where the client hangs up.
        """
        limit = self.service.limits.body
        text = f"the body is larger than {limit:,} bytes: send less at a time"
        if (self.header(b"content-encoding") or "identity").lower() != "identity":
            raise Refused(415, "compressed bodies are not read: send it as it is")
        if (whole_number(self.header(b"content-length") or "") or 0) > limit:
            raise Refused(413, text)
        parts: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Gone
            parts.append(message["body"])
            size += len(message["body"])
            if size > limit:
                raise Refused(413, text)
            if not message["more_body"]:
                return parts[0] if len(parts) == 1 else b"".join(parts)


Handler = Callable[[Call], Coroutine[Any, Any, Answer]]


class Endpoint:
    """A handler as an ASGI application: it answers, counts, and words every refusal.

    Args:
        service: The service.
        protocol: The protocol's name, for metrics and log.
        handler: What answers a call.
    """

    def __init__(self, service: Service, protocol: str, handler: Handler):
        self.service = service
        self.protocol = protocol
        self.handler = handler

    async def __call__(self, scope: dict[str, Any], receive: Callable, send: Callable) -> None:
        """Answer one request."""
        began = time.perf_counter()
        call = Call(self.service, scope, receive)
        why = ""
        try:
            answer = await self.handler(call)
        except Gone:
            return
        except Exception as error:
            answer, why = failure(error, scope)
        self.answered(call, answer, time.perf_counter() - began, why)
        await reply(send, answer)

    def answered(self, call: Call, answer: Answer, seconds: float, why: str = "") -> None:
        """Count a call and log it, every one or the refused ones alone, as the service says.

        Args:
            call: The request; its `model` must be set by now, if it names one that is served.
            answer: What it got.
            seconds: From the request's headers to its answer.
            why: The reason of a refusal; empty for none.
        """
        self.service.metrics.answered(self.protocol, call.model, answer.status, seconds)
        if why or self.service.log_requests:
            _log(call.scope, answer.status, seconds, why)


def failure(error: Exception, scope: dict[str, Any]) -> tuple[Answer, str]:
    """The answer that an error of a handler makes, and its sentence.

    Args:
        error: A `Refused` has its own status and sentence. Anything else is logged with its
            traceback, and answered with status 500 and no detail.
        scope: ASGI's, whose path is logged.
    """
    if isinstance(error, Refused):
        return error_answer(error), error.message
    LOG.error("failed", exc_info=error, extra={"path": scope["path"]})
    why = "the server failed on this request: its log says why"
    return error_answer(Refused(500, why)), why


async def reply(send: Callable, answer: Answer) -> None:
    """Send a response over ASGI."""
    start = {"type": "http.response.start", "status": answer.status, "headers": headers_of(answer)}
    await send(start)
    await send({"type": "http.response.body", "body": answer.body})


def headers_of(answer: Answer) -> list[tuple[bytes, bytes]]:
    """A response's headers, their names in small letters."""
    return [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", b"%d" % len(answer.body)),
        *more_headers(answer),
    ]


def more_headers(answer: Answer) -> list[tuple[bytes, bytes]]:
    """Those of them that are not in every response."""
    return [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]


def error_answer(refused: Refused) -> Answer:
    """The error form that both protocols share: {"error": "one sentence"}."""
    text = " ".join(refused.message.split())
    body = encode(ErrorMessage(text.encode("utf-8", "replace").decode()))
    return Answer(body, refused.status, headers=refused.headers)


def _log(scope: dict[str, Any], status: int, seconds: float, why: str) -> None:
    client = scope.get("client")
    record = {
        "method": scope["method"],
        "path": scope["path"][:200],
        "status": status,
        "ms": round(seconds * 1000, 3),
        "client": client[0] if client else "",
    }
    LOG.info("request", extra={**record, "why": why} if why else record)
