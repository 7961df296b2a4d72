"""What Prometheus is told of a server, at /metrics."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, Gauge, Histogram, Metric, ProcessCollector
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_IMAGES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class _Tally:
    """Requests of the same labels: how many, and how long they took."""

    __slots__ = ("count", "seconds", "within")

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0
        self.within = [0] * (len(_SECONDS) + 1)  # by the bounds of _SECONDS, and above


class _Requests(Collector):
    """All requests, as two families of Prometheus.

    A counter and a histogram of prometheus_client take a lock each and do much else: together,
    several times as long as this.
    """

    def __init__(self) -> None:
        # All labels come from closed sets, so that no client can make it grow.
        self._tallies: dict[tuple[str, str, int], _Tally] = defaultdict(_Tally)

    def answered(self, protocol: str, model: str, code: int, seconds: float) -> None:
        """Count one request; for the event loop alone.

        Args:
            protocol: The protocol's name.
            model: The model's name; empty where the request named none that is served.
            code: The HTTP status of the answer.
            seconds: From the request's headers to its answer.
        """
        tally = self._tallies[protocol, model, code]
        tally.count += 1
        tally.seconds += seconds
        tally.within[bisect_left(_SECONDS, seconds)] += 1

    def collect(self) -> Iterator[Metric]:
        """Both families."""
        labels = ["protocol", "model"]
        requests = CounterMetricFamily(
            "zoo_requests", "Requests answered", labels=[*labels, "code"]
        )
        times: dict[tuple[str, str], _Tally] = defaultdict(_Tally)
        for (protocol, model, code), tally in self._tallies.items():
            requests.add_metric([protocol, model, str(code)], tally.count)
            total = times[protocol, model]
            total.seconds += tally.seconds
            total.within = [
                one + other for one, other in zip(total.within, tally.within, strict=True)
            ]
        yield requests
        seconds = HistogramMetricFamily(
            "zoo_request_seconds", "From the request's headers to its answer", labels=labels
        )
        bounds = [floatToGoString(bound) for bound in (*_SECONDS, math.inf)]
        for (protocol, model), total in times.items():
            buckets = list(zip(bounds, accumulate(total.within), strict=True))
            seconds.add_metric([protocol, model], buckets, total.seconds)
        yield seconds


class Metrics:
    """The counters of one server, in a registry of its own.

    Attributes:
        registry: Prometheus' registry.
        answered: Counts one request by protocol, model (empty where it named none that is served),
            status, and seconds.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = _Requests()
        self.registry.register(self._requests)
        self.answered = self._requests.answered
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

    def loaded(self, model: str, version: int, waiting: Callable[[], int]) -> Callable[[int], None]:
        """Begin to tell of a version of a model.

        Args:
            model: The model's name.
            version: The version's number.
            waiting: Tells how many of its examples wait for an answer; called whenever Prometheus
                asks.

        Returns:
            What is to be called with the number of examples of each batch.
        """
        self._waiting.labels(model, str(version)).set_function(waiting)
        return self._batches.labels(model, str(version)).observe

    def unloaded(self, model: str, version: int) -> None:
        """Tell no longer of a version."""
        self._waiting.remove(model, str(version))
        self._batches.remove(model, str(version))

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self.registry)
