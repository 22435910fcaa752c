"""Spans, as a collector gets them; and that nobody pays for them where they are off or cannot be sent."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx
import pytest
import structlog
from collector import ERROR, SERVER, Collector
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from running import RunningService, create_key, request_for

from poet_import.service.tracing import WatchedExporter

sys.path.insert(0, str(Path(__file__).parents[1] / "generators"))
from scripted_model import ScriptedModel, answer  # found there only

Start = Callable[..., RunningService]
CODE = "@poet\ndef f(a: int) -> int:\n    return a\n"
CANARY = "canary_5b1c"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as running:
        yield running


@pytest.fixture
def traced(start: Start, collector: Collector) -> RunningService:
    return start(**collector.variables)


def transpile(service: RunningService, code: str = CODE, *, request_id: str, **headers: str) -> httpx.Response:
    with service.client() as client:
        return client.post("/api/v1/transpile", json=request_for(code), headers={"x-request-id": request_id, **headers})


def test_request_has_a_span_below_its_callers_and_stages_below_that(
    traced: RunningService, collector: Collector
) -> None:
    begun = time.time_ns()
    transpile(traced, request_id="r-1", traceparent=TRACEPARENT, tracestate="a=b").raise_for_status()
    server = collector.wait_for("r-1")
    stages = collector.children(server)

    assert (server.trace_id, server.span.parent_span_id.hex()) == (TRACE, PARENT)
    assert (server.span.name, server.span.kind) == ("POST /api/v1/transpile", SERVER)
    assert server.attributes == {
        "http.request.method": "POST",
        "http.route": "/api/v1/transpile",
        "url.path": "/api/v1/transpile",
        "url.scheme": "http",
        "http.response.status_code": 200,
        "poet.request_id": "r-1",
        "poet.source": "none",
    }
    assert (server.resource["service.name"], server.span.trace_state) == ("poet-import", "a=b")
    assert [stage.span.name for stage in stages] == ["poet.discover", "poet.weave"]
    times = [time for one in stages for time in (one.span.start_time_unix_nano, one.span.end_time_unix_nano)]
    assert sorted(times) == times
    assert begun <= server.span.start_time_unix_nano <= times[0] < times[-1] <= server.span.end_time_unix_nano
    assert traced.event(request_id="r-1")["trace_id"] == TRACE


def test_request_without_a_trace_begins_one_and_a_known_answer_has_no_stages(
    traced: RunningService, collector: Collector
) -> None:
    for number, traceparent in enumerate(("", "nonsense", f"00-{'0' * 32}-{PARENT}-01")):
        transpile(traced, request_id=f"r-{number}", traceparent=traceparent).raise_for_status()
    spans = [collector.wait_for(f"r-{number}") for number in range(3)]

    assert [one.span.parent_span_id for one in spans] == [b"", b"", b""]
    assert len({one.trace_id for one in spans} | {TRACE}) == 4
    assert [len(collector.children(one)) for one in spans] == [2, 0, 0]
    assert traced.event(request_id="r-1")["trace_id"] == spans[1].trace_id


def test_model_and_gates_have_spans_and_what_is_kept_has_none(start: Start, collector: Collector) -> None:
    better = "def f(a: int) -> int:\n    return +a\n"
    with ScriptedModel(answer(better)) as model:
        by_model = {"POET_MODEL": "openai/tiny", "POET_LLM_BASE_URL": model.url, "POET_LLM_API_KEY": CANARY}
        first = start(**collector.variables, **by_model)
        transpile(first, request_id="new").raise_for_status()
        server = collector.wait_for("new")
        first.stop()
        second = start(**collector.variables, **by_model)
        transpile(second, request_id="kept").raise_for_status()
        kept = collector.wait_for("kept")
        with second.client() as client:
            metrics = client.get("/metrics").text
    stages = collector.children(server)

    gates = ["poet.gate_syntax", "poet.gate_structure", "poet.gate_security", "poet.gate_semantics"]
    assert [one.span.name for one in stages] == ["poet.discover", "poet.render", "poet.model", *gates, "poet.weave"]
    assert stages[2].attributes == {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 20}
    assert server.attributes["poet.source"] == kept.attributes["poet.source"] == "model"
    assert [one.span.name for one in collector.children(kept)] == ["poet.discover", "poet.weave"]
    assert 'poet_tokens_total{direction="input"} 0.0' in metrics
    assert CANARY.encode() not in b"".join(collector.bodies)
    assert b"sum of" not in b"".join(collector.bodies)


def test_failures_are_told_and_paths_are_not(traced: RunningService, collector: Collector) -> None:
    with traced.client() as client:
        client.get("/api/v1/templates/canary", headers={"x-request-id": "domain"})
        client.get("/canary?canary=1", headers={"x-request-id": "unmatched", "user-agent": "canary"})
        client.request("PROPFIND", "/healthz", headers={"x-request-id": "method"})
        shutil.rmtree(traced.folder / "cache")
        client.get("/readyz", headers={"x-request-id": "503"})
        client.post("/api/v1/transpile", json=request_for("@poet\ndef canary(:"), headers={"x-request-id": "422"})
    found = {name: collector.wait_for(name) for name in ("domain", "unmatched", "method", "503", "422")}

    assert {name: one.span.name for name, one in found.items()} == {
        "domain": "GET /api/v1/templates/{domain}",
        "unmatched": "GET",
        "method": "HTTP /healthz",
        "503": "GET /readyz",
        "422": "POST /api/v1/transpile",
    }
    assert {name: one.attributes["http.response.status_code"] for name, one in found.items()} == {
        "domain": 404, "unmatched": 404, "method": 405, "503": 503, "422": 422
    }  # fmt: skip
    assert found["domain"].attributes["url.path"] == "/api/v1/templates/{domain}"
    assert "url.path" not in found["unmatched"].attributes
    assert found["method"].attributes["http.request.method"] == "_OTHER"
    assert {name for name, one in found.items() if one.span.status.code == ERROR} == {"503"}
    assert found["503"].attributes["error.type"] == "503"
    assert collector.children(found["422"]) == []
    assert b"canary" not in b"".join(collector.bodies)


def test_keys_and_sources_are_in_no_span(start: Start, collector: Collector, tmp_path: Path) -> None:
    key = create_key(tmp_path / "keys.json", "a", "transpile")
    service = start("--keys", str(tmp_path / "keys.json"), **collector.variables)
    code = f"@poet(domain='{CANARY}')\ndef {CANARY}(a: int) -> int:\n    '''{CANARY}'''\n    return a\n"
    transpile(service, code, request_id="r", authorization=f"Bearer {key}").raise_for_status()
    collector.wait_for("r")

    sent = b"".join(collector.bodies)
    assert CANARY.encode() not in sent
    assert all(part.encode() not in sent for part in key.split("_")[1:])


def test_variables_of_opentelemetry_hold(start: Start, collector: Collector) -> None:
    variables = {
        "OTEL_SERVICE_NAME": "another-name",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
        "OTEL_TRACES_SAMPLER": "parentbased_always_off",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
    }
    service = start(**collector.variables, **variables)
    transpile(service, request_id="left-out").raise_for_status()
    transpile(service, request_id="taken", traceparent=TRACEPARENT).raise_for_status()

    resource = collector.wait_for("taken").resource
    assert (resource["service.name"], resource["deployment.environment.name"]) == ("another-name", "test")
    assert [one.attributes.get("poet.request_id") for one in collector.spans()] == ["taken"]
    assert re.fullmatch("[0-9a-f]{32}", str(service.event(request_id="left-out")["trace_id"]))


def test_disabled_library_makes_no_spans(start: Start, collector: Collector) -> None:
    service = start(**collector.variables, OTEL_SDK_DISABLED="true")
    transpile(service, request_id="r").raise_for_status()

    assert "trace_id" not in service.event(request_id="r")
    assert service.stop() == 0
    assert collector.bodies == []


def test_what_is_left_is_sent_when_the_service_ends(start: Start, collector: Collector) -> None:
    service = start("--tracing", **(collector.variables | {"OTEL_BSP_SCHEDULE_DELAY": "600000"}))
    transpile(service, request_id="the-last-one").raise_for_status()

    assert collector.bodies == []
    assert service.stop() == 0
    assert collector.wait_for("the-last-one").span.name == "POST /api/v1/transpile"


def test_dead_collector_costs_no_request_anything_and_is_logged_once(start: Start) -> None:
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))  # nobody listens there, and nobody else can
        place = f"127.0.0.1:{dead.getsockname()[1]}"
        address = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://user:canary@{place}"}
        service = start(POET_TRACING="1", OTEL_BSP_SCHEDULE_DELAY="50", **address, OTEL_EXPORTER_OTLP_TIMEOUT="1")
        end = time.monotonic() + 1.5  # many batches
        with service.client() as client:
            while time.monotonic() < end:
                client.post("/api/v1/transpile", json=request_for(CODE)).raise_for_status()
        event = service.event(event="tracing")

        assert (event["change"], event["at"]) == ("spans are lost: the collector does not take them", place)
        assert service.stop() == 0
    assert [one["event"] for one in service.events()].count("tracing") == 1
    assert [word for word in ("Failed", "Transient", "Traceback", "canary") if word in service.log()] == []


@pytest.mark.slow  # it is timed
def test_collector_that_never_answers_holds_nobody_up_at_the_end(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        service = start(POET_TRACING="1", OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{silent.getsockname()[1]}")
        transpile(service, request_id="r").raise_for_status()
        begun = time.monotonic()

        assert service.stop(signal.SIGTERM) == 0
        assert time.monotonic() - begun < 8


class ScriptedExporter(SpanExporter):
    """Takes spans, or not, by turns."""

    def __init__(self, *takes: bool) -> None:
        self._takes = iter(takes)

    def export(self, _spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS if next(self._takes) else SpanExportResult.FAILURE


def test_each_outage_is_logged_once_and_so_is_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://u:secret@c:1/v1/traces?key=secret")
    log = structlog.testing.CapturingLogger()
    exporter = WatchedExporter(ScriptedExporter(True, False, False, True, True, False), log)
    for _ in range(6):
        exporter.export(())

    assert [call.method_name for call in log.calls] == ["warning", "info", "warning"]
    assert {call.kwargs["at"] for call in log.calls} == {"c:1"}


def test_tracing_without_its_packages_says_how_to_get_them() -> None:
    program = (
        "import sys\nsys.modules['opentelemetry.sdk'] = None\nfrom poet_import.cli import main\n"
        "sys.argv[:] = ['poet', 'serve', '--tracing', '--port', '0']\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 1
    assert "tracing needs more packages; install them with: pip install 'poet-import[service,tracing]'" in done.stderr


def test_variable_that_is_not_followed_is_told(start: Start) -> None:
    service = start("--tracing", OTEL_TRACES_SAMPLER="canary")

    (event,) = [event for event in service.events() if event["event"] == "tracing"]
    assert (event["change"], event["level"]) == ("a variable of OpenTelemetry is not followed", "warning")
    assert "sampler" in str(event["said"])
    assert "canary" not in service.log()


def test_variables_that_cannot_hold_together_are_told() -> None:
    command = [sys.executable, "-m", "poet_import", "serve", "--tracing", "--port", "0"]
    variables = os.environ | {"OTEL_BSP_MAX_QUEUE_SIZE": "5"}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 1
    assert "Error: tracing cannot be set up by its OTEL_* variables: " in done.stderr


def test_service_without_tracing_loads_nothing_of_it() -> None:
    program = (
        "import sys, fastapi\nbefore = set(sys.modules)\n"  # it loads the library's interface by itself
        "import poet_import.service.server, poet_import.service.working\n"
        "from poet_import.service.application import create_service\n"
        "from poet_import.service.configuration import ServiceSettings\n"
        "from poet_import.settings import Settings\n"
        "create_service(ServiceSettings(Settings()))\n"
        "ours = set(sys.modules) - before\n"
        "print([name for name in ours if 'opentelemetry' in name or 'protobuf' in name or name.endswith('.tracing')])\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])"
    )

    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n[]\n"
    )
