"""Percentiles are true to one percent."""

import random

import pytest

from poet_import.events.latencies import Latencies


@pytest.mark.parametrize("percent", [0, 50, 95, 99, 100])
def test_percentile_is_true_to_one_percent(percent: int) -> None:
    generator = random.Random(9)
    values = sorted(generator.lognormvariate(0, 3) for _ in range(10_001))
    latencies, others = Latencies(), Latencies()
    for number, value in enumerate(values):
        (latencies if number % 2 else others).add(value)

    latencies.merge(others)

    assert latencies.percentile(percent) == pytest.approx(max(values[percent * 100], 1e-4), rel=0.0101)


def test_nothing_has_no_percentile() -> None:
    assert Latencies().percentile(50) is None


def test_call_too_short_for_the_clock_counts() -> None:
    latencies = Latencies()
    latencies.add(0.0)

    assert latencies.percentile(50) == pytest.approx(1e-4, rel=0.0101)
