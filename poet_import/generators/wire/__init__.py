"""HTTP to language models: the only room that knows the HTTP library."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from poet_import.generators.endpoints import Endpoint
from poet_import.generators.wire.dialects import Form, Message, Piece, body_of, headers_of
from poet_import.generators.wire.refusals import WireError, broken_off, host_of, refusal_of, shown
from poet_import.generators.wire.streams import body, pieces
from poet_import.model import Usage

Client = httpx.AsyncClient  # by this name the rest of the generators knows it
_MOST_TEXT: Final = 400_000  # characters of an answer
_MOST_OF_A_REFUSAL: Final = 20_000  # bytes that are read of it
_MOST_REDIRECTS: Final = 3
_PROXIES: Final = ("http_proxy", "https_proxy", "all_proxy")
_CERTIFICATES: Final = ("ssl_cert_file", "ssl_cert_dir")
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


def make_client(endpoint: Endpoint) -> Client:
    """Return a client for an endpoint: TLS is verified, and no proxy stands before this machine.

    Raises:
        WireError: The environment names a proxy or certificates that cannot be used.
    """
    try:
        return httpx.AsyncClient(follow_redirects=False, trust_env=not endpoint.is_local, timeout=None)  # noqa: S113  # the deadline bounds all of it
    except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
        named = _set_ones((*_PROXIES, *_CERTIFICATES))
        more = "; a SOCKS proxy needs httpx[socks]" if isinstance(error, ImportError) else ""
        message = f"{host_of(endpoint)} cannot be asked: {named or 'the TLS library'} cannot be used"
        raise WireError(f"{message} ({_name(error)}){more}") from error


def _set_ones(names: Sequence[str]) -> str:
    """Return the variables of the environment that are set among these, in whichever case, for a message."""
    return " or ".join(sorted(name for name, value in os.environ.items() if value and name.lower() in names))


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
    try:
        async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
            return await _asked(client, endpoint, body_of(endpoint, messages, form), observe=observe)
    except TimeoutError as error:
        raise WireError(f"{host_of(endpoint)} did not answer in time", is_outage=True) from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise _failure(error, endpoint) from error


def _failure(error: Exception, endpoint: Endpoint) -> WireError:
    """Return our error for one of the HTTP library's; its text may hold an address with a query, so it is not told."""
    host, name = host_of(endpoint), _name(error)
    if isinstance(error, httpx.ProxyError):
        message = f"the proxy that the environment names does not let {host} be reached ({name})"
        return WireError(message, may_repeat=True, is_outage=True)
    if isinstance(error, httpx.ConnectError):
        proxies = "" if endpoint.is_local else _set_ones(_PROXIES)
        way = f" through the proxy of {proxies}" if proxies else ""
        return WireError(f"{host} cannot be reached{way} ({name})", may_repeat=True, is_outage=True)
    return WireError(f"the connection to {host} broke ({name})", may_repeat=True, is_outage=True)


def _name(error: Exception) -> str:
    return type(error).__name__


async def _asked(
    client: Client, endpoint: Endpoint, question: dict[str, Any], *, observe: Callable[[Usage], None]
) -> Reply:  # Any: what JSON can say
    url = endpoint.url
    for _ in range(_MOST_REDIRECTS + 1):
        async with client.stream("POST", url, json=question, headers=headers_of(endpoint)) as response:
            if not response.has_redirect_location:
                if response.status_code != 200:
                    raw = await body(response, endpoint, _MOST_OF_A_REFUSAL)
                    raise refusal_of(response.status_code, response.headers, raw, endpoint=endpoint)
                return await _read(response, endpoint, observe)
            url = _redirected(response, endpoint)
    raise WireError(f"{host_of(endpoint)} redirects without end")


def _redirected(response: httpx.Response, endpoint: Endpoint) -> str:
    """Return where a redirect leads; the key goes to no other host, and never from TLS to none."""
    target = response.url.join(response.headers["location"])
    here = response.url
    if (target.scheme, target.host, target.port) != (here.scheme, here.host, here.port):
        place = f"{target.scheme}://{target.netloc.decode('ascii', 'replace')}"
        raise WireError(
            f"{host_of(endpoint)} redirects to another host, {place}; set that as the address if it is right"
        )
    return str(target)


async def _read(response: httpx.Response, endpoint: Endpoint, observe: Callable[[Usage], None]) -> Reply:
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
