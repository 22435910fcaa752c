"""Questions to language models, and the answers as they arrive."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from poet_import.generators.endpoints import Endpoint
from poet_import.generators.wire.dialects import Form, Message, Piece, body_of, headers_of
from poet_import.generators.wire.posting import Client, Response, post
from poet_import.generators.wire.refusals import WireError, broken_off, host_of, shown
from poet_import.generators.wire.streams import pieces
from poet_import.model import Usage

_MOST_TEXT: Final = 400_000  # characters of an answer
_STOPS: Final = {  # why a model stopped, where its answer is none
    "length": "was cut at its limit of tokens",
    "max_tokens": "was cut at its limit of tokens",
    "model_context_window_exceeded": "was cut where the model's context ended",
    "content_filter": "was stopped by the provider's content filter",
    "refusal": "is a refusal",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    text: str
    usage: Usage


async def ask(
    client: Client,
    endpoint: Endpoint,
    messages: Sequence[Message],
    *,
    form: Form,
    deadline: float,
    observe: Callable[[Usage], None],
) -> Reply:
    """Ask once and return the whole answer.

    Args:
        client: What speaks HTTP.
        endpoint: Who is asked.
        messages: The conversation.
        form: How the question is put.
        deadline: Of ``time.monotonic()``, in seconds.
        observe: Takes the usage so far.

    Raises:
        WireError: There is no whole answer.
    """
    question = body_of(endpoint, messages, form)

    async def read(response: Response) -> Reply:
        return await _read(response, endpoint, observe)

    return await post(client, endpoint, question, read=read, headers=headers_of(endpoint), deadline=deadline)


async def _read(response: Response, endpoint: Endpoint, observe: Callable[[Usage], None]) -> Reply:
    """Read an answer as it arrives, and stop where it is too long."""
    begun = time.monotonic()
    texts: list[str] = []
    refusal, length, told, ended = "", 0, 0, False
    usage = Usage(f"{endpoint.provider}/{endpoint.model}")
    async for piece in pieces(response, endpoint):
        texts.append(piece.text)
        length += len(piece.text)
        told = max(told, piece.output_tokens)
        usage = Usage(
            usage.model,
            max(usage.input_tokens, piece.input_tokens),
            told or length // 4,
            time.monotonic() - begun,
        )
        observe(usage)
        refusal += piece.refusal
        ended = ended or piece.ends
        _check(piece, length, endpoint)
    if refusal and not length:
        raise WireError(f"the model of {host_of(endpoint)} refuses: {shown(refusal, endpoint)}")
    if not ended:
        raise WireError(f"the answer of {host_of(endpoint)} broke off before its end", may_repeat=True)
    return Reply("".join(texts), usage)


def _check(piece: Piece, length: int, endpoint: Endpoint) -> None:
    """Raise where a piece tells that there will be no answer."""
    if piece.fault is not None:
        raise broken_off(piece.fault, endpoint)
    if piece.stop in _STOPS:
        raise WireError(f"the answer of {host_of(endpoint)} {_STOPS[piece.stop]}")
    if length > _MOST_TEXT:
        raise WireError(f"the answer of {host_of(endpoint)} has no end: {length:,} characters and more")
