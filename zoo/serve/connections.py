"""Connections: Uvicorn's HTTP protocol, which no client can hold for longer than its limits.

A request has a time for its headers and one for its body, a size for its headers, and a server a
number of connections. Beyond them a client gets the status, one sentence, and a closed connection.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from zoo.serve.direct import Waiting, answer_directly
from zoo.serve.limits import Limits, Refused
from zoo.serve.service import Answer, Endpoint, error_answer, more_headers
from zoo.serve.transport import Transport

# A body that was refused is read on and dropped, so that the client comes to read the refusal;
# up to this many times its limit.
_DROPPED = 16

# A longer body holds more than one image, or a large one.
_DIRECT = 16 * 1024


class Connection(HttpToolsProtocol):
    """One connection, held to its limits."""

    limits = Limits()

    def __init__(self, *arguments: Any, **settings: Any):
        super().__init__(*arguments, **settings)
        self._timer: asyncio.TimerHandle | None = None
        self._in_head = True
        self._received = 0
        # The body of a message whose way is not chosen yet, only while data is taken in; and the
        # endpoint that it is for.
        self._held: bytes | None = None
        self._target: tuple[Endpoint, dict[str, str]] | None = None
        self._default_headers: list[tuple[bytes, bytes]] = []
        self._default_lines = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.transport: Any = Transport(transport)
        if len(self.connections) > self.limits.connections:
            self._refuse(503, f"{self.limits.connections:,} connections are open: come again later")
        else:
            self._wait(self.limits.head_seconds)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._received += len(data)
        super().data_received(data)
        if self._held is not None:
            self._take_long_way()
        if not self.transport.receiving:
            if self._timer is not None:
                self._wait(None)
            if self.transport.lingers:
                self.transport.close_now()
        elif self._in_head:
            if self._received > self.limits.head:
                self._refuse(
                    431, f"the request's headers are longer than {self.limits.head:,} bytes"
                )
            elif self._timer is None:
                self._wait(self.limits.head_seconds)
        elif self._received > _DROPPED * self.limits.body + self.limits.head:
            self._refuse(413, f"the body is larger than {self.limits.body:,} bytes")
        elif self._timer is None:
            self._wait(self.limits.body_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait(None)
        if isinstance(self.cycle, Waiting):
            self.cycle.cancel()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self.transport.receiving = self._in_head = True
        self.url, self.headers, self.expect_100_continue = b"", [], False

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._timer is not None:
            self._wait(None)  # the body's time begins
        self._held = b""
        if not self._may_be_direct():
            self._take_long_way()

    def on_body(self, body: bytes) -> None:
        if self._held is None:
            super().on_body(body)
        else:
            self._held += body
            if len(self._held) > _DIRECT:
                self._take_long_way()

    def on_message_complete(self) -> None:
        self.transport.receiving = False
        self._received = 0
        if self._held is None or not self._answer_directly(self._held):
            self._take_long_way()
            super().on_message_complete()

    def on_response_complete(self) -> None:
        self.transport.flush()  # an answer to HEAD
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        self._take_long_way()
        self._refuse(400, "this is no HTTP request")

    def _may_be_direct(self) -> bool:
        # Whatever is not as usual takes the long way.
        app: Any = self.app
        self._target = app.direct_target(self.url)
        return (
            self._target is not None
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
            and not self.expect_100_continue
            and (self.cycle is None or self.cycle.response_complete)
            and not self.flow.write_paused
        )

    def _answer_directly(self, body: bytes) -> bool:
        assert self._target is not None
        endpoint, words = self._target
        scope = {
            "method": "POST",
            "path": self.url.decode("ascii"),
            "client": self.client,
            "headers": self.headers,
            "path_params": words,
        }
        answer = answer_directly(endpoint, scope, body, len(self.connections) == 1)
        if answer is None:
            return False
        self._held = None
        if isinstance(answer, Waiting):
            answer.deliver = self._deliver
            self.cycle: Any = answer
        else:
            self._send(answer)
        return True

    def _deliver(self, waiting: Waiting, answer: Answer) -> None:
        if not self.transport.is_closing():
            self._send(answer)
            if not waiting.keep_alive:
                self.transport.close()

    def _send(self, answer: Answer) -> None:
        if self._default_headers is not self.server_state.default_headers:  # new every second
            self._default_headers = self.server_state.default_headers
            self._default_lines = lines(self._default_headers)
        self.transport.write_now(
            b"%b%bcontent-type: %b\r\ncontent-length: %d\r\n%b\r\n%b"
            % (
                STATUS_LINE[answer.status],
                self._default_lines,
                answer.content_type.encode(),
                len(answer.body),
                lines(more_headers(answer)) if answer.headers else b"",
                answer.body,
            )
        )
        self.on_response_complete()

    def _take_long_way(self) -> None:
        if self._held is not None:
            body, self._held = self._held, None
            head = self.url, self.headers, self.expect_100_continue
            super().on_message_begin()  # makes the scope of ASGI, whose headers are a new list
            self.url, headers, self.expect_100_continue = head
            self.headers.extend(headers)
            super().on_headers_complete()
            if body:
                super().on_body(body)

    def _wait(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is not None:
            self._timer = self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        self._timer = None
        part = "headers" if self._in_head else "body"
        self._refuse(408, f"the request's {part} did not arrive in time")

    def _refuse(self, status: int, message: str) -> None:
        cycle = self.cycle  # of this message, or while its head is on its way of the last one
        if self._in_head:
            unanswered = cycle is None or cycle.response_complete
        else:
            unanswered = not cycle.response_started
        if unanswered and not self.transport.is_closing():
            answer = error_answer(Refused(status, message))
            head = b"content-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
            head %= (answer.content_type.encode(), len(answer.body))
            self.transport.write(STATUS_LINE[status] + head + answer.body)
        self.transport.close_now()


def lines(headers: list[tuple[bytes, bytes]]) -> bytes:
    """Headers as they are sent."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def guarded(limits: Limits) -> type[Connection]:
    """The protocol class of a server with these limits."""
    return type("Guarded", (Connection,), {"limits": limits})
