"""What Prometheus is told of a server, at /metrics."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_IMAGES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The counters of one server, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        requests = Counter(
            "zoo_requests",
            "Requests answered",
            ["protocol", "model", "code"],
            registry=self.registry,
        )
        seconds = Histogram(
            "zoo_request_seconds",
            "From the request's headers to its answer",
            ["protocol", "model"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._batches = Histogram(
            "zoo_batch_examples",
            "Examples computed together",
            ["model", "version"],
            buckets=_IMAGES,
            registry=self.registry,
        )
        self._waiting = Gauge(
            "zoo_waiting_examples",
            "Examples that wait for an answer",
            ["model", "version"],
            registry=self.registry,
        )
        # To look a label up takes longer than to count. All labels come from closed sets, so that
        # no client can make the registry grow.
        self._requests = lru_cache(None)(requests.labels)
        self._seconds = lru_cache(None)(seconds.labels)

    def answered(self, protocol: str, model: str, code: int, seconds: float) -> None:
        """Count one request; `model` is empty where the request named none that is served."""
        self._requests(protocol, model, str(code)).inc()
        self._seconds(protocol, model).observe(seconds)

    def loaded(self, model: str, version: int, waiting: Callable[[], int]) -> Callable[[int], None]:
        """Begin to tell of a version; returns what is to be called with the size of each batch."""
        self._waiting.labels(model, str(version)).set_function(waiting)
        return self._batches.labels(model, str(version)).observe

    def unloaded(self, model: str, version: int) -> None:
        """Tell no longer of a version."""
        self._waiting.remove(model, str(version))
        self._batches.remove(model, str(version))

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self.registry)
