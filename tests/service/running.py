"""A service in a process of its own, as ``poet serve`` starts it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import httpx

ADDRESS = re.compile(r'"address": "(http://[^"]+)"')
SCOPES = ("transpile", "templates:read", "templates:write", "metrics")
_START_SECONDS = 30.0
# A function, another body that does the same, and one that does not.
CODE = """@poet(retries=1)
def total(prices: list[int]) -> int:
    result = 0
    for price in prices:
        result += price
    return result
"""
BETTER = "def total(prices: list[int]) -> int:\n    return sum(prices)\n"
WORSE = "def total(prices: list[int]) -> int:\n    return sum(prices) + 1\n"
_EVENT_SECONDS = 15.0


class RunningService:
    """Starts the service; leaving the block ends it."""

    def __init__(self, folder: Path, *arguments: str, **variables: str) -> None:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("POET_", "OPENAI", "ANTHROPIC", "OTEL_"))
        }
        places = {
            "POET_CACHE_DIR": str(folder / "cache"),
            "POET_DATA_DIR": str(folder / "data"),
            "POET_RATE": "1000000",
            "POET_DRAIN_SECONDS": "0",
        }
        self.folder = folder
        self._log = folder / "service.log"
        self._log.touch()
        self._begun = self._log.stat().st_size  # what an earlier service in this folder has written
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "poet_import", "serve", "--port", "0", *arguments],
                env=kept | places | variables,
                stderr=log,
                stdout=log,
                cwd=folder,
            )
        self.url = self._address()

    def _address(self) -> str:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            found = ADDRESS.findall(self._log.read_text(encoding="utf-8")[self._begun :])
            if found:
                return str(found[-1])
            time.sleep(0.02)
        raise RuntimeError(f"the service did not start: {self.log()}")

    def log(self) -> str:
        """Return all that it has written."""
        return self._log.read_text(encoding="utf-8")

    def events(self) -> list[dict[str, object]]:
        """Return the events of its log; a line that it has not ended yet is left out."""
        whole, _, _ = self.log().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    def event(self, **fields: str) -> dict[str, object]:
        """Return the last event of its log that has these fields, once it is there: an answer comes before its line."""
        end = time.monotonic() + _EVENT_SECONDS
        while time.monotonic() < end:
            for event in reversed(self.events()):
                if fields.items() <= event.items():
                    return event
            time.sleep(0.02)
        raise AssertionError(f"no event of {fields}: {self.log()}")

    def client(self, key: str | None = None) -> httpx.Client:
        """Return a client of it."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        no_tls = False  # there is none on loopback, and to read its certificates for each client takes long
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, verify=no_tls)

    def raw(self, request: bytes, *, seconds: float = 10.0) -> bytes:
        """Send bytes as they are, and return all that comes back until the connection closes or time is over."""
        host, _, port = self.url.removeprefix("http://").rpartition(":")
        with socket.create_connection((host, int(port)), timeout=seconds) as connection:
            received = b""
            try:
                connection.sendall(request)
                while part := connection.recv(65536):
                    received += part
            except (TimeoutError, ConnectionResetError):
                pass
            return received

    def stop(self, how: int = signal.SIGTERM) -> int:
        """End it, and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(30)

    def __enter__(self) -> RunningService:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # it ends at once, and whatever traces it writes down what it has
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


def create_key(path: Path, name: str, scope: str, *arguments: str) -> str:
    """Return a new key, kept in a file."""
    command = [sys.executable, "-m", "poet_import", "keys", "create", name, "--scope", scope, "--file", str(path)]
    return subprocess.run([*command, *arguments], check=True, capture_output=True, text=True).stdout.strip()


def request_for(code: str, **fields: object) -> dict[str, object]:
    """Return the body of a request to transpile."""
    return json.loads(json.dumps({"function_code": code, "language": "python", **fields}))  # type: ignore[no-any-return]  # JSON
