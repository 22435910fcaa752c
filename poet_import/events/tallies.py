"""What the stored events say of a function, version by version, in one pass over each of their files."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from poet_import.events.event import Fact, Feedback
from poet_import.events.latencies import Latencies
from poet_import.events.reading import stored_events
from poet_import.events.samples import Sample
from poet_import.events.scanning import FAILED, Ended, ended_of
from poet_import.events.timeline import Timeline
from poet_import.events.turns import Turns

_MOST_TEXTS = 50  # verdicts that are texts, told one by one; all others together
OTHERS = "others"


class Tally:
    """What is counted of calls: of one version, or of all.

    Attributes:
        version: Which; empty for all.
        calls: How many have ended.
        begin: When the first of them began, in seconds since 1970.
        end: When the last of them began.
        failures: How many failed, by status and type of the exception.
        left: How many were cancelled or closed.
        retries: Attempts after the first.
        retried: Calls that needed any.
        latencies: How long they took.
        verdicts: Feedback that is a number, true (1) or false (0).
        texts: Feedback that is a text.
    """

    def __init__(self, version: str = "") -> None:
        self.version = version
        self.calls = 0
        self.begin = self.end = 0.0
        self.failures: Counter[tuple[str, str]] = Counter()
        self.left: Counter[str] = Counter()
        self.retries = 0
        self.retried = 0
        self.latencies = Latencies()
        self.verdicts = Sample()
        self.texts: Counter[str] = Counter()

    def add(self, call: Ended) -> None:
        """Count a call."""
        self._stretch(call.start, call.start)
        self.calls += 1
        self.latencies.add(call.duration_ms)
        if call.retries:
            self.retries += call.retries
            self.retried += 1
        if call.status in FAILED:
            self.failures[call.status, call.error] += 1
        elif call.status != "success":
            self.left[call.status] += 1

    def judge(self, value: Fact) -> None:
        """Count a verdict."""
        if isinstance(value, int | float):
            self.verdicts.add(float(value))
            return
        text = str(value)
        self.texts[text if text in self.texts or len(self.texts) < _MOST_TEXTS else OTHERS] += 1

    def merge(self, other: Tally) -> None:
        """Count all that another tally has counted, which is of one call or more."""
        self._stretch(other.begin, other.end)
        self.calls += other.calls
        self.failures.update(other.failures)
        self.left.update(other.left)
        self.retries += other.retries
        self.retried += other.retried
        self.latencies.merge(other.latencies)
        self.verdicts.merge(other.verdicts)
        self.texts.update(other.texts)

    def _stretch(self, begin: float, end: float) -> None:
        self.begin = min(self.begin, begin) if self.calls else begin
        self.end = max(self.end, end) if self.calls else end

    @property
    def failed(self) -> int:
        """Return how many calls failed."""
        return self.failures.total()

    @property
    def failure_rate(self) -> Sample:
        """Return the failures as a sample of zeros and ones."""
        return Sample.of_rate(self.failed, self.calls)


@dataclass(frozen=True, slots=True)
class Stats:
    """What the stored events say of a function.

    Attributes:
        function: Which.
        whole: All its calls and feedback.
        versions: Each version that was called, the one that was called first first.
        timeline: The verdicts over time.
        stray: Feedback on calls that are no longer stored, or not of the time that was asked for.
    """

    function: str
    whole: Tally
    versions: tuple[Tally, ...]
    timeline: Timeline
    stray: int


def stats_of(folder: str, function: str, *, since: float = 0.0) -> Stats:
    """Return what the events in a folder say of a function.

    The memory that it takes grows with versions, processes and feedback, and not with calls.

    Args:
        folder: Where events are stored.
        function: The name that the events have.
        since: Calls that began earlier, and feedback that was given earlier, are left out.
    """
    tallies: dict[str, Tally] = {}
    turns = Turns()
    for call in ended_of(folder, function):
        if call.start >= since:
            turns.learn(call)
            if (tally := tallies.get(call.version)) is None:
                tally = tallies[call.version] = Tally(call.version)
            tally.add(call)
    whole, timeline, stray = Tally(), Timeline(), 0
    for said in stored_events(folder, "feedback", function=function):
        if not isinstance(said, Feedback) or said.time < since:
            continue
        version = turns.version_of(said.execution_id)
        stray += version is None
        (whole if version is None else tallies[version]).judge(said.value)
        if isinstance(said.value, int | float):
            timeline.add(said.time, version or "", float(said.value))
    ordered = sorted(tallies.values(), key=lambda tally: (tally.begin, tally.version))
    for tally in ordered:
        whole.merge(tally)
    return Stats(function, whole, tuple(ordered), timeline, stray)
