"""A value over time, by version, in a memory that does not grow with the number of values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from poet_import.events.samples import Sample

_MOST = 128


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
    """

    def __init__(self) -> None:
        self._shift = 0  # a stretch has 2 ** shift microseconds
        self._samples: dict[tuple[int, str], Sample] = {}
        self._first = self._last = 0

    def add(self, time: float, version: str, value: float) -> None:
        """Take in a value of a version."""
        number = round(time * 1e6) >> self._shift
        if not self._samples:
            self._first = self._last = number
        self._first, self._last = min(self._first, number), max(self._last, number)
        self._samples.setdefault((number, version), Sample()).add(value)
        if self._last - self._first >= _MOST:
            self._widen(_MOST)

    def _widen(self, most: int) -> None:
        """Double the length of a stretch until there are no more of them than that."""
        while self._last - self._first >= most:
            self._shift += 1
            self._first, self._last = self._first >> 1, self._last >> 1
            samples: dict[tuple[int, str], Sample] = {}
            for (number, version), sample in self._samples.items():
                samples.setdefault((number >> 1, version), Sample()).merge(sample)
            self._samples = samples

    def points(self, version: str | None = None) -> list[Point]:
        """Return the stretches in which something came, of a version or of all."""
        found: dict[int, Sample] = {}
        for (number, its), sample in sorted(self._samples.items(), key=lambda item: item[0]):
            if version in (None, its):
                found.setdefault(number, Sample()).merge(sample)
        return [Point(self._time(number), self._time(number + 1), one.mean, one.count) for number, one in found.items()]

    def columns(self, most: int) -> Iterator[Point | None]:
        """Yield at most that many stretches, one after the other; None for one in which nothing came.

        From then on the stretches are as long as that takes.
        """
        self._widen(most)
        points = {round(point.begin * 1e6) >> self._shift: point for point in self.points()}
        yield from (points.get(number) for number in range(self._first, self._last + 1) if points)

    def _time(self, number: int) -> float:
        return (number << self._shift) / 1e6
