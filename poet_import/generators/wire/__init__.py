"""HTTP to language models: the only room that knows the HTTP library."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from poet_import.generators.endpoints import Endpoint
from poet_import.generators.wire.dialects import Message, Piece, Rung, body_of, headers_of, piece_of
from poet_import.model import Usage

_MOST_BYTES: Final = 2_000_000  # of an answer's stream
_MOST_TEXT: Final = 400_000  # characters of an answer
_MOST_REDIRECTS: Final = 3
_AGAIN: Final = frozenset((408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529))
_SHOWN: Final = 200  # characters of what a server says


class WireError(Exception):
    """An endpoint gave no answer.

    Attributes:
        status: Of HTTP, or None where there was none.
        retry_after: Seconds that the server asked to wait, or None.
        may_repeat: Whether the same request may succeed later.
        is_outage: Whether the endpoint is not there, or too slow, for anybody.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        may_repeat: bool = False,
        is_outage: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        self.may_repeat = may_repeat
        self.is_outage = is_outage


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    text: str
    usage: Usage


def make_client(endpoint: Endpoint) -> httpx.AsyncClient:
    """Return a client for an endpoint: TLS is verified, and no proxy stands before this machine."""
    return httpx.AsyncClient(follow_redirects=False, trust_env=not endpoint.is_local, timeout=None)  # noqa: S113  # the deadline bounds all of it


async def ask(
    client: httpx.AsyncClient,
    endpoint: Endpoint,
    messages: Sequence[Message],
    *,
    rung: Rung,
    deadline: float,
    observe: Callable[[Usage], None],
) -> Reply:
    """Ask once and return the whole answer.

    Args:
        client: What speaks HTTP.
        endpoint: Who is asked.
        messages: The conversation.
        rung: The kind of structured output.
        deadline: Of ``time.monotonic()``, in seconds.
        observe: Takes the usage so far.

    Raises:
        WireError: There is no whole answer.
    """
    try:
        async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
            return await _asked(client, endpoint, body_of(endpoint, messages, rung), observe=observe)
    except TimeoutError as error:
        raise WireError(f"{_host(endpoint)} did not answer in time", is_outage=True) from error
    except httpx.ConnectError as error:
        raise WireError(
            f"{_host(endpoint)} cannot be reached ({_name(error)})", may_repeat=True, is_outage=True
        ) from error
    except httpx.TransportError as error:
        message = f"the connection to {_host(endpoint)} broke ({_name(error)})"
        raise WireError(message, may_repeat=True, is_outage=True) from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise WireError(f"{_host(endpoint)} cannot be asked ({_name(error)})") from error


def _name(error: Exception) -> str:
    return type(error).__name__  # its text may hold an address with a query


def _host(endpoint: Endpoint) -> str:
    parts = urlsplit(endpoint.url)
    return parts.netloc


async def _asked(
    client: httpx.AsyncClient, endpoint: Endpoint, body: dict[str, Any], *, observe: Callable[[Usage], None]
) -> Reply:
    url = endpoint.url
    for _ in range(_MOST_REDIRECTS + 1):
        async with client.stream("POST", url, json=body, headers=headers_of(endpoint)) as response:
            if not response.is_redirect:
                if response.status_code != 200:
                    raise await _refusal(response, endpoint)
                return await _read(response, endpoint, observe)
            url = _redirected(response, endpoint)
    raise WireError(f"{_host(endpoint)} redirects without end")


def _redirected(response: httpx.Response, endpoint: Endpoint) -> str:
    """Return where a redirect leads; the key goes to no other host."""
    target = response.url.join(response.headers.get("location", ""))
    here = response.url
    if (target.scheme, target.host, target.port) != (here.scheme, here.host, here.port):
        raise WireError(
            f"{_host(endpoint)} redirects to another host, {target.host}; set that as the address if it is right"
        )
    return str(target)


async def _refusal(response: httpx.Response, endpoint: Endpoint) -> WireError:
    """Return the error for a status that is no success."""
    raw = b""
    async for block in response.aiter_bytes():
        raw += block
        if len(raw) > 20_000:
            break
    status = response.status_code
    wait = _retry_after(response.headers.get("retry-after"))
    said = _said(raw, endpoint)
    message = f"{_host(endpoint)} answered {status} {response.reason_phrase}{f': {said}' if said else ''}"
    return WireError(message, status=status, retry_after=wait, may_repeat=status in _AGAIN, is_outage=status >= 500)


def _said(raw: bytes, endpoint: Endpoint) -> str:
    text = raw.decode("utf-8", "replace")
    event = _json(text)
    if event is not None:
        text = piece_of(endpoint, event).error or text
    key = endpoint.key.reveal()
    text = " ".join((text.replace(key, "****") if key else text).split())
    return f"{text[:_SHOWN]}…" if len(text) > _SHOWN else text


def _retry_after(value: str | None) -> float | None:
    """Return the seconds of a ``Retry-After`` header, which may be a number or a date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


async def _read(response: httpx.Response, endpoint: Endpoint, observe: Callable[[Usage], None]) -> Reply:
    """Read an answer as it arrives, and stop where it is too long."""
    begun = time.monotonic()
    texts: list[str] = []
    usage = Usage(endpoint.model)
    ended = False
    async for piece in _pieces(response, endpoint):
        if piece.error:
            raise WireError(f"{_host(endpoint)} answered with an error: {piece.error[:_SHOWN]}", may_repeat=True)
        if piece.is_cut:
            raise WireError(f"the answer of {_host(endpoint)} was cut at its limit of tokens")
        texts.append(piece.text)
        length = sum(map(len, texts))
        if length > _MOST_TEXT:
            raise WireError(f"the answer of {_host(endpoint)} has no end: {length:,} characters and more")
        usage = Usage(
            f"{endpoint.provider}/{endpoint.model}",
            max(usage.input_tokens, piece.input_tokens),
            max(usage.output_tokens, piece.output_tokens) or length // 4,
            time.monotonic() - begun,
        )
        observe(usage)
        ended = ended or piece.ends
    return Reply("".join(texts), usage)


async def _pieces(response: httpx.Response, endpoint: Endpoint) -> AsyncIterator[Piece]:
    """Yield the pieces of a stream of events, or the one of an answer that came at once."""
    kind = response.headers.get("content-type", "")
    if "event-stream" not in kind:
        yield _whole(b"".join([block async for block in _bounded(response)]), kind, endpoint)
        return
    rest = b""
    async for block in _bounded(response):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            data = line.strip().removeprefix(b"data:").strip() if line.startswith(b"data:") else b""
            if data == b"[DONE]":
                return
            if data:
                yield _event(data, endpoint)


def _event(data: bytes, endpoint: Endpoint) -> Piece:
    event = _json(data.decode("utf-8", "replace"))
    if event is None:
        raise WireError(f"{_host(endpoint)} sent an event that is no JSON: {_said(data, endpoint)}", may_repeat=True)
    return piece_of(endpoint, event)


def _whole(raw: bytes, kind: str, endpoint: Endpoint) -> Piece:
    event = _json(raw.decode("utf-8", "replace"))
    if event is None:
        said = _said(raw, endpoint) or "nothing"
        what = kind.partition(";")[0] or "an unknown type"
        what = kind.partition(";")[0] or "an unknown type"
        message = f"{_host(endpoint)} answered with {what} that is no JSON object: {said}"
        raise WireError(message, may_repeat=True)
    return piece_of(endpoint, event)


async def _bounded(response: httpx.Response) -> AsyncIterator[bytes]:
    received = 0
    async for block in response.aiter_bytes():
        received += len(block)
        if received > _MOST_BYTES:
            raise WireError(f"the answer of {response.url.host} has no end: {received:,} bytes and more")
        yield block


def _json(text: str) -> dict[str, Any] | None:  # Any: what JSON can say
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
