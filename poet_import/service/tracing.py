"""Spans for OpenTelemetry: one for each request, and below it one for each stage of a transformation.

This module is loaded only where tracing is on. Its provider is not made the process's own one, so no other library's
spans go along. Nothing of a caller's becomes an attribute but its request id: the path is the route's template.
Source: OpenTelemetry Semantic Conventions 1.44, HTTP spans, server.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from structlog.typing import FilteringBoundLogger

from poet_import._version import __version__
from poet_import.errors import PoetError
from poet_import.service.edge import Exchange
from poet_import.service.working import Done

_NAME: Final = "poet-import"
_METHODS: Final = ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")
_CARRIED: Final = (b"traceparent", b"tracestate")
_ORDER: Final = {"discover": 0, "render": 1, "model": 2, "weave": 4}  # the gates are between the last two
_FLUSH_SECONDS: Final = 2.0


class TracingError(PoetError):
    """The variables of OpenTelemetry say what cannot be done."""


class Tracing:
    """Makes the spans of one service, and sends them to a collector from a thread of its own."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        """Begin.

        Raises:
            TracingError: A variable has a value that means nothing.
        """
        try:
            with _said_to(log):
                self._provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
                # It keeps so many spans and no more, so a collector that is slow or gone holds nobody up.
                sending = BatchSpanProcessor(WatchedExporter(OTLPSpanExporter(), log))
        except ValueError as error:
            raise TracingError(f"tracing cannot be set up by its OTEL_* variables: {error}") from error
        self._provider.add_span_processor(sending)
        self._tracer = self._provider.get_tracer("poet_import", __version__)
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def following(self, exchange: Exchange) -> Iterator[None]:
        """Make a span of what is done with a request, below the caller's span where it names one."""
        carrier = {
            name.decode(): exchange.headers[name].decode("latin-1") for name in _CARRIED if name in exchange.headers
        }
        parent = self._propagator.extract(carrier)
        span = self._tracer.start_span("HTTP", parent, trace.SpanKind.SERVER)
        found = span.get_span_context()
        exchange.trace_id = trace.format_trace_id(found.trace_id) if found.is_valid else ""
        try:
            with trace.use_span(span, record_exception=False, set_status_on_exception=False):
                yield
        finally:
            _describe(span, exchange)
            span.end()

    def add_stages(self, done: Done) -> None:
        """Make spans of what a worker has just done, below the request that it was done for.

        A worker returns how long each stage took, and they followed one another: so the last one ends now.
        """
        stages = sorted(done.stages.items(), key=lambda stage: _ORDER.get(stage[0], 3))
        begin = time.time_ns() - sum(_nanoseconds(seconds) for _, seconds in stages)
        for name, seconds in stages:
            span = self._tracer.start_span(f"poet.{name}", start_time=begin)
            if name == "model":
                tokens = zip(("input", "output"), done.tokens, strict=True)
                span.set_attributes({f"gen_ai.usage.{direction}_tokens": count for direction, count in tokens})
            begin += _nanoseconds(seconds)
            span.end(begin)
        if not done.faults:
            trace.get_current_span().set_attribute("poet.source", done.source)

    def close(self) -> None:
        """Send what is left, for a while at most."""
        sending = threading.Thread(target=self._provider.shutdown, daemon=True)
        sending.start()
        sending.join(_FLUSH_SECONDS)


class WatchedExporter(SpanExporter):
    """Sends spans; that they are lost is logged once, and so is that they are taken again."""

    def __init__(self, exporter: SpanExporter, log: FilteringBoundLogger) -> None:
        self._exporter = exporter
        self._log = log
        self._loses = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send some."""
        result = self._exporter.export(spans)
        loses = result is not SpanExportResult.SUCCESS
        if loses and not self._loses:
            self._log.warning("tracing", change="spans are lost: the collector does not take them", at=_collector())
        elif self._loses and not loses:
            self._log.info("tracing", change="the collector takes spans again", at=_collector())
        self._loses = loses
        return result

    def shutdown(self) -> None:
        """Send nothing any more."""
        self._exporter.shutdown()


def _resource() -> Resource:
    """Return what the variables say of this process, and our name where they say none."""
    found = Resource.create()
    if str(found.attributes[SERVICE_NAME]).startswith("unknown_service"):
        found = found.merge(Resource({SERVICE_NAME: _NAME}))
    return found.merge(Resource({"service.version": __version__}))


class _Saying(logging.Handler):
    """Logs what the library says as our log does, without the values: a header's may be a key."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.warning("tracing", change="a variable of OpenTelemetry is not followed", said=record.msg)


@contextmanager
def _said_to(log: FilteringBoundLogger) -> Iterator[None]:
    """Log what the library says meanwhile, and nothing from then on: it would repeat itself with each batch."""
    logger, saying = logging.getLogger("opentelemetry"), _Saying(log)
    logger.propagate = False
    logger.addHandler(saying)
    try:
        yield
    finally:
        logger.removeHandler(saying)
        logger.addHandler(logging.NullHandler())


def _collector() -> str:
    """Return host and port of the collector; the rest of its address may hold a key."""
    variables = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    address = next((os.environ[name] for name in variables if os.environ.get(name)), "http://localhost:4318")
    return urlsplit(address).netloc.rpartition("@")[2]


def _describe(span: trace.Span, exchange: Exchange) -> None:
    method = exchange.scope["method"]
    known = method if method in _METHODS else "_OTHER"
    attributes: dict[str, str | int] = {
        "http.request.method": known,
        "url.scheme": exchange.scope.get("scheme", "http"),
        "http.response.status_code": exchange.status,
        "poet.request_id": exchange.request_id,
    }
    name = "HTTP" if known == "_OTHER" else known
    if exchange.route != "unmatched":
        attributes |= {"http.route": exchange.route, "url.path": exchange.route}
        name = f"{name} {exchange.route}"
    if exchange.status >= 500:
        attributes["error.type"] = str(exchange.status)
        span.set_status(trace.StatusCode.ERROR)
    span.update_name(name)
    span.set_attributes(attributes)


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1_000_000_000)
