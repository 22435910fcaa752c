"""Our client and a whole import against an OpenAI-compatible server that nobody here has written, in both dialects."""

import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from asking import ask
from independent_server import BETTER, KEY, IndependentServer, NotInstalledError
from scripted_model import Behaviour, Exchange, ScriptedModel, answer, said, sent, without_structure

from poet_import.errors import GeneratorError
from poet_import.generators import make_generator
from poet_import.model import Generator

pytestmark = pytest.mark.slow

Run = Callable[..., object]
Write = Callable[..., Path]

MODULE = """
from poet_import import poet

@poet
def area(side: float) -> float:
    return side * side
"""
PROGRAM = "import poet_import, shop; print(shop.area(3.0), poet_import.describe(shop.area).origin)"
WRONG = "sk-canary-wrong"
REFUSALS = [  # the model, the key, what is said, and how often it may be asked
    pytest.param(
        "limited",
        KEY,
        "429 Too Many Requests: .*RateLimitError: this is a mock rate limit error",
        range(2, 5),
        id="rate-limit",
    ),
    pytest.param(
        "broken",
        KEY,
        "500 Internal Server Error: .*this is a mock internal server error",
        range(2, 5),
        id="server-error",
    ),
    pytest.param("narrow", KEY, "400 Bad Request: .*context window exceeded", range(1, 2), id="context-length"),
    pytest.param(
        "nobody", KEY, "400 Bad Request: .*Invalid model name passed in model=nobody", range(1, 2), id="unknown-model"
    ),
    pytest.param("tiny", WRONG, "401 Unauthorized: .*no such key here", range(1, 2), id="wrong-key"),
]


@pytest.fixture(scope="session")
def behind() -> Iterator[ScriptedModel]:
    """A model of ours behind the server, for what its canned answers cannot say."""
    with ScriptedModel(answer(BETTER)) as running:
        yield running


@pytest.fixture(scope="session")
def server(behind: ScriptedModel) -> Iterator[IndependentServer]:
    with tempfile.TemporaryDirectory(prefix="poet-import-", ignore_cleanup_errors=True) as folder:
        try:
            installed = IndependentServer(Path(folder), behind.url)
        except NotInstalledError as error:
            pytest.skip(str(error))
        with installed as running:
            yield running


def generator(server: IndependentServer, model: str, key: str = KEY) -> Generator:
    url = server.url if model.startswith("anthropic/") else f"{server.url}/v1"
    return make_generator(model=model, base_url=url, api_key=key, plain_http=False, directory=None)


def with_poet(server: IndependentServer, model: str, key: str = KEY) -> dict[str, str]:
    return {"POET_MODEL": model, "POET_LLM_BASE_URL": server.url, "POET_LLM_API_KEY": key}


@pytest.mark.parametrize("model", ["openai/tiny", "openai/relayed", "anthropic/tiny", "anthropic/relayed"])
def test_canned_answer_is_found_and_its_tokens_are_counted(server: IndependentServer, model: str) -> None:
    before = len(server.answered())

    code, usages = ask(generator(server, model), 20.0)

    assert code == BETTER
    assert usages[-1].input_tokens > 0
    assert usages[-1].output_tokens > 0
    asked = server.answered()[before:]
    assert asked[-1] == ("/v1/messages" if model.startswith("anthropic/") else "/v1/chat/completions", 200)
    assert len(asked) == (2 if model.endswith("relayed") else 1)


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param(lambda server: with_poet(server, "openai/tiny"), id="openai"),
        pytest.param(lambda server: with_poet(server, "anthropic/relayed"), id="anthropic"),
        pytest.param(
            lambda server: {"POET_MODEL": "openai/tiny", "OPENAI_BASE_URL": f"{server.url}/v1/", "OPENAI_API_KEY": KEY},
            id="variables-of-openai",
        ),
        pytest.param(
            lambda server: {
                "POET_MODEL": "claude-canned",
                "ANTHROPIC_BASE_URL": server.url,
                "ANTHROPIC_AUTH_TOKEN": KEY,
            },
            id="variables-of-anthropic",
        ),
    ],
)
def test_import_takes_the_generated_body(
    server: IndependentServer, run_python: Run, write: Write, variables: Callable[[IndependentServer], dict[str, str]]
) -> None:
    write(MODULE)

    ran = run_python("-W", "error", "-c", PROGRAM, POET_GENERATION_TIMEOUT="30", **variables(server))

    assert (ran.stdout, ran.stderr) == ("9.0 generated\n", "")  # type: ignore[attr-defined]  # of a finished process
    again = run_python("-W", "error", "-c", PROGRAM, **variables(server))
    assert again.stdout == "9.0 generated\n"  # type: ignore[attr-defined]  # as above


@pytest.mark.parametrize(("model", "key", "words", "times"), REFUSALS)
@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_refusal_is_told_in_words_and_repeated_only_where_that_may_help(
    server: IndependentServer, dialect: str, model: str, key: str, words: str, times: range
) -> None:
    before, started = len(server.answered()), time.monotonic()

    with pytest.raises(GeneratorError, match=words) as caught:
        ask(generator(server, f"{dialect}/{model}", key), 10.0)

    assert time.monotonic() - started < 10.5
    assert key not in str(caught.value)
    assert len(server.answered()) - before in times


@pytest.mark.parametrize(("model", "key", "words", "times"), REFUSALS)
@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_import_falls_back_with_one_warning(
    server: IndependentServer,
    run_python: Run,
    write: Write,
    dialect: str,
    model: str,
    key: str,
    words: str,
    times: range,
) -> None:
    write(MODULE)
    before = len(server.answered())

    ran = run_python("-c", PROGRAM, POET_GENERATION_TIMEOUT="10", **with_poet(server, f"{dialect}/{model}", key))

    printed, warned = ran.stdout, ran.stderr  # type: ignore[attr-defined]  # of a finished process
    assert printed == "9.0 fallback\n"
    assert re.search(f"PoetFallbackWarning: area runs as it is written: 127.0.0.1:\\d+ answered {words}", warned)
    assert warned.count("Warning") == 1
    assert "Traceback" not in warned
    assert key not in warned
    assert len(server.answered()) - before in times


def calling(exchange: Exchange) -> None:
    """Call the tool that was offered, as vLLM streams it."""
    text = json.dumps({"code": BETTER})
    named = {"id": "call_1", "type": "function", "function": {"name": "implement", "arguments": ""}}
    calls = [named, *({"function": {"arguments": part}} for part in (text[:11], text[11:]))]
    exchange.begin_stream()
    for call in calls:
        exchange.event({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, **call}]}}]})
    exchange.event({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    exchange.event({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}})
    exchange.wfile.write(b"data: [DONE]\n\n")


def test_tool_reaches_the_model_behind_and_its_call_comes_back(
    server: IndependentServer, behind: ScriptedModel
) -> None:
    behind.script(calling)

    code, usages = ask(generator(server, "anthropic/behind"), 20.0)

    body = behind.requests[-1][2]
    assert code == BETTER
    assert (usages[-1].input_tokens, usages[-1].output_tokens) == (10, 20)
    assert body["tools"][0]["function"]["name"] == body["tool_choice"]["function"]["name"] == "implement"


def test_schema_reaches_the_model_behind(server: IndependentServer, behind: ScriptedModel) -> None:
    behind.script(answer(BETTER))

    assert ask(generator(server, "openai/behind"), 20.0)[0] == BETTER
    assert behind.requests[-1][2]["response_format"]["type"] == "json_schema"


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_structure_that_the_model_behind_refuses_is_left_out(
    server: IndependentServer, behind: ScriptedModel, dialect: str
) -> None:
    behind.script(without_structure(BETTER))

    assert ask(generator(server, f"{dialect}/behind"), 20.0)[0] == BETTER
    assert not {"response_format", "tools"} & behind.requests[-1][2].keys()


def streamed(*deltas: dict[str, str], end: str) -> Behaviour:
    """Stream what the server relays: pieces of an answer, then why it ended, or an error in its place."""
    chunks = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    last: dict[str, object] = {"choices": [{"index": 0, "delta": {}, "finish_reason": end}]}
    if end == "error":
        last = {"error": {"message": "the tape has torn", "type": "server_error", "code": 500}}
    return sent(*(b"data: " + json.dumps(event).encode() + b"\n\n" for event in (*chunks, last)))


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_what_a_model_thinks_is_no_answer(server: IndependentServer, behind: ScriptedModel, dialect: str) -> None:
    thought = {"reasoning_content": "```python\ndef area(side): ...\n```"}
    behind.script(streamed(thought, {"content": f"```python\n{BETTER}```"}, end="stop"))

    assert ask(generator(server, f"{dialect}/behind"), 20.0)[0] == BETTER


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        pytest.param(streamed({"content": "x"}, end="length"), "was cut at its limit of tokens", id="cut"),
        pytest.param(streamed({"content": "x"}, end="content_filter"), "content filter|is a refusal", id="filtered"),
        pytest.param(streamed({"content": "x"}, end="error"), "with an error: .*the tape has torn", id="error"),
        pytest.param(said("I would rather not."), "holds no code: I would rather not", id="prose"),
    ],
)
@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_answer_that_is_none_is_said_to_be(
    server: IndependentServer, behind: ScriptedModel, dialect: str, behaviour: Behaviour, words: str
) -> None:
    behind.script(behaviour)

    with pytest.raises(GeneratorError, match=words):
        ask(generator(server, f"{dialect}/behind"), 20.0)
