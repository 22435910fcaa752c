"""The two dialects: OpenAI's chat completions and Anthropic's messages, as their API references describe them.

Each is a function from a question to a request's body, and one from an event of the stream to what it adds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from poet_import.generators.endpoints import Endpoint

Rung = Literal["json_schema", "json_object", "text"]
RUNGS: Final[tuple[Rung, ...]] = ("json_schema", "json_object", "text")
Json = Mapping[str, Any]  # Any: what JSON can say

_SCHEMA: Final = {
    "type": "object",
    "properties": {"code": {"type": "string", "description": "the complete Python text"}},
    "required": ["code"],
    "additionalProperties": False,
}
_AS_JSON: Final = 'Answer with one JSON object, {"code": "…"}, whose text is the complete answer, without a fence.'
_VERSION: Final = "2023-06-01"  # of Anthropic's API


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Form:
    """How a question is put; what an endpoint does not know is left out of it."""

    rung: Rung
    streams: bool = True
    counts: bool = True  # whether the stream shall end with its usage
    most_tokens: int = 8192  # of an answer; Anthropic's dialect has to name a limit


@dataclass(frozen=True, slots=True)
class Fault:
    """What an endpoint says went wrong, as far as it says it."""

    text: str
    kind: str = ""  # its ``type``
    code: str = ""
    parameter: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """What one event of a stream adds."""

    text: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    fault: Fault | None = None
    refusal: str = ""  # the model's words where it will not answer
    stop: str = ""  # why the model stopped, in the dialect's word
    ends: bool = False  # whether nothing is missing


def rungs_of(endpoint: Endpoint) -> tuple[Rung, ...]:
    """Return the kinds of structured output that an endpoint may know, the strictest first."""
    return RUNGS if endpoint.dialect == "openai" else ("json_schema", "text")


def headers_of(endpoint: Endpoint) -> dict[str, str]:
    """Return the headers of a request, with the key in them."""
    headers = {
        "content-type": "application/json",
        "accept": "text/event-stream, application/json",
        "accept-encoding": "identity",  # a small body may unpack to one without end
    }
    if endpoint.dialect == "anthropic":
        headers["anthropic-version"] = _VERSION
    if endpoint.key:
        key = endpoint.key.reveal()
        headers[endpoint.header] = f"Bearer {key}" if endpoint.header == "authorization" else key
    return headers


def body_of(endpoint: Endpoint, messages: Sequence[Message], form: Form) -> dict[str, Any]:
    """Return the body of a request.

    OpenAI's dialect gets neither a temperature nor a limit of tokens: models differ in which they refuse.
    """
    turns = [{"role": message.role, "content": message.text} for message in messages]
    if endpoint.dialect == "anthropic":
        return _anthropic_body(endpoint, turns, form)
    if form.rung != "text":
        turns[-1]["content"] += f"\n\n{_AS_JSON}"
    body: dict[str, Any] = {"model": endpoint.model, "messages": turns, "stream": form.streams}
    if form.streams and form.counts:
        body["stream_options"] = {"include_usage": True}
    if form.rung == "json_schema":
        schema = {"name": "implementation", "strict": True, "schema": _SCHEMA}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif form.rung == "json_object":
        body["response_format"] = {"type": "json_object"}
    return body


def _anthropic_body(endpoint: Endpoint, turns: list[dict[str, str]], form: Form) -> dict[str, Any]:
    body: dict[str, Any] = {"model": endpoint.model, "messages": turns, "stream": form.streams}
    body["max_tokens"] = form.most_tokens
    if form.rung == "json_schema":  # a tool that must be called is Anthropic's way to a schema
        body["tools"] = [{"name": "implement", "description": "Hand in the implementation.", "input_schema": _SCHEMA}]
        body["tool_choice"] = {"type": "tool", "name": "implement"}
    return body


def fault_of(event: Json) -> Fault | None:
    """Return the error that an event or a body tells of, which some servers write without ``error`` around it."""
    error = event.get("error") or (event if event.get("object") == "error" else None)
    if not error:
        detail = event.get("detail")  # of a problem document, RFC 9457
        return Fault(detail) if isinstance(detail, str) and "status" in event else None
    table = _table(error)
    message = table.get("message", error)
    text = message if isinstance(message, str) else json.dumps(message)
    return Fault(text, *(str(table.get(name) or "") for name in ("type", "code", "param")))


def piece_of(endpoint: Endpoint, event: Json) -> Piece:
    """Return what one event of a stream adds, or a whole answer that came at once."""
    fault = fault_of(event)
    if fault is not None:
        return Piece(fault=fault)
    return _anthropic_piece(event) if endpoint.dialect == "anthropic" else _openai_piece(event)


def _openai_piece(event: Json) -> Piece:
    choices = event.get("choices")
    first = _table(choices[0] if isinstance(choices, list) and choices else None)
    said = _table(first.get("delta") or first.get("message"))
    usage = _table(event.get("usage"))
    stop = _text(first.get("finish_reason"))
    return Piece(
        text=_content(said.get("content")),
        input_tokens=_count(usage.get("prompt_tokens")),
        output_tokens=_count(usage.get("completion_tokens")),
        refusal=_text(said.get("refusal")),
        stop=stop,
        ends=bool(stop),
    )


def _content(content: object) -> str:
    """Return the text of a message, which may stand in parts; what a model thinks is none of it."""
    if isinstance(content, list):
        return "".join(_text(_table(part).get("text")) for part in content)
    return _text(content)


def _anthropic_piece(event: Json) -> Piece:
    kind = event.get("type")
    if kind == "message":
        return _anthropic_whole(event)
    if kind == "message_start":
        usage = _table(_table(event.get("message")).get("usage"))
        return Piece(input_tokens=_count(usage.get("input_tokens")))
    if kind == "content_block_start":
        return Piece(text=_text(_table(event.get("content_block")).get("text")))
    if kind == "content_block_delta":
        delta = _table(event.get("delta"))
        return Piece(text=_text(delta.get("text")) or _text(delta.get("partial_json")))
    if kind == "message_delta":
        return _anthropic_end(_table(event.get("delta")), _table(event.get("usage")))
    return Piece(ends=kind == "message_stop")


def _anthropic_end(message: Json, usage: Json, text: str = "") -> Piece:
    stop = _text(message.get("stop_reason"))
    return Piece(
        text=text,
        input_tokens=_count(usage.get("input_tokens")),
        output_tokens=_count(usage.get("output_tokens")),
        stop=stop,
        ends=bool(stop),
    )


def _anthropic_whole(event: Json) -> Piece:
    blocks = event.get("content")
    texts = [
        _text(block.get("text")) or (json.dumps(block["input"]) if isinstance(block.get("input"), dict) else "")
        for block in map(_table, blocks if isinstance(blocks, list) else [])
    ]
    return _anthropic_end(event, _table(event.get("usage")), "".join(texts))


def _table(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
