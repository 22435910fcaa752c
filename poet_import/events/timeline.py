"""A value over time, by version, in a memory that does not grow with the number of values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from poet_import.events.samples import Sample

_MOST = 128
_WORTH = 8  # values that a stretch should have on average, and the stretches that there may be however few come

Key = TypeVar("Key", int, tuple[int, str])


@dataclass(frozen=True, slots=True)
class Point:
    """The mean of what came in a stretch of time, of one version or of all.

    Attributes:
        begin: When the stretch began, in seconds since 1970.
        end: When it ended.
        mean: Of what came in it.
        count: How many came.
    """

    begin: float
    end: float
    mean: float
    count: int


class Timeline:
    """Samples in stretches of equal length, which doubles when they become too many.

    The stretches begin at multiples of their length, in microseconds since 1970: what is found does not depend on the
    order in which the values come.

    Attributes:
        begin: When the first value was given, in seconds since 1970.
        end: When the last was.
    """

    def __init__(self) -> None:
        self._shift = 0  # a stretch has 2 ** shift microseconds
        self._samples: dict[tuple[int, str], Sample] = {}
        self._first = self._last = 0
        self._count = 0
        self.begin = self.end = 0.0

    def add(self, time: float, version: str, value: float) -> None:
        """Take in a value of a version."""
        number = round(time * 1e6) >> self._shift
        if not self._count:
            self._first = self._last = number
            self.begin = self.end = time
        self._count += 1
        self.begin, self.end = min(self.begin, time), max(self.end, time)
        self._first, self._last = min(self._first, number), max(self._last, number)
        self._samples.setdefault((number, version), Sample()).add(value)
        if wider := self._wider(_MOST):
            self._shift += wider
            self._first, self._last = self._first >> wider, self._last >> wider
            self._samples = _merged(((number >> wider, its), one) for (number, its), one in self._samples.items())

    def _wider(self, most: int) -> int:
        """Return how often the length of a stretch has to double, so that there are no more of them than that."""
        wider = 0
        while (self._last >> wider) - (self._first >> wider) >= most:
            wider += 1
        return wider

    def points(self, version: str | None = None, *, most: int = _MOST) -> list[Point]:
        """Return the stretches in which something came, of a version or of all; few where little came."""
        wider = self._wider(min(most, max(_WORTH, self._count // _WORTH)))
        chosen = ((key, one) for key, one in sorted(self._samples.items(), key=_key) if version in (None, key[1]))
        found = _merged((key[0] >> wider, one) for key, one in chosen)
        length = (1 << (self._shift + wider)) / 1e6
        return [Point(number * length, (number + 1) * length, one.mean, one.count) for number, one in found.items()]

    def columns(self, most: int) -> list[Point | None]:
        """Return the stretches one after the other, None for one in which nothing came."""
        points = self.points(most=most)
        found: list[Point | None] = []
        for before, point in zip([None, *points], points, strict=False):
            gap = round((point.begin - before.end) / (point.end - point.begin)) if before else 0
            found += [*([None] * gap), point]
        return found


def _key(item: tuple[tuple[int, str], Sample]) -> tuple[int, str]:
    return item[0]


def _merged(samples: Iterable[tuple[Key, Sample]]) -> dict[Key, Sample]:
    """Return one sample for each key."""
    found: dict[Key, Sample] = {}
    for key, sample in samples:
        found.setdefault(key, Sample()).merge(sample)
    return found
