"""Executions as spans of OpenTelemetry."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import poet_import
from poet_import.runtime import training

trace = pytest.importorskip("opentelemetry.trace", reason="needs the extra opentelemetry")
sdk = pytest.importorskip("opentelemetry.sdk.trace", reason="needs opentelemetry-sdk")
export = pytest.importorskip("opentelemetry.sdk.trace.export")
memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")

Load = Callable[..., ModuleType]
Told = Callable[..., list[dict[str, object]]]

SHOP = """
from poet_import import poet

@poet(optimize_for="margin")
def price(x):
    return 1 / x
"""


def test_span_has_the_times_and_the_status_of_its_execution(load: Load, told: Told, tmp_path: Path) -> None:
    exporter = memory.InMemorySpanExporter()
    provider = sdk.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    module = load(SHOP)
    folders = {"cache_dir": tmp_path / "cache", "data_dir": tmp_path / "data"}
    poet_import.install(events=["jsonl", "opentelemetry"], **folders)

    module.price(2)
    with pytest.raises(ZeroDivisionError):
        module.price(0)
    poet_import.feedback(str(poet_import.last_execution_id()), False)
    training.flush(10)

    good, bad = exporter.get_finished_spans()
    events = told()
    assert [span.name for span in (good, bad)] == ["shop.price"] * 2
    assert [span.start_time / 1e9 for span in (good, bad)] == [pytest.approx(event["start"]) for event in events]
    assert [span.attributes["poet.execution_id"] for span in (good, bad)] == [e["execution_id"] for e in events]
    assert (good.status.is_unset, bad.status.status_code) == (True, trace.StatusCode.ERROR)
    assert bad.attributes["error.type"] == "ZeroDivisionError"
    assert bad.end_time >= bad.start_time
    assert good.context.trace_id != bad.context.trace_id
