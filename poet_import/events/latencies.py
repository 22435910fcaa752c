"""How long calls take, as percentiles, in a memory that does not grow with their number."""

from __future__ import annotations

import math
from collections import Counter

ACCURACY = 0.01
_GAMMA = (1 + ACCURACY) / (1 - ACCURACY)
_LOG = math.log(_GAMMA)
_LEAST = 1e-4  # milliseconds: the last digit of an event


class Latencies:
    """A histogram with ever wider bins, so that each percentile is true to 1 %.

    C. Masson, J. E. Rim, H. K. Lee: DDSketch, Proceedings of the VLDB Endowment 12 (2019). From 0.1 µs to a year there
    are less than 2,000 bins.
    """

    def __init__(self) -> None:
        self._bins: Counter[int] = Counter()

    def add(self, milliseconds: float) -> None:
        """Take in a call."""
        self._bins[math.ceil(math.log(max(milliseconds, _LEAST)) / _LOG)] += 1

    def merge(self, other: Latencies) -> None:
        """Take in all calls of another histogram."""
        self._bins.update(other._bins)

    def percentile(self, percent: int) -> float | None:
        """Return the least of the times that so many in a hundred calls did not exceed; None where there was none."""
        total, passed = self._bins.total(), 0
        for number in sorted(self._bins):
            passed += self._bins[number]
            if 100 * passed >= percent * total:
                return 2 * _GAMMA**number / (_GAMMA + 1)
        return None
