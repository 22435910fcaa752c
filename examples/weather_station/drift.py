"""Whether a sensor measures something else than it did before."""

from math import sqrt
from statistics import NormalDist, fmean, variance
from typing import TypedDict

from poet_import import poet


class Drift(TypedDict):
    """What the comparison of two samples gave."""

    drift_detected: bool
    score: float  # difference of the means, in standard errors
    p_value: float


@poet(domain="ml_monitoring")
def detect_drift(current_data: list[float], reference_data: list[float], *, p_value_threshold: float = 0.001) -> Drift:
    """Compare the means of two samples, by Welch's statistic and the normal distribution."""
    error = sqrt(variance(current_data) / len(current_data) + variance(reference_data) / len(reference_data))
    score = (fmean(current_data) - fmean(reference_data)) / error
    p_value = 2 * NormalDist().cdf(-abs(score))
    return {"drift_detected": p_value < p_value_threshold, "score": score, "p_value": p_value}


@poet(domain="ml_monitoring")
def completeness(current_data: list[float], expected_count: int) -> float:
    """Return which part of the readings that were due has come, in percent."""
    return 100 * len(current_data) / expected_count
