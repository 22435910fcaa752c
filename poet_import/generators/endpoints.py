"""Where a language model is and how it is spoken to, from our settings and from the variables that people have already.

Sources: the environment variables of each provider's own client library.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Literal
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from poet_import.errors import GeneratorError

Dialect = Literal["openai", "anthropic"]

_BEARERS: Final = frozenset(("ANTHROPIC_AUTH_TOKEN", "AZURE_OPENAI_AD_TOKEN"))  # tokens, not keys: RFC 6750's header
_OLLAMA_PORT: Final = 11434
SERVICE: Final = "service"  # the provider that our own service is
_SERVICE_PATH: Final = "/api/v1/transpile"


class Secret:
    """A text that is shown nowhere unless it is asked for by `reveal`."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self.__text

    def __bool__(self) -> bool:
        return bool(self.__text)

    def __repr__(self) -> str:
        return "Secret(****)" if self.__text else "Secret(none)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


@dataclass(frozen=True, slots=True)
class Provider:
    """How one provider is found and spoken to."""

    name: str
    dialect: Dialect
    url: str | None  # of its API; None where only the user knows it
    keys: tuple[str, ...] = ()  # variables, the first one that is set counts
    urls: tuple[str, ...] = ()
    needs_key: bool = True
    header: str = "authorization"


_PROVIDERS: Final = {
    provider.name: provider
    for provider in (
        Provider("openai", "openai", "https://api.openai.com/v1", ("OPENAI_API_KEY",), ("OPENAI_BASE_URL",)),
        Provider(
            "azure",
            "openai",
            None,
            ("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN"),
            ("AZURE_OPENAI_ENDPOINT",),
            header="api-key",
        ),
        Provider(
            "gemini", "openai", "https://generativelanguage.googleapis.com/v1beta/openai", ("GEMINI_API_KEY",), ()
        ),
        Provider("ollama", "openai", "http://127.0.0.1:11434", ("OLLAMA_API_KEY",), ("OLLAMA_HOST",), needs_key=False),
        Provider(
            "anthropic",
            "anthropic",
            "https://api.anthropic.com",
            ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
            ("ANTHROPIC_BASE_URL",),
            header="x-api-key",
        ),
    )
}
_GUESSES: Final = (
    ("claude", "anthropic"),
    ("gemini", "gemini"),
    *((start, "openai") for start in ("gpt", "o1", "o3", "o4")),
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model that can be asked."""

    provider: str
    dialect: Dialect
    url: str  # of the call itself
    model: str
    key: Secret
    header: str  # that carries the key
    origins: tuple[tuple[str, str], ...]  # what came from where, as ("key", "OPENAI_API_KEY")

    @property
    def is_local(self) -> bool:
        """Tell whether it is on this machine: no proxy stands before it."""
        return is_loopback(urlsplit(self.url).hostname)


def fingerprint_of(endpoint: Endpoint) -> str:
    """Return what tells a model's answers from another's: its name, wherever it runs."""
    if endpoint.provider == SERVICE:
        return f"remote {endpoint.model}"
    return f"llm {endpoint.provider}/{endpoint.model}"


def is_loopback(host: str | None) -> bool:
    """Tell whether a host name means this machine."""
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def resolve_endpoint(
    model: str | None,
    base_url: str | None,
    api_key: str | None,
    *,
    plain_http: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> Endpoint:
    """Return the endpoint that is configured.

    Args:
        model: ``provider/model``, or a model's name alone.
        base_url: Where it is, over what the provider's variables say.
        api_key: The key, over the provider's variable.
        plain_http: Whether hosts other than this machine may be spoken to without TLS.
        environ: The variables of the process.

    Raises:
        GeneratorError: Something that is needed is not configured.
        ValueError: The address is none, or may not be used.
    """
    if not model:
        raise GeneratorError("no model is configured; set POET_MODEL, as openai/gpt-4o or ollama/qwen2.5-coder")
    provider, name = _provider_of(model, base_url)
    url, url_from = _address(provider, base_url, environ)
    _check_url(url, plain_http=plain_http, named=url_from)
    variables = provider.keys if not base_url or _is_own(provider, base_url) else ()
    key, key_from = _first(api_key, "POET_LLM_API_KEY", variables, environ=environ)
    _check_key(key, named=key_from)
    if provider.needs_key and not key and not base_url:
        raise GeneratorError(f"no key for {provider.name}; set {' or '.join((*provider.keys, 'POET_LLM_API_KEY'))}")
    header = "authorization" if key_from in _BEARERS else provider.header
    version = environ.get("OPENAI_API_VERSION") if provider.name == "azure" else None
    call = _azure_call(url, name, version) if version else _call_url(provider, url)
    origins = (("model", "POET_MODEL"), ("url", url_from), ("key", key_from or "none"))
    return Endpoint(provider.name, provider.dialect, call, name, Secret(key or ""), header, origins)


def resolve_service(url: str | None, key: str | None, *, plain_http: bool = False) -> Endpoint:
    """Return the endpoint of our HTTP service that is configured; the address may be its host's or the call's own.

    Raises:
        GeneratorError: None is configured.
        ValueError: The address is none, or may not be used, or the key is none.
    """
    if not url:
        raise GeneratorError("no service is configured; set POET_SERVICE_URL, as https://poet.example.org")
    _check_url(url, plain_http=plain_http, named="POET_SERVICE_URL")
    _check_key(key, named="POET_SERVICE_KEY")
    parts = urlsplit(url if "://" in url else f"http://{url}")
    path = parts.path.rstrip("/").removesuffix(_SERVICE_PATH)
    call = urlunsplit(parts._replace(path=f"{path}{_SERVICE_PATH}", query="", fragment=""))
    origins = (("url", "POET_SERVICE_URL"), ("key", "POET_SERVICE_KEY" if key else "none"))
    return Endpoint(SERVICE, "openai", call, parts.netloc, Secret(key or ""), "authorization", origins)


def _address(provider: Provider, base_url: str | None, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return where a provider is, and what tells that."""
    url, url_from = _first(base_url, "POET_LLM_BASE_URL", provider.urls, environ=environ)
    if url is not None and url_from is not None:
        return (_ollama_url(url) if url_from == "OLLAMA_HOST" else url), url_from
    if provider.url is None:
        places = " or ".join((*provider.urls, "POET_LLM_BASE_URL"))
        raise GeneratorError(f"nothing tells where {provider.name} is; set {places}")
    return provider.url, "the provider"


def _provider_of(model: str, base_url: str | None) -> tuple[Provider, str]:
    prefix, slash, rest = model.partition("/")
    if slash and prefix in _PROVIDERS:
        return _PROVIDERS[prefix], rest
    if base_url:
        return Provider("custom", "openai", None, needs_key=False), model
    for start, name in _GUESSES:
        if model.startswith(start):
            return _PROVIDERS[name], model
    known = ", ".join(sorted(_PROVIDERS))
    raise GeneratorError(
        f"nothing tells where {model!r} is; name its provider ({known}) as in ollama/{model}, or set POET_LLM_BASE_URL"
    )


def _is_own(provider: Provider, base_url: str) -> bool:
    """Tell whether an address is the provider's own, so that its usual key may go there.

    A key that is there for one host is never sent to another one that only our setting names.
    """
    return provider.url is not None and urlsplit(base_url).hostname == urlsplit(provider.url).hostname


def _first(
    ours: str | None, our_name: str, variables: Iterable[str], *, environ: Mapping[str, str]
) -> tuple[str | None, str | None]:
    """Return a value and the variable that it is from; the space around it, as of a file's last line, is none of it."""
    if ours:
        return ours, our_name
    found = ((environ.get(name, "").strip(), name) for name in variables)
    return next(((value, name) for value, name in found if value), (None, None))


def _check_key(key: str | None, *, named: str | None) -> None:
    """Refuse a key that no header can carry; the message does not hold it."""
    if key and not (key.isascii() and key.isprintable()):
        raise ValueError(
            f"{named}: the key holds characters that are in no key: a line's end, or a letter beyond ASCII"
        )


def _check_url(url: str, *, plain_http: bool, named: str) -> None:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"{named}: the address is none ({error}); write it as https://host/v1") from error
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"{named}: expected an address as https://host/v1")
    if parts.username or parts.password:
        raise ValueError(f"{named}: the address holds a user or password; give the key by POET_LLM_API_KEY")
    if parts.scheme == "http" and not plain_http and not is_loopback(host):
        raise ValueError(
            f"{named}: {host} would be spoken to without TLS; use https, or set POET_PLAIN_HTTP=1 where that is safe"
        )


def _ollama_url(host: str) -> str:
    """Return where a server is that listens at ``OLLAMA_HOST``, which may leave out scheme, host and port."""
    scheme, _, place = host.rpartition("://")
    place = place.strip("/")
    name, colon, port = place.rpartition(":") if not place.endswith("]") else (place, "", "")
    if not colon or not port.isdecimal():
        name, port = place, "" if scheme else str(_OLLAMA_PORT)
    if name in ("", "0.0.0.0", "[::]"):  # every address of this machine  # noqa: S104  # nobody listens here
        name = "127.0.0.1"
    return f"{scheme or 'http'}://{name}{f':{port}' if port else ''}"


def _call_url(provider: Provider, url: str) -> str:
    """Return where a question is sent; an address may be the host's, the API's or the call's own."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    return urlunsplit(parts._replace(path=_call_path(provider, parts.path.rstrip("/")), fragment=""))


def _call_path(provider: Provider, path: str) -> str:
    call = "/messages" if provider.dialect == "anthropic" else "/chat/completions"
    if path.endswith(call):
        return path
    if provider.dialect == "anthropic" or provider.name == "ollama":
        return f"{path}{call}" if path.endswith("/v1") else f"{path}/v1{call}"
    if provider.name == "azure" and not path.endswith("/openai/v1"):
        return f"{path.removesuffix('/openai')}/openai/v1{call}"
    return f"{path}{call}"


def _azure_call(url: str, deployment: str, version: str) -> str:
    """Return where a question to a deployment is sent by a dated version of Azure's API."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    path = parts.path.rstrip("/").removesuffix("/v1").removesuffix("/openai")
    path = f"{path}/openai/deployments/{quote(deployment, safe='')}/chat/completions"
    return urlunsplit(parts._replace(path=path, query=urlencode({"api-version": version}), fragment=""))
