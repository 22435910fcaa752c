"""Endpoints come from our settings and from the variables that people have; keys are shown nowhere."""

import pickle

import pytest

from poet_import.errors import GeneratorError
from poet_import.generators.endpoints import Secret, resolve_endpoint

OPENAI = "https://api.openai.com/v1"
GEMINI = "https://generativelanguage.googleapis.com/v1beta/openai"
PROXIED = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "https://p/v1/"}
TOKEN = {"ANTHROPIC_AUTH_TOKEN": "t", "ANTHROPIC_BASE_URL": "https://a/v1"}
DATED = {"OPENAI_API_VERSION": "2024-10-21"}
AZURE = {"AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_ENDPOINT": "https://r.example"}


@pytest.mark.parametrize(
    ("model", "environ", "url", "name", "key"),
    [
        pytest.param(
            "openai/gpt-4o", {"OPENAI_API_KEY": "k"}, f"{OPENAI}/chat/completions", "gpt-4o", "k", id="openai"
        ),
        pytest.param("gpt-4o", {"OPENAI_API_KEY": "k"}, f"{OPENAI}/chat/completions", "gpt-4o", "k", id="by-name"),
        pytest.param("openai/x", PROXIED, "https://p/v1/chat/completions", "x", "k", id="base-url"),
        pytest.param(
            "openai/x", {"OPENAI_API_KEY": " k\n"}, f"{OPENAI}/chat/completions", "x", "k", id="line-end-of-a-file"
        ),
        pytest.param(
            "claude-x",
            {"ANTHROPIC_API_KEY": "k"},
            "https://api.anthropic.com/v1/messages",
            "claude-x",
            "k",
            id="anthropic",
        ),
        pytest.param("anthropic/c", TOKEN, "https://a/v1/messages", "c", "t", id="anthropic-token"),
        pytest.param("gemini/g", {"GEMINI_API_KEY": "k"}, f"{GEMINI}/chat/completions", "g", "k", id="gemini"),
        pytest.param("azure/d", AZURE, "https://r.example/openai/v1/chat/completions", "d", "k", id="azure"),
        pytest.param(
            "azure/my d",
            AZURE | DATED,
            "https://r.example/openai/deployments/my%20d/chat/completions?api-version=2024-10-21",
            "my d",
            "k",
            id="azure-dated",
        ),
        pytest.param(
            "openai/x", {"OPENAI_API_KEY": "k"} | DATED, f"{OPENAI}/chat/completions", "x", "k", id="dated-is-azure's"
        ),
        pytest.param("ollama/q", {}, "http://127.0.0.1:11434/v1/chat/completions", "q", "", id="ollama"),
    ],
)
def test_endpoint_of(model: str, environ: dict[str, str], url: str, name: str, key: str) -> None:
    endpoint = resolve_endpoint(model, None, None, environ=environ)

    assert (endpoint.url, endpoint.model, endpoint.key.reveal()) == (url, name, key)


@pytest.mark.parametrize(
    ("model", "base", "url"),
    [
        ("openai/m", "https://h/v1", "https://h/v1/chat/completions"),
        ("openai/m", "https://h/v1/", "https://h/v1/chat/completions"),
        ("openai/m", "https://h", "https://h/chat/completions"),
        ("openai/m", "https://h/v1/chat/completions", "https://h/v1/chat/completions"),
        ("openai/m", "https://h/v1?tenant=a", "https://h/v1/chat/completions?tenant=a"),
        ("m", "127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1/chat/completions"),
        ("anthropic/m", "https://h", "https://h/v1/messages"),
        ("anthropic/m", "https://h/v1/", "https://h/v1/messages"),
        ("anthropic/m", "https://h/v1/messages", "https://h/v1/messages"),
        ("anthropic/m", "https://h/anthropic", "https://h/anthropic/v1/messages"),
        ("azure/m", "https://h/openai/v1/", "https://h/openai/v1/chat/completions"),
        ("azure/m", "https://h/openai", "https://h/openai/v1/chat/completions"),
        ("ollama/m", "http://localhost:1/v1", "http://localhost:1/v1/chat/completions"),
    ],
)
def test_address_may_be_the_host_or_the_api_or_the_call(model: str, base: str, url: str) -> None:
    assert resolve_endpoint(model, base, None, environ={}).url == url


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://h/openai/v1/", "https://h/openai/deployments/d/chat/completions?api-version=2024-10-21"),
        ("https://h/openai", "https://h/openai/deployments/d/chat/completions?api-version=2024-10-21"),
        ("https://h/gateway/", "https://h/gateway/openai/deployments/d/chat/completions?api-version=2024-10-21"),
    ],
)
def test_address_of_a_dated_version_of_azure(base: str, url: str) -> None:
    assert resolve_endpoint("azure/d", base, None, environ=DATED).url == url


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("localhost:1", "http://localhost:1"),
        ("localhost", "http://localhost:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:1", "http://127.0.0.1:1"),
        (":1", "http://127.0.0.1:1"),
        ("[::]:1", "http://127.0.0.1:1"),
        ("[::1]", "http://[::1]:11434"),
        ("http://localhost:1/", "http://localhost:1"),
        ("http://localhost", "http://localhost"),
        ("https://ollama.com", "https://ollama.com"),
    ],
)
def test_ollama_is_found_where_its_own_variable_lets_it_listen(host: str, place: str) -> None:
    assert resolve_endpoint("ollama/q", None, None, environ={"OLLAMA_HOST": host}).url == f"{place}/v1/chat/completions"


@pytest.mark.parametrize(
    ("model", "environ", "header"),
    [
        ("openai/m", {"OPENAI_API_KEY": "k"}, "authorization"),
        ("gemini/m", {"GEMINI_API_KEY": "k"}, "authorization"),
        ("azure/m", AZURE, "api-key"),
        ("azure/m", {"AZURE_OPENAI_AD_TOKEN": "t", "AZURE_OPENAI_ENDPOINT": "https://r"}, "authorization"),
        ("anthropic/m", {"ANTHROPIC_API_KEY": "k"}, "x-api-key"),
        ("anthropic/m", {"ANTHROPIC_AUTH_TOKEN": "t"}, "authorization"),
        ("ollama/m", {"OLLAMA_API_KEY": "k"}, "authorization"),
    ],
)
def test_key_goes_into_the_header_that_its_provider_reads(model: str, environ: dict[str, str], header: str) -> None:
    endpoint = resolve_endpoint(model, None, None, environ=environ)

    assert endpoint.header == header
    assert endpoint.key


def test_our_own_settings_go_before_the_usual_variables() -> None:
    environ = {"OPENAI_API_KEY": "theirs", "OPENAI_BASE_URL": "https://theirs/v1"}

    endpoint = resolve_endpoint("openai/m", "https://ours/v1", "ours", environ=environ)

    assert (endpoint.url, endpoint.key.reveal()) == ("https://ours/v1/chat/completions", "ours")
    assert dict(endpoint.origins) == {"model": "POET_MODEL", "url": "POET_LLM_BASE_URL", "key": "POET_LLM_API_KEY"}


def test_key_for_one_host_goes_to_no_other() -> None:
    endpoint = resolve_endpoint("openai/m", "https://elsewhere/v1", None, environ={"OPENAI_API_KEY": "k"})

    assert not endpoint.key


@pytest.mark.parametrize(
    ("model", "base", "kind", "words"),
    [
        pytest.param(None, None, GeneratorError, "POET_MODEL", id="no-model"),
        pytest.param("mystery", None, GeneratorError, "name its provider", id="unknown-model"),
        pytest.param("openai/m", None, GeneratorError, "set OPENAI_API_KEY or POET_LLM_API_KEY", id="no-key"),
        pytest.param("azure/m", None, GeneratorError, "set AZURE_OPENAI_ENDPOINT", id="no-address"),
        pytest.param("m", "http://example.com/v1", ValueError, "without TLS", id="plain-http"),
        pytest.param("m", "https://u:p@example.com", ValueError, "user or password", id="password-in-address"),
        pytest.param("m", "ftp://example.com", ValueError, "expected an address", id="scheme"),
        pytest.param("m", "https://example.com:x", ValueError, "the address is none", id="port"),
        pytest.param(
            "m", "http://127.example.com/v1", ValueError, "without TLS", id="name-that-looks-like-this-machine"
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_how_to_mend_it(
    model: str | None, base: str | None, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        resolve_endpoint(model, base, None, environ={})


@pytest.mark.parametrize("key", ["canary\x00", "canary-\N{EM DASH}", "can\nary"])
def test_key_that_no_header_can_carry_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ValueError, match="OPENAI_API_KEY: the key holds characters") as caught:
        resolve_endpoint("openai/m", None, None, environ={"OPENAI_API_KEY": key})

    assert "can" not in str(caught.value)


def test_plain_http_is_allowed_where_a_setting_says_so() -> None:
    assert resolve_endpoint("m", "http://intranet/v1", None, plain_http=True, environ={}).url.startswith(
        "http://intranet"
    )


def test_secret_shows_itself_to_those_who_ask_only() -> None:
    secret = Secret("canary")

    assert "canary" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "canary"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
