"""A language model is asked over HTTP, and whatever it does costs at most its time."""

import asyncio
import json
import time
from pathlib import Path

import pytest
from asking import CANARY, CODE, DIALECTS, Make, ask, request
from scripted_model import (
    Behaviour,
    ScriptedModel,
    answer,
    at_once,
    cut,
    drip,
    endless,
    hang,
    plain,
    said,
    status,
    without_structure,
)

from poet_import.errors import GeneratorError
from poet_import.generators import make_generator
from poet_import.model import Refusal, Violation

THOUGHT = "<think>\nA first try:\n```python\ndef area(side): return {}\n```\n</think>\n\n"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_answer_is_the_code_and_its_usage_is_told(make: Make, model: ScriptedModel, dialect: str) -> None:
    code, usages = ask(make(dialect))

    assert code == CODE
    assert (usages[-1].input_tokens, usages[-1].output_tokens) == (10, 20)
    assert usages[-1].model == f"{dialect}/tiny"
    path, headers, body = model.requests[0]
    assert path == ("/v1/messages" if dialect == "anthropic" else "/chat/completions")
    assert body["messages"] == [{"role": "user", "content": body["messages"][0]["content"]}]
    assert CANARY in headers["x-api-key" if dialect == "anthropic" else "authorization"]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(at_once(CODE), id="whole-instead-of-a-stream"),
        pytest.param(without_structure(CODE), id="no-structured-output"),
        pytest.param(said(f"Here it is:\n\n```python\n{CODE}```\nEnjoy!"), id="prose-around-a-block"),
        pytest.param(said(f"```python\nx = 1\n```\nand\n```python\n{CODE}```"), id="two-blocks"),
        pytest.param(said(json.dumps({"code": f"```python\n{CODE}```"})), id="block-in-json"),
        pytest.param(said(f"Sure: {json.dumps({'code': CODE})}"), id="json-in-prose"),
        pytest.param(said(CODE), id="bare-code"),
        pytest.param(said(f"{THOUGHT}```python\n{CODE}```"), id="thinking-aloud"),
        pytest.param(said(f"{THOUGHT}{json.dumps({'code': CODE})}"), id="thinking-aloud-then-json"),
        pytest.param(said(f"<think>\n```python\n{CODE}```\n</think>\nThat is it."), id="nothing-but-thoughts"),
    ],
)
def test_answer_is_found_in(make: Make, model: ScriptedModel, dialect: str, behaviour: Behaviour) -> None:
    model.script(behaviour)

    assert ask(make(dialect))[0] == CODE


@pytest.mark.parametrize(
    ("first", "requests"),
    [
        pytest.param(status(500), 2, id="500"),
        pytest.param(status(503, retry_after="0"), 2, id="503-with-retry-after"),
        pytest.param(status(429), 2, id="429-without-retry-after"),
        pytest.param(status(429, retry_after="0.1"), 2, id="429-with-retry-after"),
        pytest.param(status(429, retry_after="Wed, 21 Oct 2015 07:28:00 GMT"), 2, id="429-with-a-date-in-the-past"),
        pytest.param(cut, 2, id="cut-connection"),
        pytest.param(plain("<html>busy</html>"), 2, id="html-with-200"),
        pytest.param(plain('{"choices": [', "application/json"), 2, id="broken-json"),
        pytest.param(status(307, location="/elsewhere"), 2, id="redirect-on-the-same-host"),
    ],
)
def test_second_attempt_succeeds_after(make: Make, model: ScriptedModel, first: Behaviour, requests: int) -> None:
    model.script(first, answer(CODE))

    assert ask(make(), 5.0)[0] == CODE
    assert len(model.requests) == requests


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        pytest.param(hang, "did not answer in time", id="hang"),
        pytest.param(drip, "did not answer in time", id="drip"),
        pytest.param(endless, "has no end", id="endless"),
        pytest.param(status(500, "on fire"), "500 Internal Server Error: on fire", id="500"),
        pytest.param(status(429, retry_after="60"), "429 Too Many Requests", id="429-that-cannot-be-waited-for"),
        pytest.param(
            status(401, f"bad key {CANARY}"), "401 Unauthorized: bad key \\*\\*\\*\\*", id="401-that-shows-the-key"
        ),
        pytest.param(plain("<html>hello</html>"), "text/html that is no JSON object", id="html"),
        pytest.param(plain("", "application/json"), "no JSON object: nothing", id="empty-body"),
        pytest.param(said(""), "holds no code: it is empty", id="empty-answer"),
        pytest.param(said("I would rather not."), "holds no code: I would rather not", id="refusal"),
        pytest.param(status(302, location="http://localhost.example/"), "redirects to another host", id="redirect"),
        pytest.param(status(307, location="/again"), "redirects without end", id="redirect-circle"),
        pytest.param(cut, "the connection to .* broke", id="cut"),
    ],
)
def test_misbehaviour_ends_in_time_and_says_what_was_found(
    make: Make, model: ScriptedModel, dialect: str, behaviour: Behaviour, words: str
) -> None:
    model.script(behaviour)
    started = time.monotonic()

    with pytest.raises(GeneratorError, match=words) as caught:
        ask(make(dialect), 0.6)

    assert time.monotonic() - started < 1.6
    assert CANARY not in str(caught.value)


def test_unreachable_endpoint_is_an_error_and_not_asked_again_for_a_while(tmp_path: Path) -> None:
    with ScriptedModel(hang) as gone:
        url = gone.url
    arguments = {"base_url": url, "api_key": CANARY, "plain_http": False, "directory": str(tmp_path)}

    with pytest.raises(GeneratorError, match="cannot be reached"):
        ask(make_generator(model="tiny", **arguments), 0.5)  # type: ignore[arg-type]  # as the fixture's
    started = time.monotonic()
    with pytest.raises(GeneratorError, match="did not answer lately") as caught:
        ask(make_generator(model="tiny", **arguments), 5.0)  # type: ignore[arg-type]  # as above

    assert time.monotonic() - started < 2.0
    assert caught.value.retry_after


def test_circuit_closes_when_its_time_is_over(make: Make, model: ScriptedModel, tmp_path: Path) -> None:
    model.script(hang)
    with pytest.raises(GeneratorError, match="in time"):
        ask(make(), 0.3)
    model.script(answer(CODE))
    for state in (tmp_path / "endpoints").iterdir():
        state.write_text(json.dumps({"until": time.time() - 1, "seconds": 15}))

    assert ask(make())[0] == CODE
    assert list((tmp_path / "endpoints").iterdir()) == []


@pytest.mark.parametrize("state", ["", "[]", "{", '{"until": "x", "seconds": 1}', '{"until": 1e99, "seconds": 1e99}'])
def test_damaged_state_of_the_circuit_is_none(make: Make, tmp_path: Path, model: ScriptedModel, state: str) -> None:
    model.script(hang)
    with pytest.raises(GeneratorError, match="in time"):
        ask(make(), 0.2)
    model.script(answer(CODE))
    next((tmp_path / "endpoints").iterdir()).write_text(state)

    assert ask(make())[0] == CODE


def test_violations_are_told_when_it_is_asked_again(make: Make, model: ScriptedModel) -> None:
    refusal = Refusal("def area():\n    pass\n", (Violation("structure", "parameters", 1, "keep them"),))

    ask(make(), 2.0, refusal)

    roles = [message["role"] for message in model.requests[0][2]["messages"]]
    assert roles == ["user", "assistant", "user"]
    assert "structure, parameters, line 1: keep them" in model.requests[0][2]["messages"][2]["content"]


def test_kind_of_output_that_worked_is_remembered(make: Make, model: ScriptedModel) -> None:
    model.script(without_structure(CODE))
    generator = make()

    async def twice() -> None:
        for _ in range(2):
            await generator.generate(request(), observe=lambda _: None)

    asyncio.run(twice())

    assert len(model.requests) == 4  # three kinds, then the one that works


def test_key_is_found_nowhere_but_in_its_header(
    make: Make, model: ScriptedModel, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    generators = [make(dialect) for dialect in DIALECTS]
    for generator in generators:
        for behaviour in (hang, status(401, CANARY), plain(CANARY), said(CANARY), cut):
            model.script(behaviour)
            with pytest.raises(GeneratorError) as caught:
                ask(generator, 0.2)
            assert CANARY not in repr(caught.value).replace(f"holds no code: {CANARY}", "")
            for state in tmp_path.rglob("*.json"):
                state.unlink()

    assert CANARY not in repr(generators) + repr(vars(generators[0])) + caplog.text
    assert all(CANARY not in json.dumps(body) for _, _, body in model.requests)
    assert all(CANARY.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
