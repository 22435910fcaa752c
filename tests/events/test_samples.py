"""Means and rates have the intervals that the sources of their methods print."""

import math
from collections.abc import Iterable
from statistics import mean, variance

import pytest

from poet_import.events.samples import Sample, difference, rate_interval, student

# The first example of the article on Welch's test in Wikipedia: t is -2.46 with 25.0 degrees of freedom.
FIRST = (27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4)
SECOND = (27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 20.5, 24.4)


def sample(values: Iterable[float]) -> Sample:
    made = Sample()
    for value in values:
        made.add(value)
    return made


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [
        pytest.param(81, 263, 0.2553, 0.3662, id="many"),
        pytest.param(15, 148, 0.0624, 0.1605, id="some"),
        pytest.param(0, 20, 0.0, 0.1611, id="none"),
        pytest.param(1, 29, 0.0061, 0.1718, id="one"),
    ],
)
def test_rate_has_the_interval_of_newcombes_table(hits: int, count: int, low: float, high: float) -> None:
    found = rate_interval(hits / count, count)

    assert (round(found.low, 4), round(found.high, 4), found.method) == (low, high, "Wilson")


@pytest.mark.parametrize(
    ("later", "earlier", "low", "high"),
    [
        pytest.param((56, 70), (48, 80), 0.0524, 0.3339, id="larger"),
        pytest.param((9, 10), (3, 10), 0.1705, 0.8090, id="small"),
        pytest.param((10, 10), (0, 10), 0.6075, 1.0, id="extreme"),
    ],
)
def test_difference_of_rates_has_the_interval_of_newcombes_table(
    later: tuple[int, int], earlier: tuple[int, int], low: float, high: float
) -> None:
    found = difference(Sample.of_rate(*earlier), Sample.of_rate(*later))

    assert found is not None
    assert (round(found.low, 4), round(found.high, 4), found.method) == (low, high, "Newcombe")


@pytest.mark.parametrize(
    ("freedom", "point"), [(1, 12.706), (2, 4.303), (3, 3.182), (5, 2.571), (10, 2.228), (30, 2.042), (1000, 1.962)]
)
def test_student_points_are_those_of_the_tables(freedom: int, point: float) -> None:
    assert student(freedom) == pytest.approx(point, rel=0.002)


def test_difference_of_means_is_welchs() -> None:
    error = math.sqrt(variance(FIRST) / 15 + variance(SECOND) / 15)

    found = difference(sample(FIRST), sample(SECOND))

    assert found is not None
    assert (found.low + found.high) / 2 == pytest.approx(mean(SECOND) - mean(FIRST))
    assert (found.high - found.low) / 2 == pytest.approx(2.064 * error, rel=0.001)  # 24 degrees of freedom
    assert found.method == "Welch"


def test_mean_has_students_interval() -> None:
    found = sample(FIRST).interval

    assert found is not None
    assert (found.high - found.low) / 2 == pytest.approx(2.145 * math.sqrt(variance(FIRST) / 15), rel=0.001)
    assert found.method == "Student"


def test_merged_samples_are_one_sample() -> None:
    merged = sample(FIRST)
    merged.merge(sample(SECOND))
    merged.merge(Sample())

    assert (merged.count, merged.is_rate) == (30, False)
    assert merged.mean == pytest.approx(mean(FIRST + SECOND))
    assert merged.mean_variance == pytest.approx(variance(FIRST + SECOND) / 30)


def test_rate_told_by_its_counts_is_the_sample_of_its_values() -> None:
    told, added = Sample.of_rate(3, 10), sample([1] * 3 + [0] * 7)

    assert (told.count, told.is_rate) == (added.count, added.is_rate)
    assert (told.mean, told.mean_variance) == (pytest.approx(added.mean), pytest.approx(added.mean_variance))


@pytest.mark.parametrize(
    "values",
    [pytest.param([], id="nothing"), pytest.param([0.5], id="one"), pytest.param([2.5, 2.5], id="equal")],
)
def test_too_little_has_no_interval(values: list[float]) -> None:
    assert sample(values).interval is None
    assert difference(sample(values), sample(values)) is None
    assert Sample.of_rate(0, 0).interval is None
