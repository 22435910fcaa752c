"""What stored events tell of each version of a function, in memory that does not grow with their number."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, exp, log, sqrt

from poet_import.events.event import Event, Execution, Feedback

_STEP = log(1.02)  # durations are counted in classes 2 % apart: percentiles are right to 1 %
_SHORTEST = 1e-4  # ms
_LIKELY = 1.96  # standard errors: 95 % confidence


@dataclass(slots=True)
class Figures:
    """What is known of the calls of one version; it grows as events come."""

    calls: int = 0
    retries: int = 0
    failures: Counter[str] = field(default_factory=Counter)  # calls that failed, by the type of the exception
    verdicts: int = 0  # that are numbers
    _sum: float = 0.0
    _squares: float = 0.0
    _durations: Counter[int] = field(default_factory=Counter)

    def add(self, call: Execution, verdicts: Sequence[float] = ()) -> None:
        """Count a call, with the feedback that it got."""
        self.calls += 1
        self.retries += call.retries
        if call.error is not None:
            self.failures[call.error.type] += 1
        self._durations[round(log(max(call.duration_ms, _SHORTEST)) / _STEP)] += 1
        for verdict in verdicts:
            self.verdicts += 1
            self._sum += verdict
            self._squares += verdict * verdict

    def percentile(self, percent: float) -> float:
        """Return the milliseconds that so many percent of the calls took at most; 0 without calls."""
        left = ceil(self.calls * percent / 100)
        for place in sorted(self._durations):
            left -= self._durations[place]
            if left <= 0:
                return exp(place * _STEP)
        return 0.0

    @property
    def failure_rate(self) -> float:
        """Return the share of calls that failed."""
        return self.failures.total() / self.calls if self.calls else 0.0

    @property
    def feedback(self) -> float | None:
        """Return the mean of the verdicts that are numbers, or None without any."""
        return self._sum / self.verdicts if self.verdicts else None

    @property
    def _error(self) -> float:
        """Return the square of the mean verdict's standard error."""
        mean = self._sum / self.verdicts
        return max(0.0, self._squares / self.verdicts - mean * mean) / (self.verdicts - 1)

    def is_worse_than(self, other: Figures) -> bool:
        """Tell whether the feedback is worse than another version's, with 95 % confidence (Welch, 1947)."""
        if self.verdicts < 2 or other.verdicts < 2 or self.feedback is None or other.feedback is None:
            return False
        return other.feedback - self.feedback > _LIKELY * sqrt(self._error + other._error)


def verdicts_of(events: Iterable[Event]) -> dict[str, list[Feedback]]:
    """Return feedback by the execution that it is about."""
    found: dict[str, list[Feedback]] = defaultdict(list)
    for event in events:
        if isinstance(event, Feedback):
            found[event.execution_id].append(event)
    return dict(found)


def numbers_in(feedback: Iterable[Feedback]) -> list[float]:
    """Return the verdicts that are numbers; a yes is 1, a no 0."""
    return [float(one.value) for one in feedback if isinstance(one.value, int | float)]


def figures_of(calls: Iterable[Execution], feedback: Mapping[str, Sequence[Feedback]]) -> dict[str, Figures]:
    """Return the figures of each version that has calls, in the order in which they first ran."""
    found: dict[str, Figures] = {}
    for call in calls:
        found.setdefault(call.version, Figures()).add(call, numbers_in(feedback.get(call.execution_id, ())))
    return found
