"""Intervals of too few values."""

from __future__ import annotations

import statistics

import pytest

from zoo.evaluation.intervals import bootstrap_interval, prediction_interval


@pytest.mark.parametrize("interval", [bootstrap_interval, prediction_interval])
@pytest.mark.parametrize("values", [[], [1.0]])
def test_an_interval_needs_two_values(interval, values):
    with pytest.raises(statistics.StatisticsError):
        interval(values)
    assert interval([1.0, 1.0]) == (1, 1)
