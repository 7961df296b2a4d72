"""Intervals: how sure a score is, and where one more run should lie."""

from __future__ import annotations

import math
import statistics


def prediction_interval(values: list[float], confidence: float = 0.95) -> tuple[float, float]:
    """Where one more value of a normal distribution should lie, given two values or more."""
    from scipy.stats import t

    mean, deviation = statistics.mean(values), statistics.stdev(values)
    reach = t.ppf((1 + confidence) / 2, len(values) - 1)
    reach *= deviation * math.sqrt(1 + 1 / len(values))
    return mean - reach, mean + reach
