"""Endpoints come from our settings and from the variables that people have; keys are shown nowhere."""

import pickle

import pytest

from poet_import.errors import GeneratorError
from poet_import.generators.endpoints import Secret, resolve_endpoint

OPENAI = "https://api.openai.com/v1"
GEMINI = "https://generativelanguage.googleapis.com/v1beta/openai"
PROXIED = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "https://p/v1/"}
TOKEN = {"ANTHROPIC_AUTH_TOKEN": "t", "ANTHROPIC_BASE_URL": "https://a/v1"}
AZURE = {"AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_ENDPOINT": "https://r.example"}


@pytest.mark.parametrize(
    ("model", "environ", "url", "name", "key"),
    [
        ("openai/gpt-4o", {"OPENAI_API_KEY": "k"}, f"{OPENAI}/chat/completions", "gpt-4o", "k"),
        ("gpt-4o", {"OPENAI_API_KEY": "k"}, f"{OPENAI}/chat/completions", "gpt-4o", "k"),
        ("openai/x", PROXIED, "https://p/v1/chat/completions", "x", "k"),
        ("claude-x", {"ANTHROPIC_API_KEY": "k"}, "https://api.anthropic.com/v1/messages", "claude-x", "k"),
        ("anthropic/c", TOKEN, "https://a/v1/messages", "c", "t"),
        ("gemini/g", {"GEMINI_API_KEY": "k"}, f"{GEMINI}/chat/completions", "g", "k"),
        ("azure/d", AZURE, "https://r.example/openai/v1/chat/completions", "d", "k"),
        ("ollama/q", {}, "http://127.0.0.1:11434/v1/chat/completions", "q", ""),
        ("ollama/q", {"OLLAMA_HOST": "localhost:1"}, "http://localhost:1/v1/chat/completions", "q", ""),
    ],
    ids=["openai", "by-name", "base-url", "anthropic", "anthropic-token", "gemini", "azure", "ollama", "ollama-host"],
)  # fmt: skip
def test_endpoint_of(model: str, environ: dict[str, str], url: str, name: str, key: str) -> None:
    endpoint = resolve_endpoint(model, None, None, environ=environ)

    assert (endpoint.url, endpoint.model, endpoint.key.reveal()) == (url, name, key)


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
    ],
)
def test_what_cannot_be_used_is_refused_with_how_to_mend_it(
    model: str | None, base: str | None, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        resolve_endpoint(model, base, None, environ={})


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
