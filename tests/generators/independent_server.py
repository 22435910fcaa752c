"""A server that nobody here has written: LiteLLM's proxy, installed into an environment of its own, its answers canned.

Everything about it lies in one temporary folder, listens on loopback only, and goes when it is closed.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import TracebackType

REQUIREMENT = "litellm[proxy]>=1.100,<2"
KEY = f"sk-canary-{secrets.token_hex(16)}"  # the proxy does not start with a weak one
BETTER = "def area(side: float) -> float:\n    squared = side * side\n    return squared\n"

_INSTALL_SECONDS = 300.0
_START_SECONDS = 90.0
_END_SECONDS = 3.0
_KEYS = f"""
from litellm.proxy._types import ProxyException, UserAPIKeyAuth


async def check(request, api_key):  # without a database the proxy itself would answer 400 to a wrong key
    if api_key != {KEY!r}:
        raise ProxyException("no such key here", "auth_error", "key", 401)
    return UserAPIKeyAuth(api_key=api_key)
"""
_CANNED = {
    "tiny": f"Here it is:\n\n```python\n{BETTER}```\n",
    "limited": "litellm.RateLimitError",
    "narrow": "litellm.ContextWindowExceededError",
    "broken": "litellm.InternalServerError",
}


class NotInstalledError(Exception):
    """The package cannot be had here."""


class IndependentServer:
    """The running server; ``relayed`` is its model ``tiny`` asked through itself, ``behind`` is another server's."""

    def __init__(self, folder: Path, behind: str) -> None:
        self._folder = folder
        self._log = folder / "server.log"
        self.url = f"http://127.0.0.1:{_free_port()}"
        self._install()
        (folder / "keys.py").write_text(_KEYS, encoding="utf-8")
        (folder / "config.yaml").write_text(json.dumps(self._configuration(behind)), encoding="utf-8")

    def _install(self) -> None:
        """Install the package as anybody would; pip's own configuration says from where.

        Raises:
            NotInstalledError: pip cannot.
        """
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE"))}
        subprocess.run([sys.executable, "-m", "venv", str(self._folder / "venv")], check=True, env=ours)
        pip = [str(self._bin("python")), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
        try:
            command = [*pip, "--no-compile", REQUIREMENT]  # most of it is never imported
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, env=ours, timeout=_INSTALL_SECONDS
            )
        except subprocess.TimeoutExpired as error:
            raise NotInstalledError(f"pip did not install {REQUIREMENT} within {_INSTALL_SECONDS:.0f} s") from error
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            raise NotInstalledError(f"pip cannot install {REQUIREMENT}: {' '.join(said)[-300:]}")

    def _bin(self, name: str) -> Path:
        return self._folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / name

    def _configuration(self, behind: str) -> object:
        models = {
            name: {"model": f"openai/{name}", "api_key": "none", "mock_response": text}
            for name, text in _CANNED.items()
        }
        relayed = {"model": "hosted_vllm/tiny", "api_base": f"{self.url}/v1", "api_key": KEY}
        models |= {"relayed": relayed, "claude-canned": relayed}
        models["behind"] = {"model": "hosted_vllm/scripted", "api_base": f"{behind}/v1", "api_key": "none"}
        return {
            "model_list": [{"model_name": name, "litellm_params": one} for name, one in models.items()],
            "litellm_settings": {"telemetry": False, "num_retries": 0},
            "router_settings": {"num_retries": 0, "disable_cooldowns": True},
            "general_settings": {"master_key": KEY, "custom_auth": "keys.check"},
        }

    def __enter__(self) -> IndependentServer:
        place = ["--host", "127.0.0.1", "--port", self.url.rpartition(":")[2], "--num_workers", "1"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(self._bin("litellm")), "--config", "config.yaml", *place],
                cwd=self._folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait()
        except BaseException:
            self._end()
            raise
        return self

    def _environment(self) -> dict[str, str]:
        """Return variables with which it keeps to its folder and to this machine, whatever the caller's are."""
        nowhere = "http://127.0.0.1:9"  # a proxy that is not there: whatever would leave this machine fails at once
        return {
            **{name: os.environ[name] for name in ("SYSTEMROOT", "LANG") if name in os.environ},
            "PATH": str(self._bin("")),
            "HOME": str(self._folder),
            "TMPDIR": str(self._folder),
            "HTTP_PROXY": nowhere,
            "HTTPS_PROXY": nowhere,
            "NO_PROXY": "127.0.0.1",
            "PYTHONUNBUFFERED": "1",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "DISABLE_ADMIN_UI": "True",
            "NO_DOCS": "True",
        }

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(urllib.error.URLError, OSError), opener.open(f"{self.url}/health/liveliness", timeout=2):
                return
            time.sleep(0.2)
        raise RuntimeError(f"the server did not start:\n{self._log.read_text(errors='replace')[-3000:]}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:  # it waits for connections that are still open
            self._process.kill()
            self._process.wait(_END_SECONDS)

    def answered(self) -> list[tuple[str, int]]:
        """Return path and status of every question that it has answered, from its own log."""
        log = self._log.read_text(errors="replace")
        return [(path, int(status)) for path, status in re.findall(r'"POST (\S+) HTTP/1\.1" (\d+)', log)]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
