"""What an endpoint minds is left out, what it refuses is told in words, and only what may succeed is asked again."""

import json
import time
from email.utils import formatdate

import pytest
from asking import CODE, Make, ask
from scripted_model import Behaviour, Exchange, ScriptedModel, answer, hang, plain, refusing, status, without_structure

from poet_import.errors import GeneratorError
from poet_import.generators.endpoints import resolve_endpoint
from poet_import.generators.wire.refusals import seconds_to_wait, shown

ANSWER = f"```python\n{CODE}```"


def openai_error(message: str, parameter: str | None = None, code: str | None = None) -> object:
    return {"error": {"message": message, "type": "invalid_request_error", "param": parameter, "code": code}}


EXTRA = {"object": "error", "message": {"detail": [{"loc": ["body", "stream_options", "include_usage"]}]}}
UNVERIFIED = openai_error("Your organization must be verified to stream this model.", "stream", "unsupported_value")


def with_few_tokens(exchange: Exchange) -> None:
    too_many = "max_tokens: 8192 > 4096, which is the maximum allowed number of output tokens for tiny"
    (status(400, too_many) if exchange.body["max_tokens"] > 4096 else answer(CODE))(exchange)


def at_once_in_prose(exchange: Exchange) -> None:
    whole = {"choices": [{"message": {"content": ANSWER}, "finish_reason": "stop"}]}
    exchange.send(200, json.dumps(whole))


@pytest.mark.parametrize(
    ("dialect", "behaviour", "requests"),
    [
        pytest.param("openai", refusing(EXTRA, 422, "stream_options", answer(CODE)), 2, id="stream-options"),
        pytest.param("openai", refusing(UNVERIFIED, 400, "stream", at_once_in_prose), 2, id="stream"),
        pytest.param("openai", without_structure(CODE), 3, id="response-format"),
        pytest.param(
            "openai", refusing({"detail": "Bad Request"}, 400, "response_format", answer(CODE)), 3, id="vague"
        ),
        pytest.param(
            "openai",
            refusing(openai_error("No endpoints support response_format"), 404, "response_format", answer(CODE)),
            3,
            id="404-of-a-router",
        ),
        pytest.param("anthropic", with_few_tokens, 2, id="max-tokens"),
        pytest.param(
            "anthropic",
            refusing(
                openai_error("Thinking may not be enabled when tool_choice forces tool use."),
                400,
                "tools",
                answer(CODE),
            ),
            2,
            id="tool-choice",
        ),
    ],
)
def test_what_an_endpoint_does_not_know_is_left_out_from_then_on(
    make: Make, model: ScriptedModel, dialect: str, behaviour: Behaviour, requests: int
) -> None:
    model.script(behaviour)
    generator = make(dialect)

    assert ask(generator)[0] == CODE
    assert len(model.requests) == requests
    assert ask(generator)[0] == CODE
    assert len(model.requests) == requests + 1


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(status(400, "This model's maximum context length is 8192 tokens, not 9000"), id="context-openai"),
        pytest.param(status(400, "prompt is too long: 210000 tokens > 200000 maximum"), id="context-anthropic"),
        pytest.param(status(400, "the request exceeds the available context size"), id="context-llama-cpp"),
        pytest.param(
            status(404, "The model `tiny` does not exist or you do not have access to it."), id="model-openai"
        ),
        pytest.param(status(404, "model: tiny"), id="model-anthropic"),
        pytest.param(status(404, 'model "tiny" not found, try pulling it first'), id="model-ollama"),
        pytest.param(status(400, "Invalid model name passed in model=tiny"), id="model-litellm"),
        pytest.param(status(400, "API key not valid. Please pass a valid API key."), id="key-gemini"),
        pytest.param(status(400, "Your credit balance is too low to access the API."), id="money-anthropic"),
        pytest.param(status(401, "Incorrect API key provided"), id="key"),
        pytest.param(status(403, "no"), id="forbidden"),
        pytest.param(status(413, "Request too large"), id="large"),
        pytest.param(status(503, "no", x_should_retry="false"), id="told-not-to"),
        pytest.param(
            lambda exchange: exchange.send(
                429, json.dumps({"error": {"message": "pay", "code": "insufficient_quota"}})
            ),
            id="no-money",
        ),
    ],
)
@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_refusal_that_asking_again_does_not_mend_is_met_once(
    make: Make, model: ScriptedModel, dialect: str, behaviour: Behaviour
) -> None:
    model.script(behaviour)
    generator = make(dialect)

    with pytest.raises(GeneratorError, match=r"127\.0\.0\.1:\d+ answered (4\d\d|503)"):
        ask(generator)

    assert len(model.requests) == 1


def test_refusal_of_one_question_leaves_the_form_of_the_next(make: Make, model: ScriptedModel) -> None:
    generator = make()
    model.script(status(400, "Bad Request"))
    with pytest.raises(GeneratorError):
        ask(generator)
    model.script(answer(CODE))

    ask(generator)

    assert model.requests[-1][2]["response_format"]["type"] == "json_schema"


@pytest.mark.parametrize(
    ("status_and_body", "words"),
    [
        pytest.param(
            (404, {"detail": "Not Found"}), r"404 Not Found: .*\(most servers want /v1 at the end", id="no-v1"
        ),
        pytest.param((529, {"type": "error", "error": {"message": "busy"}}), "answered 529: busy", id="no-name"),
        pytest.param(
            (400, [{"error": {"message": "API key not valid", "code": 400}}]),
            "Request: API key not valid$",
            id="gemini-list",
        ),
        pytest.param(
            (403, {"error": {"message": {"why": "no"}}}), r'Forbidden: \{"why": "no"\}', id="table-for-a-text"
        ),
    ],
)
def test_refusal_is_told_in_words(
    make: Make, model: ScriptedModel, status_and_body: tuple[int, object], words: str
) -> None:
    code, said_so = status_and_body
    model.script(lambda exchange: exchange.send(code, json.dumps(said_so)))

    with pytest.raises(GeneratorError, match=words):
        ask(make(), 0.5)


@pytest.mark.parametrize(
    ("first", "words"),
    [
        pytest.param(status(429, "slow down"), "answered 429 Too Many Requests: slow down", id="status"),
        pytest.param(plain("<html>busy</html>"), "answered with text/html that is no JSON object", id="html"),
    ],
)
def test_refusal_is_told_though_there_was_no_time_left_for_another(
    make: Make, model: ScriptedModel, first: Behaviour, words: str
) -> None:
    model.script(first, hang)
    generator = make()

    with pytest.raises(GeneratorError, match=f"did not answer in time; before that, .* {words}"):
        ask(generator, 0.8)

    model.script(answer(CODE))
    assert ask(generator)[0] == CODE  # a busy server is no outage, so it may be asked at once


def test_service_that_lacks_one_thing_may_be_asked_for_another_at_once(make: Make, model: ScriptedModel) -> None:
    generator = make()
    model.script(status(501, "Dana is not transpiled here"))
    with pytest.raises(GeneratorError, match="501 Not Implemented: Dana is not transpiled here"):
        ask(generator)

    model.script(answer(CODE))
    assert ask(generator)[0] == CODE


def test_long_refusal_is_cut_to_a_line(make: Make, model: ScriptedModel) -> None:
    model.script(lambda exchange: exchange.send(403, "no\n" * 100_000, "text/html"))

    with pytest.raises(GeneratorError, match="403 Forbidden: no no no") as caught:
        ask(make())

    assert len(str(caught.value)) < 300


def test_redirect_to_no_address_is_told(make: Make, model: ScriptedModel) -> None:
    model.script(status(307, location="http://127.0.0.1:x/"))

    with pytest.raises(GeneratorError, match=r"the connection to .* broke"):
        ask(make())


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"retry-after": "2"}, 2.0, id="seconds"),
        pytest.param({"retry-after": "1.5"}, 1.5, id="part-of-a-second"),
        pytest.param({"retry-after": "-3"}, 0.0, id="in-the-past"),
        pytest.param({"retry-after": "nan"}, 0.0, id="no-number"),
        pytest.param({"retry-after": "soon"}, None, id="word"),
        pytest.param({"retry-after": f"Wed, 21 Oct {'9' * 20} 07:28:00 GMT"}, None, id="year-beyond-any"),
        pytest.param({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0, id="date-in-the-past"),
        pytest.param({"retry-after-ms": "250", "retry-after": "1"}, 0.25, id="milliseconds"),
        pytest.param({"retry-after-ms": "x", "retry-after": "1"}, 1.0, id="no-milliseconds"),
    ],
)
def test_seconds_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert seconds_to_wait(headers) == seconds


def test_date_to_wait_for_is_seconds_from_now() -> None:
    found = seconds_to_wait({"retry-after": formatdate(time.time() + 60, usegmt=True)})

    assert found == pytest.approx(60, abs=3)


@pytest.mark.parametrize(
    ("key", "said", "told"),
    [
        pytest.param("hunter2", "wrong key: hunter2!", "wrong key: ****!", id="short"),
        pytest.param("none", "nonetheless, none is known", "nonetheless, **** is known", id="a-word"),
        pytest.param("a-long-secret", "keya-long-secret", "key****", id="long"),
        pytest.param(None, "no key was sent", "no key was sent", id="missing"),
    ],
)
def test_key_that_a_server_repeats_is_told_to_nobody(key: str | None, said: str, told: str) -> None:
    endpoint = resolve_endpoint("openai/tiny", "http://127.0.0.1:1/v1", key, plain_http=False)

    assert shown(said, endpoint) == told
