"""What a model is told of a function's calls when it is asked for a better version: lines of data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest

from poet_import.events.aggregates import Figures, numbers_in
from poet_import.events.event import Execution, Feedback

_MOST_FAILURES = 10
_MOST_EXAMPLES = 20
_LONGEST = 400  # characters of a line
_NO_NUMBER = float("inf")  # a text as verdict: behind every number


@dataclass(slots=True)
class Evidence:
    """What was seen of a function's calls; it grows as events come.

    Attributes:
        names: What versions are called where people see them, by what events call them.
    """

    names: Mapping[str, str]
    figures: dict[str, Figures] = field(default_factory=dict)
    _failures: dict[tuple[str, str], Execution] = field(default_factory=dict)
    _judged: list[tuple[float, int, str]] = field(default_factory=list)

    def add(self, calls: Iterable[Execution], feedback: Mapping[str, Sequence[Feedback]]) -> None:
        """Take in calls, with feedback by the execution that it is about."""
        for call in calls:
            given = feedback.get(call.execution_id, ())
            self.figures.setdefault(call.version, Figures()).add(call, numbers_in(given))
            if call.error is not None and len(self._failures) < _MOST_FAILURES:
                self._failures.setdefault((call.error.type, call.error.message or ""), call)
            for one in given:
                self._keep(call, one)

    def _keep(self, call: Execution, feedback: Feedback) -> None:
        """Keep the calls that were judged worst: those have something to tell."""
        rank = numbers_in([feedback])
        row = (rank[0] if rank else _NO_NUMBER, len(self._judged), self._judged_line(call, feedback))
        self._judged = nsmallest(_MOST_EXAMPLES, [*self._judged, row])

    def figures_of(self, name: str) -> Figures | None:
        """Return the figures of a version by what people call it, or None where it has no calls."""
        return next((self.figures[key] for key in self.figures if self.names[key] == name), None)

    def summary(self) -> list[str]:
        """Return the figures of each version in words: they hold no value of a call."""
        known = [key for key in self.names if key in self.figures]
        return [f"{self.names[key]}: {in_words(self.figures[key])}" for key in known]

    def lines(self) -> tuple[str, ...]:
        """Return what a model is told: figures by version, failures, and judged calls, the worst first."""
        lines = self.summary()
        lines += [self._failure_line(call) for call in self._failures.values()]
        lines += [line for *_, line in self._judged]
        return tuple(line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…" for line in map(_on_one_line, lines))

    def _failure_line(self, call: Execution) -> str:
        error = call.error
        assert error is not None
        check = f" ({error.parameter} should be {error.expected})" if error.parameter else ""
        message = f": {error.message}" if error.message else ""
        return f"{self.names[call.version]} failed with {error.type}{check}{message}{_arguments(call)}"

    def _judged_line(self, call: Execution, feedback: Feedback) -> str:
        facts = "".join(f", {name}={value!r}" for name, value in feedback.facts.items())
        gave = f" gave {call.result}" if call.result is not None else ""
        return f"{self.names[call.version]}{_arguments(call)}{gave}: judged {feedback.value!r}{facts}"


def in_words(figures: Figures) -> str:
    """Return what is known of a version's calls, in one line."""
    parts = list(_parts(figures))
    return ", ".join(parts)


def _parts(figures: Figures) -> Iterator[str]:
    yield "1 call" if figures.calls == 1 else f"{figures.calls:,} calls"
    yield f"p50 {figures.percentile(50):.3g} ms, p95 {figures.percentile(95):.3g} ms"
    if figures.failures:
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(figures.failures.items()))
        yield f"{figures.failure_rate:.1%} failed ({kinds})"
    if figures.retries:
        yield f"{figures.retries:,} retries"
    if figures.feedback is not None:
        yield f"feedback {figures.feedback:.3g} on average of {figures.verdicts:,}"


def _arguments(call: Execution) -> str:
    if call.arguments is None:
        return ""
    return f" with {', '.join(f'{name}={text}' for name, text in call.arguments.items()) or 'no arguments'}"


def _on_one_line(line: str) -> str:
    return " ".join(line.split())
