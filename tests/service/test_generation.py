"""With a model: improved, judged, kept; and whatever the model does, an answer."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from running import BETTER, CODE, WORSE, RunningService, request_for

sys.path.insert(0, str(Path(__file__).parents[1] / "generators"))
from scripted_model import ScriptedModel, answer, hang, status  # found there only

Start = Callable[..., RunningService]


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel(answer(BETTER)) as running:
        yield running


@pytest.fixture
def service(start: Start, model: ScriptedModel) -> RunningService:
    return start(POET_MODEL="openai/tiny", POET_LLM_BASE_URL=model.url, POET_LLM_API_KEY="none")


def transpile(service: RunningService, code: str = CODE) -> dict[str, dict[str, str]]:
    with service.client() as client:
        response = client.post("/api/v1/transpile", json=request_for(code))
    assert response.status_code == 200, response.text
    return response.json()  # type: ignore[no-any-return]  # JSON


def metric(service: RunningService, line: str) -> float:
    """Return the value of a metric; 0 where it is not there yet."""
    with service.client() as client:
        rows = client.get("/metrics").text.splitlines()
    return next((float(row.rpartition(" ")[2]) for row in rows if row.startswith(f"{line} ")), 0.0)


def test_accepted_body_is_in_the_answer(service: RunningService) -> None:
    found = transpile(service)

    assert found["poet_implementation"]["operate_code"] == BETTER
    assert "sum(prices)" in found["poet_implementation"]["code"]
    assert (found["metadata"]["source"], found["metadata"]["model"]) == ("model", "openai/tiny")
    namespace: dict[str, object] = {}
    exec(found["poet_implementation"]["code"], namespace)
    assert namespace["total"]([1, 2]) == 3  # type: ignore[operator]  # a function
    assert metric(service, 'poet_tokens_total{direction="input"}') > 0
    assert metric(service, 'poet_stage_seconds_count{stage="gate_semantics"}') == 1


def test_model_is_asked_once_for_a_function(service: RunningService, model: ScriptedModel) -> None:
    with ThreadPoolExecutor(20) as threads:
        found = list(threads.map(lambda _: transpile(service), range(40)))

    assert len(model.requests) == 1
    assert all(one == found[0] for one in found)


def test_wrong_body_is_refused_and_the_answer_is_a_fallback(service: RunningService, model: ScriptedModel) -> None:
    model.script(answer(WORSE))

    found = transpile(service)

    assert found["metadata"]["source"] == "fallback"
    assert "was refused" in found["metadata"]["reason"]
    assert "operate_code" not in found["poet_implementation"]
    assert "result += price" in found["poet_implementation"]["code"]
    assert metric(service, 'poet_fallbacks_total{reason="refused"}') == 1


def test_body_in_dana_is_counted_and_kept_like_one_in_python(service: RunningService, model: ScriptedModel) -> None:
    written = "def total(prices: list) -> int:\n    return len(prices)\n"
    sent = {"function_code": "@poet\ndef total(prices: list) -> int:\n    pass\n", "language": "dana"}
    model.script(answer(written))

    with service.client() as client:
        found = client.post("/api/v1/transpile", json=sent).json()
        again = client.post("/api/v1/transpile", json={**sent, "context": {}}).json()

    assert found["poet_implementation"]["operate_code"] == written
    assert again == found
    assert len(model.requests) == 1
    assert metric(service, 'poet_tokens_total{direction="output"}') > 0
    assert metric(service, 'poet_stage_seconds_count{stage="gate_security"}') == 1
    assert metric(service, 'poet_cache_total{result="hit",tier="disk"}') == 1


def test_outage_is_nobody_elses_failure(service: RunningService, model: ScriptedModel) -> None:
    model.script(status(500))
    begun = time.monotonic()

    found = transpile(service)

    assert (found["metadata"]["source"], time.monotonic() - begun < 11) == ("fallback", True)


def test_model_that_hangs_costs_no_more_than_the_request_may(start: Start, model: ScriptedModel) -> None:
    by_model = {"POET_MODEL": "openai/tiny", "POET_LLM_BASE_URL": model.url, "POET_LLM_API_KEY": "none"}
    service = start("--seconds", "4", **by_model)
    model.script(hang)
    begun = time.monotonic()

    found = transpile(service)

    assert found["metadata"]["source"] == "fallback"
    assert time.monotonic() - begun < 6


@pytest.mark.slow
def test_restarted_service_asks_for_nothing_that_it_has(start: Start, model: ScriptedModel) -> None:
    variables = {"POET_MODEL": "openai/tiny", "POET_LLM_BASE_URL": model.url, "POET_LLM_API_KEY": "none"}
    first = start(**variables)
    before = transpile(first)
    first.stop()
    second = start(**variables)

    assert transpile(second) == before
    assert len(model.requests) == 1


@pytest.mark.slow
def test_what_is_known_is_answered_while_models_hang(service: RunningService, model: ScriptedModel) -> None:
    known = transpile(service)
    model.script(hang)
    waiting = threading.Thread(target=transpile, args=(service, CODE.replace("total", "sum_of")))
    waiting.start()
    begun = time.monotonic()

    assert transpile(service) == known
    assert time.monotonic() - begun < 2
    waiting.join()


def test_prompt_has_no_value_of_the_context(service: RunningService, model: ScriptedModel) -> None:
    context = {"sandbox_context": {"local": {"x": "canary-1"}, "private": {"y": "canary-2"}}, "module_path": "canary-3"}
    with service.client() as client:
        client.post("/api/v1/transpile", json=request_for(CODE, context=context)).raise_for_status()

    assert "canary" not in str(model.requests)


@pytest.mark.slow
def test_key_of_the_model_is_nowhere(start: Start, model: ScriptedModel) -> None:
    service = start(POET_MODEL="openai/tiny", POET_LLM_BASE_URL=model.url, POET_LLM_API_KEY="canary-key")
    model.script(status(401))

    found = transpile(service)

    with service.client() as client:
        shown = str(found) + client.get("/metrics").text + service.log() + client.get("/openapi.json").text
    assert "canary-key" not in shown
