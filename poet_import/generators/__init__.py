"""Generators: what turns O into a text that may become O′."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from poet_import.cache.shared import SharedStore
from poet_import.generators.breaker import Breaker
from poet_import.generators.endpoints import (
    SERVICE,
    Endpoint,
    fingerprint_of,
    resolve_endpoint,
    resolve_service,
)
from poet_import.model import TranspileRequest, Usage

if TYPE_CHECKING:
    from poet_import.generators.llm import LLMGenerator
    from poet_import.generators.remote import RemoteGenerator


def make_generator(
    *,
    model: str | None,
    base_url: str | None,
    api_key: str | None,
    plain_http: bool,
    directory: str | None,
    shared: SharedStore | None = None,
    at_once: int = 8,
) -> EndpointGenerator:
    """Return the generator that asks a model, ``at_once`` questions at most; nothing is loaded or sent before.

    Raises:
        GeneratorError: Something that it needs is not configured.
        ValueError: Something of it is wrong.
    """
    endpoint = resolve_endpoint(model, base_url, api_key, plain_http=plain_http)
    return EndpointGenerator(endpoint, _breaker(endpoint, directory, shared), at_once)


def make_remote_generator(
    *,
    url: str | None,
    key: str | None,
    plain_http: bool,
    directory: str | None,
    shared: SharedStore | None = None,
    at_once: int = 8,
) -> EndpointGenerator:
    """Return the generator that asks our HTTP service, ``at_once`` questions at most; nothing is loaded before.

    Raises:
        GeneratorError: No address is configured.
        ValueError: The address is none, or may not be used.
    """
    endpoint = resolve_service(url, key, plain_http=plain_http)
    return EndpointGenerator(endpoint, _breaker(endpoint, directory, shared), at_once)


def _breaker(endpoint: Endpoint, directory: str | None, shared: SharedStore | None) -> Breaker:
    return Breaker(directory, f"{endpoint.url} {endpoint.model}", shared)


class EndpointGenerator:
    """A generator that loads the HTTP library with its first question: what is cached needs none."""

    def __init__(self, endpoint: Endpoint, breaker: Breaker, at_once: int) -> None:
        self._endpoint = endpoint
        self._breaker = breaker
        self._at_once = at_once
        self._made: LLMGenerator | RemoteGenerator | None = None

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(self._endpoint)

    def is_down(self) -> bool:
        """Tell whether nobody is asked now, since lately there was no answer."""
        return self._breaker.wait() > 0

    async def generate(self, request: TranspileRequest, *, observe: Callable[[Usage], None]) -> str:
        if self._made is None:
            self._made = self._make()
        return await self._made.generate(request, observe=observe)

    def _make(self) -> LLMGenerator | RemoteGenerator:
        # The HTTP library comes with either.
        if self._endpoint.provider == SERVICE:
            from poet_import.generators.remote import RemoteGenerator

            return RemoteGenerator(self._endpoint, self._breaker, self._at_once)
        from poet_import.generators.llm import LLMGenerator

        return LLMGenerator(self._endpoint, self._breaker, self._at_once)
