"""What Prometheus is told: its own parser reads the counts that were given."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from zoo.serve.metrics import Metrics


def _samples(metrics: Metrics) -> dict[tuple, float]:
    families = text_string_to_metric_families(metrics.text().decode())
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def test_requests_are_counted_by_status_and_time():
    metrics = Metrics()
    for code, seconds in ((200, 0.0001), (200, 0.0005), (429, 0.002), (200, 99.0)):
        metrics.answered("tf_serving", "half", code, seconds)
    metrics.answered("server", "", 200, 0.3)
    samples = _samples(metrics)
    half = (("model", "half"), ("protocol", "tf_serving"))

    def count(code):
        return samples["zoo_requests_total", ("code", code), *half]

    def within(bound):
        return samples["zoo_request_seconds_bucket", ("le", bound), *half]

    assert (count("200"), count("429")) == (3, 1)
    assert [within(bound) for bound in ("0.0005", "0.001", "0.0025", "30.0", "+Inf")] == [
        2, 2, 3, 3, 4,
    ]  # fmt: skip
    assert samples["zoo_request_seconds_count", *half] == 4
    assert samples["zoo_request_seconds_sum", *half] == pytest.approx(99.0026)
    assert (
        samples["zoo_requests_total", ("code", "200"), ("model", ""), ("protocol", "server")] == 1
    )
