"""Numbers that come one by one, told by their count, mean and spread, and the 95 % intervals that follow from these."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95
_UPPER = (1 + CONFIDENCE) / 2
_Z = NormalDist().inv_cdf(_UPPER)


@dataclass(frozen=True, slots=True)
class Interval:
    """What a rate, a mean or a difference is between, at 95 % confidence, and the method that says so."""

    low: float
    high: float
    method: str


class Sample:
    """Count, mean and spread of numbers, by Welford's recurrence (Technometrics 4(3), 1962): none of them is kept.

    Attributes:
        count: How many there were.
        mean: Their mean; 0 where there was none.
        is_rate: Whether each was 0 or 1, so that the mean is a rate.
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean = 0.0
        self.is_rate = True
        self._sum = 0.0
        self._squares = 0.0  # the sum of squared distances from the mean

    @classmethod
    def of_rate(cls, hits: int, count: int) -> Sample:
        """Return the sample of that many ones, and zeros for the rest."""
        sample = cls()
        sample.count, sample.mean, sample._sum = count, hits / count if count else 0.0, hits
        sample._squares = hits * (count - hits) / count if count else 0.0
        return sample

    def add(self, value: float) -> None:
        """Take in a number."""
        self.count += 1
        distance = value - self.mean
        self._sum += value
        self.mean = self._sum / self.count  # not step by step: the mean of whole numbers stays exact
        self._squares += distance * (value - self.mean)
        self.is_rate = self.is_rate and value in (0, 1)

    def merge(self, other: Sample) -> None:
        """Take in all numbers of another sample, by the pairwise rule of Chan, Golub and LeVeque (1983)."""
        count = self.count + other.count
        if not other.count:
            return
        distance = other.mean - self.mean
        self._sum += other._sum
        self.mean = self._sum / count
        self._squares += other._squares + distance * distance * self.count * other.count / count
        self.count = count
        self.is_rate = self.is_rate and other.is_rate

    @property
    def mean_variance(self) -> float:
        """Return the variance of the mean, the square of its standard error; there are two numbers or more."""
        return self._squares / (self.count - 1) / self.count

    @property
    def interval(self) -> Interval | None:
        """Return what the mean of all such numbers is between: Wilson's for a rate, else Student's.

        None where that cannot be told: too few numbers, or numbers that are no rate and do not differ.
        """
        if self.is_rate:
            return rate_interval(self.mean, self.count) if self.count else None
        if self.count < 2 or not self.mean_variance:
            return None
        margin = student(self.count - 1) * math.sqrt(self.mean_variance)
        return Interval(self.mean - margin, self.mean + margin, "Student")


def rate_interval(rate: float, count: int) -> Interval:
    """Return the score interval of a rate: E. B. Wilson, Journal of the American Statistical Association 22 (1927)."""
    share = _Z * _Z / count
    middle = (rate + share / 2) / (1 + share)
    margin = _Z / (1 + share) * math.sqrt(rate * (1 - rate) / count + share / (4 * count))
    return Interval(max(0.0, middle - margin), min(1.0, middle + margin), "Wilson")


def difference(first: Sample, second: Sample) -> Interval | None:
    """Return what the second mean less the first is between; None where that cannot be told.

    Two rates: the score method without continuity correction of R. G. Newcombe, Statistics in Medicine 17 (1998),
    method 10. Else: B. L. Welch, Biometrika 34 (1947), whose degrees of freedom are rounded down.
    """
    if first.is_rate and second.is_rate:
        return _rate_difference(first, second) if first.count and second.count else None
    if min(first.count, second.count) < 2 or not first.mean_variance + second.mean_variance:
        return None
    both = first.mean_variance + second.mean_variance
    freedom = both**2 / (first.mean_variance**2 / (first.count - 1) + second.mean_variance**2 / (second.count - 1))
    found = second.mean - first.mean
    margin = student(math.floor(freedom)) * math.sqrt(both)
    return Interval(found - margin, found + margin, "Welch")


def _rate_difference(first: Sample, second: Sample) -> Interval:
    one, other = rate_interval(first.mean, first.count), rate_interval(second.mean, second.count)
    found = second.mean - first.mean
    below = math.hypot(second.mean - other.low, one.high - first.mean)
    above = math.hypot(other.high - second.mean, first.mean - one.low)
    return Interval(found - below, found + above, "Newcombe")


def student(freedom: int) -> float:
    """Return the two-sided 95 % point of Student's distribution, to 0.2 %.

    Exact for one and two degrees of freedom; from three on by the expansion 26.7.5 of Abramowitz and Stegun, Handbook
    of Mathematical Functions (1964).
    """
    if freedom <= 1:
        return math.tan(math.pi * (_UPPER - 0.5))
    if freedom == 2:
        return (2 * _UPPER - 1) * math.sqrt(2 / (4 * _UPPER * (1 - _UPPER)))
    terms = (
        (_Z**3 + _Z) / 4,
        (5 * _Z**5 + 16 * _Z**3 + 3 * _Z) / 96,
        (3 * _Z**7 + 19 * _Z**5 + 17 * _Z**3 - 15 * _Z) / 384,
        (79 * _Z**9 + 776 * _Z**7 + 1482 * _Z**5 - 1920 * _Z**3 - 945 * _Z) / 92160,
    )
    return _Z + sum(term / math.pow(freedom, power) for power, term in enumerate(terms, 1))
