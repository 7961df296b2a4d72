"""The transport beneath a connection: an answer leaves as one piece, and nothing is cut off."""

from __future__ import annotations

import asyncio
from typing import Any


class Transport:
    """A transport that sends an answer's head and body as one piece, and does not hang up early.

    The head of an answer is held until its body is written: Uvicorn writes the two one after the
    other, and each write is a call of the system. To close while the client still sends would make
    its system throw our answer away. So `close` waits for the end of the message, or for
    `close_now`.
    """

    def __init__(self, transport: asyncio.Transport):
        self._transport = transport
        self._head = b""
        self.receiving = False  # whether a message is on its way to us
        self.lingers = False
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send what Uvicorn writes; the head of an answer waits for its body."""
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 100 "):
            self._head = data
            return
        self._transport.write(data)

    def write_now(self, data: bytes) -> None:
        """Send a whole answer."""
        self._transport.write(data)

    def close(self) -> None:
        """Hang up, once the message on its way to us has ended."""
        if self.receiving:
            self.lingers = True
            self.flush()
        else:
            self.close_now()

    def close_now(self) -> None:
        """Hang up."""
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """Send a head that has no body."""
        if self._head:
            self._transport.write(self._head)
            self._head = b""
