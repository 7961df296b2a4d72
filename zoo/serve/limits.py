"""What the server grants to a request: sizes, times, places in the queue; and how it refuses."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.spec import validation

MEBIBYTE = 2**20

# A day and a bit: a thread or a timer cannot wait for any number of seconds.
_MOST_SECONDS = 100_000


class Refused(Exception):
    """A request that gets no answer: the HTTP status, and one sentence that says why.

    Args:
        status: The HTTP status, 400 to 599.
        message: One sentence: what was wrong, and what is expected.
        headers: Further headers of the response.
    """

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None):
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


@dataclass(frozen=True)
class Limits:
    """The limits of one server; the defaults suit a laptop.

    Attributes:
        body: Bytes of a request's body; more is refused with 413.
        head: Bytes of a request's first line and headers; more is refused with 431.
        head_seconds: From a connection's first byte to the end of the headers; then 408.
        body_seconds: From there to the end of the body; then 408.
        idle_seconds: How long a connection may stay open between two requests.
        answer_seconds: How long a request may wait for its answer; then 504.
        stop_seconds: How long requests in progress may take once the server is told to stop.
        connections: Open connections; a further one is refused with 503.
        batch: Images that are computed together at the most.
        delay_ms: How long an image waits for others to join its batch. With 0, a batch is what
            arrived while the one before it was computed.
        queue: Images of one model that may wait; a request beyond is refused with 429.
        pixels: Of a PNG or JPEG file; more is refused before the file is decoded.
        request_pixels: Of all files of a request together.
    """

    body: int = 16 * MEBIBYTE
    head: int = 32 * 1024
    head_seconds: float = 10
    body_seconds: float = 30
    idle_seconds: float = 60
    answer_seconds: float = 30
    stop_seconds: float = 10
    connections: int = 4096
    batch: int = 32
    delay_ms: float = 0
    queue: int = 1024
    pixels: int = 16_000_000
    request_pixels: int = 128_000_000

    def __post_init__(self) -> None:
        validation.whole(self, "body", "head", "connections", "batch", "queue")
        validation.whole(self, "pixels", "request_pixels")
        times = ("head_seconds", "body_seconds", "idle_seconds", "answer_seconds", "stop_seconds")
        validation.positive(self, *times)
        validation.real(self, *times, least=0, below=_MOST_SECONDS)
        validation.real(self, "delay_ms", least=0, below=1000 * _MOST_SECONDS)
