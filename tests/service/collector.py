"""A collector of spans: a real HTTP server on loopback that takes what OTLP says, and keeps it."""

from __future__ import annotations

import gzip
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

SERVER = Span.SPAN_KIND_SERVER
ERROR = 2


@dataclass(frozen=True, slots=True)
class Found:
    """One span as it came, with the attributes of the process that sent it."""

    span: Span
    resource: dict[str, object]

    @property
    def attributes(self) -> dict[str, object]:
        return _table(self.span.attributes)

    @property
    def trace_id(self) -> str:
        return self.span.trace_id.hex()


class Collector:
    """Runs within a block; ``status`` is what it answers."""

    def __init__(self, port: int = 0) -> None:
        self.status = 200
        self.bodies: list[bytes] = []
        self._server = _Server(("127.0.0.1", port), _Request)
        self._server.collector = self
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def variables(self) -> dict[str, str]:
        """Return the variables by which a service sends its spans here, soon."""
        return {"POET_TRACING": "1", "OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_BSP_SCHEDULE_DELAY": "50"}

    def spans(self) -> list[Found]:
        """Return what has come."""
        requests = [ExportTraceServiceRequest.FromString(body) for body in tuple(self.bodies)]
        return [
            Found(span, _table(resource.resource.attributes))
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def wait_for(self, request_id: str, seconds: float = 15.0) -> Found:
        """Return the span of a request, once it has come."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for found in self.spans():
                if found.attributes.get("poet.request_id") == request_id:
                    return found
            time.sleep(0.02)
        raise AssertionError(f"no span of {request_id} among {self.spans()}")

    def children(self, parent: Found) -> list[Found]:
        """Return the spans below one, in the order in which they began."""
        below = [found for found in self.spans() if found.span.parent_span_id == parent.span.span_id]
        return sorted(below, key=lambda found: found.span.start_time_unix_nano)

    def __enter__(self) -> Collector:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    collector: Collector


class _Request(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        body = gzip.decompress(raw) if self.headers.get("content-encoding") == "gzip" else raw
        collector = self.server.collector
        if collector.status == 200 and self.path == "/v1/traces":
            collector.bodies.append(body)
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(collector.status)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


def _table(attributes: object) -> dict[str, object]:
    found: dict[str, object] = {}
    for row in attributes:  # type: ignore[attr-defined]  # a repeated field
        assert isinstance(row, KeyValue)
        found[row.key] = getattr(row.value, row.value.WhichOneof("value"))
    return found
