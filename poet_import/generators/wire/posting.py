"""One question to an endpoint over HTTP: this room alone knows the HTTP library."""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeVar

import httpx

from poet_import.generators.endpoints import Endpoint
from poet_import.generators.wire.refusals import WireError, host_of, refusal_of
from poet_import.generators.wire.streams import body

Answer = TypeVar("Answer")
Client = httpx.AsyncClient  # by this name the rest of the generators knows it
Response = httpx.Response
_MOST_OF_A_REFUSAL: Final = 20_000  # bytes that are read of it
_MOST_REDIRECTS: Final = 3
_PROXIES: Final = ("http_proxy", "https_proxy", "all_proxy")
_CERTIFICATES: Final = ("ssl_cert_file", "ssl_cert_dir")


def make_client(endpoint: Endpoint) -> Client:
    """Return a client for an endpoint: TLS is verified, and no proxy stands before this machine.

    Raises:
        WireError: The environment names a proxy or certificates that cannot be used.
    """
    try:
        certificates = [os.environ.get(name.upper()) for name in _CERTIFICATES]
        tls = _tls(*certificates, is_trusting=not endpoint.is_local)
        return httpx.AsyncClient(
            follow_redirects=False,
            trust_env=not endpoint.is_local,
            timeout=None,  # noqa: S113  # the deadline bounds all of it
            verify=tls,
        )
    except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
        named = _set_ones((*_PROXIES, *_CERTIFICATES))
        more = "; a SOCKS proxy needs httpx[socks]" if isinstance(error, ImportError) else ""
        message = f"{host_of(endpoint)} cannot be asked: {named or 'the TLS library'} cannot be used"
        raise WireError(f"{message} ({_name(error)}){more}") from error


@cache
def _tls(_file: str | None, _folder: str | None, *, is_trusting: bool) -> ssl.SSLContext:
    """Return how TLS is verified with these certificates: reading them takes longer than a question to this machine."""
    return httpx.create_ssl_context(trust_env=is_trusting)


def _set_ones(names: Sequence[str]) -> str:
    """Return the variables of the environment that are set among these, in whichever case, for a message."""
    return " or ".join(sorted(name for name, value in os.environ.items() if value and name.lower() in names))


async def post(
    client: Client,
    endpoint: Endpoint,
    question: Mapping[str, Any],  # Any: what JSON can say
    *,
    read: Callable[[Response], Awaitable[Answer]],
    headers: Mapping[str, str],
    deadline: float,
) -> Answer:
    """Ask once, and return what is read of the answer.

    Args:
        client: What speaks HTTP.
        endpoint: Who is asked.
        question: The body of the request.
        read: Reads an answer whose status is 200.
        headers: Of the request.
        deadline: Of ``time.monotonic()``, in seconds.

    Raises:
        WireError: There is no whole answer.
    """
    try:
        async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
            return await _posted(client, endpoint, question, read=read, headers=headers)
    except TimeoutError as error:
        raise WireError(f"{host_of(endpoint)} did not answer in time", is_outage=True) from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise _failure(error, endpoint) from error


async def _posted(
    client: Client,
    endpoint: Endpoint,
    question: Mapping[str, Any],  # Any: as above
    *,
    read: Callable[[Response], Awaitable[Answer]],
    headers: Mapping[str, str],
) -> Answer:
    url = endpoint.url
    for _ in range(_MOST_REDIRECTS + 1):
        async with client.stream("POST", url, json=question, headers=headers) as response:
            if not response.has_redirect_location:
                if response.status_code != 200:
                    raw = await body(response, endpoint, _MOST_OF_A_REFUSAL)
                    raise refusal_of(response.status_code, response.headers, raw, endpoint=endpoint)
                return await read(response)
            url = _redirected(response, endpoint)
    raise WireError(f"{host_of(endpoint)} redirects without end")


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
