"""Nothing leaves the machine unless it was asked for: keys and addresses that happen to be there send nothing."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Run = Callable[..., object]
Write = Callable[..., Path]

MODULE = """
from poet_import import poet

@poet(domain="api_operations", optimize_for="speed")
def price(sku: str) -> float:
    return 2.5

@poet
def total(prices: list[float]) -> float: ...
"""


class CountingServer(socketserver.ThreadingTCPServer):
    """Counts the connections that arrive, and closes each."""

    daemon_threads = True
    connections = 0

    def verify_request(self, *_: object) -> bool:
        self.connections += 1
        return False


@pytest.fixture
def server() -> Iterator[CountingServer]:
    with CountingServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield listening
        listening.shutdown()
        thread.join()


def everyones_variables(address: str) -> dict[str, str]:
    """Return the variables that other programs are configured by, all of them at once."""
    keys = ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "GEMINI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
    places = ("OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT", "OLLAMA_HOST", "ANTHROPIC_BASE_URL")
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
    return {**dict.fromkeys(keys, "secret"), **dict.fromkeys((*places, *proxies), address)}


IMPORT = "import poet_import, shop; shop.price('tea'); print(poet_import.describe(shop.price).origin)"


def test_usual_keys_and_addresses_alone_send_nothing(run_python: Run, write: Write, server: CountingServer) -> None:
    write(MODULE)
    address = f"http://127.0.0.1:{server.server_address[1]}"

    ran = run_python("-W", "error", "-c", IMPORT, **everyones_variables(address))

    assert (ran.stdout, ran.stderr) == ("woven\n", "")  # type: ignore[attr-defined]  # of a finished process
    assert server.connections == 0


def test_offline_means_offline_with_a_model_configured(run_python: Run, write: Write, server: CountingServer) -> None:
    write(MODULE)
    address = f"http://127.0.0.1:{server.server_address[1]}"
    ours = {"POET_MODEL": "openai/gpt-4o", "POET_LLM_BASE_URL": address, "POET_MODE": "offline"}

    ran = run_python("-W", "error", "-c", IMPORT, **everyones_variables(address), **ours)

    assert (ran.stdout, ran.stderr) == ("woven\n", "")  # type: ignore[attr-defined]  # of a finished process
    assert server.connections == 0


def test_the_same_test_sees_a_connection_that_was_asked_for(
    run_python: Run, write: Write, server: CountingServer
) -> None:
    write(MODULE)
    address = f"http://127.0.0.1:{server.server_address[1]}"
    ours = {"POET_MODEL": "openai/gpt-4o", "POET_LLM_BASE_URL": address, "POET_LLM_API_KEY": "secret"}

    ran = run_python("-c", IMPORT, **ours, POET_GENERATION_TIMEOUT="5")

    assert ran.stdout == "fallback\n"  # type: ignore[attr-defined]  # of a finished process
    assert server.connections > 0
