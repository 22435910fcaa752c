"""Proxies and certificates of the environment hold for other machines only, and broken ones are no crash."""

import pytest
from asking import CANARY, CODE, Make, ask
from scripted_model import ScriptedModel, answer, status

from poet_import.errors import GeneratorError
from poet_import.generators import make_generator
from poet_import.generators.endpoints import resolve_endpoint
from poet_import.generators.wire.posting import make_client
from poet_import.generators.wire.refusals import WireError


def test_proxy_of_the_environment_stands_before_other_machines_only(
    make: Make, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedModel(answer(CODE)) as proxy:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, "spared.example")
        ask(make())
        far = make_generator(
            model="tiny", base_url="http://far.example/v1", api_key=CANARY, plain_http=True, directory=None
        )

        assert ask(far)[0] == CODE
        assert [path for path, _, _ in proxy.requests] == ["http://far.example/v1/chat/completions"]
        assert len(model.requests) == 1


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        pytest.param(
            "ALL_PROXY",
            "socks5://127.0.0.1:9",
            r"ALL_PROXY cannot be used \(ImportError\); .* httpx\[socks\]",
            id="socks",
        ),
        pytest.param("HTTPS_PROXY", "carrier-pigeon://x", r"HTTPS_PROXY cannot be used \(ValueError\)", id="scheme"),
        pytest.param(
            "SSL_CERT_FILE", "/nowhere/ca.pem", r"SSL_CERT_FILE cannot be used \(FileNotFoundError\)", id="certificates"
        ),
    ],
)
def test_environment_that_cannot_be_used_is_no_crash(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    for variable in ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)
    monkeypatch.setenv(name, value)
    endpoint = resolve_endpoint("m", "https://far.example/v1", "k" * 9)

    with pytest.raises(WireError, match=words):
        make_client(endpoint)
    with pytest.raises(GeneratorError, match=words):
        ask(
            make_generator(model="m", base_url="https://far.example/v1", api_key=None, plain_http=False, directory=None)
        )


def test_proxy_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedModel(status(407)) as proxy:
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy.url)
        far = make_generator(
            model="m", base_url="https://far.example/v1", api_key=CANARY, plain_http=False, directory=None
        )

        with pytest.raises(GeneratorError, match=r"the proxy that the environment names does not let far\.example be"):
            ask(far, 0.3)


def test_proxy_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)
    with ScriptedModel(answer(CODE)) as gone:
        monkeypatch.setenv("HTTPS_PROXY", gone.url)
    far = make_generator(model="m", base_url="https://far.example/v1", api_key=CANARY, plain_http=False, directory=None)

    with pytest.raises(GeneratorError, match=r"far\.example cannot be reached through the proxy of HTTPS_PROXY"):
        ask(far, 0.3)
