"""The two dialects: OpenAI's chat completions and Anthropic's messages, as their API references describe them.

Each is a function from a question to a request's body, and one from a line of the stream to what it adds.
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

_MOST_TOKENS: Final = 8192
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
class Piece:
    """What one event of a stream adds."""

    text: str = ""
    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    error: str = ""
    ends: bool = False
    is_cut: bool = False  # by the model's own limit of tokens


def rungs_of(endpoint: Endpoint) -> tuple[Rung, ...]:
    """Return the kinds of structured output that an endpoint may know, the strictest first."""
    return RUNGS if endpoint.dialect == "openai" else ("json_schema", "text")


def headers_of(endpoint: Endpoint) -> dict[str, str]:
    """Return the headers of a request, with the key in them."""
    headers = {"content-type": "application/json", "accept": "text/event-stream, application/json"}
    if endpoint.dialect == "anthropic":
        headers["anthropic-version"] = _VERSION
    if endpoint.key:
        key = endpoint.key.reveal()
        headers[endpoint.header] = f"Bearer {key}" if endpoint.header == "authorization" else key
    return headers


def body_of(endpoint: Endpoint, messages: Sequence[Message], rung: Rung) -> dict[str, Any]:
    """Return the body of a request."""
    turns = [{"role": message.role, "content": message.text} for message in messages]
    if endpoint.dialect == "anthropic":
        return _anthropic_body(endpoint, turns, rung)
    if rung != "text":
        turns[-1]["content"] += f"\n\n{_AS_JSON}"
    body: dict[str, Any] = {"model": endpoint.model, "messages": turns, "stream": True}
    body["stream_options"] = {"include_usage": True}
    if rung == "json_schema":
        schema = {"name": "implementation", "strict": True, "schema": _SCHEMA}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif rung == "json_object":
        body["response_format"] = {"type": "json_object"}
    return body


def _anthropic_body(endpoint: Endpoint, turns: list[dict[str, str]], rung: Rung) -> dict[str, Any]:
    body: dict[str, Any] = {"model": endpoint.model, "messages": turns, "max_tokens": _MOST_TOKENS, "stream": True}
    if rung == "json_schema":  # a tool that must be called is Anthropic's way to a schema
        body["tools"] = [{"name": "implement", "description": "Hand in the implementation.", "input_schema": _SCHEMA}]
        body["tool_choice"] = {"type": "tool", "name": "implement"}
    return body


def piece_of(endpoint: Endpoint, event: Json) -> Piece:
    """Return what one event of a stream adds, or a whole answer that came at once."""
    if event.get("error"):
        return Piece(error=_error_text(event["error"]))
    return _anthropic_piece(event) if endpoint.dialect == "anthropic" else _openai_piece(event)


def _openai_piece(event: Json) -> Piece:
    choices = event.get("choices")
    first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    said = first.get("delta") or first.get("message") or {}
    text = said.get("content") if isinstance(said, dict) else ""
    usage = _table(event.get("usage"))
    return Piece(
        text=text if isinstance(text, str) else "",
        model=_text(event.get("model")),
        input_tokens=_count(usage.get("prompt_tokens")),
        output_tokens=_count(usage.get("completion_tokens")),
        is_cut=first.get("finish_reason") == "length",
    )


def _anthropic_piece(event: Json) -> Piece:
    kind = event.get("type")
    if kind == "message":
        return _anthropic_whole(event)
    if kind == "message_start":
        message = _table(event.get("message"))
        return Piece(
            model=_text(message.get("model")), input_tokens=_count(_table(message.get("usage")).get("input_tokens"))
        )
    if kind == "content_block_delta":
        delta = _table(event.get("delta"))
        return Piece(text=_text(delta.get("text")) or _text(delta.get("partial_json")))
    if kind == "message_delta":
        usage, delta = _table(event.get("usage")), _table(event.get("delta"))
        return Piece(output_tokens=_count(usage.get("output_tokens")), is_cut=delta.get("stop_reason") == "max_tokens")
    return Piece(ends=kind == "message_stop")


def _anthropic_whole(event: Json) -> Piece:
    usage, blocks = _table(event.get("usage")), event.get("content")
    texts = [
        _text(block.get("text")) or (json.dumps(block["input"]) if isinstance(block.get("input"), dict) else "")
        for block in (blocks if isinstance(blocks, list) else [])
        if isinstance(block, dict)
    ]
    return Piece(
        text="".join(texts),
        model=_text(event.get("model")),
        input_tokens=_count(usage.get("input_tokens")),
        output_tokens=_count(usage.get("output_tokens")),
        is_cut=event.get("stop_reason") == "max_tokens",
        ends=True,
    )


def _error_text(error: object) -> str:
    table = _table(error)
    return _text(table.get("message")) or (error if isinstance(error, str) else json.dumps(error)[:200])


def _table(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
