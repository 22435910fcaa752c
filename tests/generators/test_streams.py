"""An answer is read from whatever bytes a server sends it in, and one that is none is said to be."""

import gzip
import json
import tracemalloc
import zlib

import pytest
from asking import CANARY, CODE, Make, ask
from scripted_model import Behaviour, ScriptedModel, sent

from poet_import.errors import GeneratorError
from poet_import.generators import make_remote_generator

ANSWER = f"```python\n{CODE}```"


def openai(text: object, **more: object) -> bytes:
    choice = {"index": 0, "delta": {"content": text, **more}, "finish_reason": None}
    return json.dumps({"object": "chat.completion.chunk", "choices": [choice]}).encode()


def openai_end(reason: str = "stop") -> bytes:
    return json.dumps({"choices": [{"delta": {}, "finish_reason": reason}]}).encode()


def events(*data: bytes, end: bytes = b"\n\n") -> bytes:
    return b"".join(b"data: " + one + end for one in data)


def anthropic(*parts: tuple[str, object], end: bytes = b"\n\n") -> bytes:
    """Return a stream as Anthropic documents it: each event named, its name in the data too."""
    line = end[: len(end) // 2]
    return b"".join(
        b"event: " + name.encode() + line + b"data: " + json.dumps({"type": name, **table}).encode() + end  # type: ignore[dict-item]  # tables, all of them
        for name, table in parts
    )


def block(index: int, delta: dict[str, str]) -> tuple[str, object]:
    return "content_block_delta", {"index": index, "delta": delta}


TOOL = json.dumps({"code": CODE})
START = ("message_start", {"message": {"model": "c", "content": [], "usage": {"input_tokens": 25, "output_tokens": 1}}})
END = ("message_delta", {"delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 15}})
STREAM = (
    START,
    ("ping", {}),
    ("content_block_start", {"index": 0, "content_block": {"type": "thinking", "thinking": ""}}),
    block(0, {"type": "thinking_delta", "thinking": "def area(): ..."}),
    block(0, {"type": "signature_delta", "signature": "abc"}),
    ("content_block_stop", {"index": 0}),
    ("content_block_start", {"index": 1, "content_block": {"type": "tool_use", "name": "implement", "input": {}}}),
    block(1, {"type": "input_json_delta", "partial_json": ""}),
    block(1, {"type": "input_json_delta", "partial_json": TOOL[:7]}),
    block(1, {"type": "input_json_delta", "partial_json": TOOL[7:]}),
    ("an_event_of_the_future", {"index": 1}),
    END,
    ("message_stop", {}),
)
USUAL = events(openai(""), openai(ANSWER[:9]), openai(ANSWER[9:]), openai_end(), b"[DONE]")
WHOLE = json.dumps({"choices": [{"message": {"content": ANSWER}, "finish_reason": "stop"}]}).encode()
PARTS = [{"type": "thinking", "thinking": [{"type": "text", "text": "x"}]}, {"type": "text", "text": ANSWER}]


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(sent(USUAL), id="one-packet"),
        pytest.param(sent(*(USUAL[at : at + 7] for at in range(0, len(USUAL), 7))), id="seven-bytes-a-packet"),
        pytest.param(sent(USUAL.replace(b"\n", b"\r\n")), id="crlf"),
        pytest.param(sent(USUAL.replace(b"\n\n", b"\n")), id="no-empty-lines"),
        pytest.param(sent(USUAL.replace(b"data: ", b"data:")), id="no-space"),
        pytest.param(sent(b": ping\n\n", USUAL, b": bye"), id="comments"),
        pytest.param(sent(b"event: message\nid: 1\nretry: 10\n", USUAL), id="other-fields"),
        pytest.param(sent(USUAL.replace(b'"object"', b'\ndata: "object"')), id="data-over-two-lines"),
        pytest.param(sent(events(openai(ANSWER), openai_end())), id="finish-reason-without-done"),
        pytest.param(sent(events(openai(ANSWER), openai_end()).rstrip()), id="no-line-end-at-the-end"),
        pytest.param(sent(events(openai(ANSWER), b"[DONE]")), id="done-without-finish-reason"),
        pytest.param(sent(events(b"", openai(ANSWER), b"[DONE]")), id="empty-data"),
        pytest.param(
            sent(events(openai(None, reasoning_content="def area(): 1"), openai(ANSWER), openai_end())), id="reasoning"
        ),
        pytest.param(sent(events(openai(PARTS), openai_end())), id="content-in-parts"),
        pytest.param(sent(gzip.compress(USUAL), content_encoding="gzip"), id="gzip"),
        pytest.param(sent(gzip.compress(WHOLE), kind="application/json", content_encoding="gzip"), id="gzip-at-once"),
        pytest.param(sent(zlib.compress(USUAL), content_encoding="deflate"), id="deflate"),
    ],
)
def test_answer_is_read_from_a_stream_with(make: Make, model: ScriptedModel, behaviour: Behaviour) -> None:
    model.script(behaviour)

    assert ask(make())[0] == CODE
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(sent(anthropic(*STREAM)), id="tool"),
        pytest.param(sent(anthropic(*STREAM, end=b"\r\n\r\n")), id="crlf"),
        pytest.param(
            sent(anthropic(START, ("content_block_start", {"content_block": {"type": "text", "text": ANSWER}}), END)),
            id="text-with-its-start",
        ),
    ],
)
def test_answer_is_read_from_a_stream_of_anthropic(make: Make, model: ScriptedModel, behaviour: Behaviour) -> None:
    model.script(behaviour)

    code, usages = ask(make("anthropic"))

    assert code == CODE
    assert (usages[-1].input_tokens, usages[-1].output_tokens) == (25, 15)


def test_tokens_that_are_told_only_at_the_end_count(make: Make, model: ScriptedModel) -> None:
    usage = {"input_tokens": 8, "output_tokens": 24}
    stop = ("message_delta", {"delta": {"stop_reason": "end_turn"}, "usage": usage})
    model.script(sent(anthropic(block(0, {"type": "text_delta", "text": ANSWER}), stop)))

    _, usages = ask(make("anthropic"))

    assert (usages[-1].input_tokens, usages[-1].output_tokens) == (8, 24)


def fault(text: str, **more: object) -> bytes:
    return json.dumps({"error": {"message": text, **more}}).encode()


OVERLOADED = ("error", {"error": {"type": "overloaded_error", "message": f"Overloaded {CANARY}"}})
INVALID = {"type": "invalid_request_error", "code": "400"}


@pytest.mark.parametrize(
    ("dialect", "behaviour", "words", "requests"),
    [
        pytest.param(
            "openai", sent(events(openai("x"), openai_end("length"))), "cut at its limit of tokens", 1, id="length"
        ),
        pytest.param(
            "openai", sent(events(openai("x"), openai_end("content_filter"))), "content filter", 1, id="content-filter"
        ),
        pytest.param(
            "openai",
            sent(events(openai(None, refusal="I'm "), openai(None, refusal="sorry"), openai_end())),
            "refuses: I'm sorry",
            1,
            id="refusal",
        ),
        pytest.param("openai", sent(events(openai(ANSWER[:20]))), "broke off before its end", 4, id="no-end"),
        pytest.param(
            "openai", sent(events(openai("x"), fault("on fire"))), "with an error: on fire", 4, id="error-in-the-stream"
        ),
        pytest.param(
            "openai",
            sent(events(openai("x"), fault("too long", **INVALID))),
            "with an error: too long",
            1,
            id="final-error-in-the-stream",
        ),
        pytest.param(
            "openai", sent(events(fault(f"key {CANARY}"))), r"with an error: key \*\*\*\*", 4, id="key-in-the-stream"
        ),
        pytest.param(
            "openai",
            sent(b'data: {"error": "model not loaded"}\n\n'),
            "with an error: model not loaded",
            4,
            id="error-as-a-text",
        ),
        pytest.param(
            "openai",
            sent(b'data: {"object": "error", "message": "no", "code": 400}\n\n'),
            "with an error: no",
            1,
            id="error-without-a-wrapper",
        ),
        pytest.param("openai", sent(b"data: oops\n\n"), "an event that is no JSON: oops", 4, id="no-json"),
        pytest.param("openai", sent(b"zip", content_encoding="gzip"), "no gzip", 1, id="no-gzip"),
        pytest.param(
            "openai", sent(b"x", content_encoding="br"), "encoding 'br', which was not asked for", 1, id="brotli"
        ),
        pytest.param(
            "anthropic", sent(anthropic(START, OVERLOADED)), r"with an error: Overloaded \*\*\*\*", 4, id="overloaded"
        ),
        pytest.param(
            "anthropic",
            sent(anthropic(START, ("message_delta", {"delta": {"stop_reason": "max_tokens"}}))),
            "cut at its limit of tokens",
            1,
            id="max-tokens",
        ),
        pytest.param(
            "anthropic",
            sent(anthropic(START, ("message_delta", {"delta": {"stop_reason": "refusal"}}))),
            "is a refusal",
            1,
            id="stop-for-a-refusal",
        ),
        pytest.param("anthropic", sent(anthropic(*STREAM[:9])), "broke off before its end", 4, id="anthropic-no-end"),
    ],
)
def test_answer_that_is_none_is_said_to_be(
    make: Make, model: ScriptedModel, dialect: str, behaviour: Behaviour, words: str, requests: int
) -> None:
    model.script(behaviour)

    with pytest.raises(GeneratorError, match=words) as caught:
        ask(make(dialect), 30.0)

    assert CANARY not in str(caught.value)
    assert len(model.requests) == requests


def test_small_body_that_unpacks_to_one_without_end_is_not_unpacked(make: Make, model: ScriptedModel) -> None:
    bomb = gzip.compress(b"x" * 300_000_000, 1)
    model.script(sent(bomb, kind="application/json", content_encoding="gzip"))
    tracemalloc.start()

    with pytest.raises(GeneratorError, match="has no end"):
        ask(make(), 20.0)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40_000_000


def test_services_answer_is_unpacked_within_its_bound(model: ScriptedModel) -> None:
    remote = make_remote_generator(url=model.url, key=None, plain_http=False, directory=None)
    function = json.dumps({"poet_implementation": {"code": CODE}}).encode()
    model.script(sent(gzip.compress(function), kind="application/json", content_encoding="gzip"))
    answered = ask(remote, 20.0)[0]
    model.script(sent(gzip.compress(b"x" * 300_000_000, 1), kind="application/json", content_encoding="gzip"))
    tracemalloc.start()

    with pytest.raises(GeneratorError, match="something else than a JSON object of 4,000,000 bytes"):
        ask(remote, 20.0)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answered == CODE
    assert peak < 12_000_000


def test_long_answer_in_small_pieces_is_read_in_time(make: Make, model: ScriptedModel) -> None:
    code = CODE + "".join(f"\n_X{number} = {number}" for number in range(8000)) + "\n"
    text = json.dumps({"code": code})
    model.script(
        sent(events(*(openai(text[at : at + 3], obfuscation="x" * 60) for at in range(0, len(text), 3)), openai_end()))
    )

    assert ask(make(), 10.0)[0] == code


def test_packed_bodies_are_not_asked_for(make: Make, model: ScriptedModel) -> None:
    ask(make())

    headers = {name.lower(): value for name, value in model.requests[0][1].items()}
    assert headers["accept-encoding"] == "identity"
