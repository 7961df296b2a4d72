"""A small server that hands the page's files to a browser on this machine, and nothing else."""

from __future__ import annotations

import mimetypes
import sys
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from zoo.errors import RunError

HOST = "127.0.0.1"


class PageServer(ThreadingHTTPServer):
    """Serves files that are held in memory; no path leads to the disk.

    `port` 0 takes a free one; `url` says which. Raises RunError where the port is taken.

    >>> with PageServer({"index.html": b"<p>7</p>"}) as server:
    ...     server.url.startswith("http://127.0.0.1:")
    True
    """

    daemon_threads = True
    allow_reuse_address = False  # or a second server would take the port of the first

    def __init__(self, files: Mapping[str, bytes], port: int = 0):
        self.files = files
        try:
            super().__init__((HOST, port), _Handler)
        except (OSError, OverflowError) as error:
            raise RunError(
                f"port {port} of {HOST} cannot be had ({error}): choose another, or leave it out"
            ) from error

    def handle_error(self, request, client_address) -> None:
        """Say nothing of a browser that leaves during an answer, as it does for another page."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        """The address that a browser opens."""
        return f"http://{HOST}:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    timeout = 30

    def do_GET(self) -> None:
        content = self._head()
        if content is not None:
            self.wfile.write(content)

    def do_HEAD(self) -> None:
        self._head()

    def _head(self) -> bytes | None:
        name = self.path.partition("?")[0].removeprefix("/") or "index.html"
        content = self.server.files.get(name)
        if content is None:
            self.send_error(HTTPStatus.NOT_FOUND, "this page has no such file")
            return None
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", mimetypes.guess_type(name)[0] or "text/plain")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Content-Type-Options", "nosniff")
        # Weights that were trained anew must not be hidden by old ones.
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()
        return content

    def log_message(self, format: str, *args) -> None:
        """Keep the terminal quiet."""
