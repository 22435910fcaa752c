"""A run of events on its way to the sinks."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING, Protocol

from poet_import.events.event import Event, execution_of
from poet_import.events.lines import lines_of

if TYPE_CHECKING:
    from poet_import.runtime.training import Call


class Batch:
    """Events in the order in which they came, as objects or as lines; each form is made once, and only if asked for."""

    def __init__(self, items: Sequence[Call | Event]) -> None:
        self.items = items
        self._since = time_ns() - perf_counter_ns()  # a call is told by a clock that is never set
        self._events: list[Event] | None = None
        self._lines: list[str] | None = None

    def __len__(self) -> int:
        return len(self.items)

    @property
    def events(self) -> list[Event]:
        """Return the events as objects."""
        if self._events is None:
            self._events = [execution_of(item, self._since) if isinstance(item, tuple) else item for item in self.items]
        return self._events

    @property
    def lines(self) -> list[str]:
        """Return the events as lines of JSON, each ended by a newline."""
        if self._lines is None:
            self._lines = lines_of(self.items, self._since)
        return self._lines


class Sink(Protocol):
    """Where events go to."""

    def write(self, batch: Batch) -> None:
        """Take a run of events; it may raise anything, and the run is then lost to this sink."""
        ...

    def forget(self) -> None:
        """Leave open files and connections to the process that this one was forked from."""
        ...
