"""Executions as spans of OpenTelemetry, for whatever exporter the program has configured.

Only what `poet-import[opentelemetry]` installs is needed: the interface. Without a provider its spans go nowhere.
"""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Status, StatusCode

from poet_import._version import __version__
from poet_import.events.batch import Batch
from poet_import.events.event import Execution

_FINE = ("success", "closed")


class Spans:
    """Starts and ends a span for each execution, at its own times; a trace of its own, since its context is gone."""

    def __init__(self) -> None:
        self._tracer = trace.get_tracer("poet_import", __version__)

    def write(self, batch: Batch) -> None:
        """Hand executions to the program's tracer provider."""
        for event in batch.events:
            if isinstance(event, Execution):
                self._add(event)

    def _add(self, event: Execution) -> None:
        attributes: dict[str, str | int] = {
            "poet.version": event.version,
            "poet.execution_id": event.execution_id,
            "poet.status": event.status,
            "poet.retries": event.retries,
        }
        if event.error is not None:
            attributes["error.type"] = event.error.type
        span = self._tracer.start_span(event.function, Context(), attributes=attributes, start_time=_ns(event.start))
        if event.status not in _FINE:
            span.set_status(Status(StatusCode.ERROR, event.error.message if event.error else None))
        span.end(_ns(event.end))

    def forget(self) -> None:
        """Do nothing: exporters look after forks themselves."""


def _ns(seconds: float) -> int:
    return round(seconds * 1e6) * 1000
