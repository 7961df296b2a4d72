"""The table of addresses: what the server answers, and by which handler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from msgspec import Struct
from starlette.routing import Route as StarletteRoute

from zoo.serve import open_inference, tf_serving
from zoo.serve.messages import ClassifyRequest, InferRequest, PredictRequest, encode
from zoo.serve.metrics import CONTENT_TYPE
from zoo.serve.service import JSON, Answer, Call, Endpoint, Handler


@dataclass(frozen=True)
class Route:
    """One address.

    Attributes:
        method: GET or POST.
        path: With {name} and {version} for the parts that requests choose.
        handler: What answers.
        summary: What it is for.
        takes: The record that a body must be.
        content_type: Of the answer.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    takes: type[Struct] | None = None
    content_type: str = JSON

    @property
    def protocol(self) -> str:
        """`tf_serving`, `open_inference` or `server`: the module of the handler."""
        module = self.handler.__module__.rpartition(".")[2]
        return module if module != __name__.rpartition(".")[2] else "server"


async def health(call: Call) -> Answer:
    """GET /healthz: whether the server runs, and which models it serves."""
    repository = call.service.repository
    models = {
        name: [
            number
            for number, (state, _) in repository.versions(name).items()
            if state == "AVAILABLE"
        ]
        for name in repository.names
    }
    return Answer(
        encode({"status": "ok" if call.service.ready() else "stopping", "models": models})
    )


async def metrics(call: Call) -> Answer:
    """GET /metrics: Prometheus' text format."""
    return Answer(call.service.metrics.text(), content_type=CONTENT_TYPE)


def routes() -> list[Route]:
    """All addresses, in the order in which they are tried: predictions first."""
    v1, v2 = tf_serving, open_inference
    table = []
    for model in ("/v1/models/{name}", "/v1/models/{name}/versions/{version}"):
        table += [
            Route("POST", f"{model}:predict", v1.predict, "Outputs for images", PredictRequest),
            Route("POST", f"{model}:classify", v1.classify, "Probabilities", ClassifyRequest),
            Route("POST", f"{model}:regress", v1.regress, "Refused: no model is a regression"),
            Route("GET", f"{model}/metadata", v1.metadata, "Signatures"),
            Route("GET", model, v1.status, "State of the versions"),
        ]
    for model in ("/v2/models/{name}", "/v2/models/{name}/versions/{version}"):
        table += [
            Route("POST", f"{model}/infer", v2.infer, "Outputs for images", InferRequest),
            Route("GET", f"{model}/ready", v2.model_ready, "Is it ready?"),
            Route("GET", model, v2.model, "Inputs and outputs"),
        ]
    return [
        *table,
        Route("GET", "/healthz", health, "Does it run, and what does it serve?"),
        Route("GET", "/metrics", metrics, "Metrics", content_type="text/plain"),
        Route("GET", "/v2", v2.server, "What this server is"),
        Route("GET", "/v2/health/live", v2.live, "Is the server alive?"),
        Route("GET", "/v2/health/ready", v2.ready, "Is the server ready?"),
        Route("POST", "/v2/repository/index", v2.index, "All models and versions"),
    ]


class RememberedRoutes:
    """An application whose endpoints are found by one look-up, once they have been asked for.

    Starlette tries one address after the other at every request, which takes longer than a small
    network. Whatever is not found here is left to it: its errors, and addresses that are too long
    to be kept.

    Args:
        application: Starlette's.
        entries: Its routes.
    """

    longest = 200
    kept = 1024

    def __init__(self, application: Callable, entries: Sequence[StarletteRoute]):
        self._application = application
        self._entries = entries
        self._find = lru_cache(self.kept)(self._search)
        self._find_target = lru_cache(self.kept)(self._search_target)

    async def __call__(self, scope: dict[str, Any], receive: Callable, send: Callable) -> None:
        """Answer one request, or what else ASGI asks."""
        found = None
        if scope["type"] == "http" and len(scope["path"]) <= self.longest:
            found = self._find(scope["method"], scope["path"])
        if found is None:
            await self._application(scope, receive, send)
            return
        endpoint, scope["path_params"] = found
        await endpoint(scope, receive, send)

    def direct_target(self, url: bytes) -> tuple[Endpoint, dict[str, str]] | None:
        """The endpoint of POST requests to an address, and its words; None for unusual ones."""
        return self._find_target(url) if len(url) <= self.longest else None

    def _search_target(self, url: bytes) -> tuple[Endpoint, dict[str, str]] | None:
        if not url.isascii() or any(mark in url for mark in (b"%", b"?", b"#", b"//")):
            return None
        endpoint, words = self._search("POST", url.decode("ascii")) or (None, {})
        return (endpoint, words) if isinstance(endpoint, Endpoint) else None

    def _search(self, method: str, path: str) -> tuple[Callable, dict[str, str]] | None:
        for entry in self._entries:
            match = entry.path_regex.match(path)
            if match and method in (entry.methods or ()):
                return entry.endpoint, match.groupdict()
        return None
