"""The service as a pod runs it: the image's command and variables, and the confinement of ``pod.py``."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import httpx
from image import DOCKERFILE, Recipe

HERE = Path(__file__).parent
_START_SECONDS = 60.0


def in_pod(folder: Path, command: list[str], variables: dict[str, str]) -> subprocess.Popen[str]:
    """Start a command in a folder that has a cache and data; no variables but the image's and those named."""
    for name in ("cache", "data", "cwd"):
        (folder / name).mkdir(exist_ok=True)
    for name in ("cache", "data"):
        (folder / name).chmod(0o2770)  # as a volume of the pod's group is
    own = Recipe.of(DOCKERFILE.read_text(encoding="utf-8")).environment()
    places = {"POET_CACHE_DIR": str(folder / "cache/service"), "POET_DATA_DIR": str(folder / "data/service")}
    return subprocess.Popen(
        [sys.executable, str(HERE / "pod.py"), str(folder / "cache"), str(folder / "data"), "--", *command],
        env={
            **own,
            **places,
            "PATH": os.defpath,
            "POET_HOST": "127.0.0.1",
            **variables,
        },
        cwd=folder / "cwd",
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


class PodService:
    """A service that runs as in a pod; leaving the block ends it."""

    def __init__(self, folder: Path, environment: Path, **variables: str) -> None:
        """Start it.

        Args:
            folder: Where its cache and its data are.
            environment: The environment that is the image's /opt/poet.
            variables: Its settings beside the image's.
        """
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = str(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = environment
        recipe = Recipe.of(DOCKERFILE.read_text(encoding="utf-8"))
        (entry,), (rest,) = recipe.of_kind("ENTRYPOINT"), recipe.of_kind("CMD")
        program, *options = [*entry.value, *rest.value]
        command = [str(environment / "bin" / program), *options]
        self.process = in_pod(folder, command, {"POET_PORT": self.port, **variables})
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        self.process.kill()
        raise RuntimeError(f"the service did not start: {self.process.communicate()[0]}")

    def health(self) -> int:
        """Return the exit status of the image's check of health."""
        (check,) = Recipe.of(DOCKERFILE.read_text(encoding="utf-8")).of_kind("HEALTHCHECK")
        _, _, *arguments = check.value
        command = [str(self._environment / "bin" / "python"), *arguments]
        return subprocess.run(command, check=False, env={"POET_PORT": self.port}, capture_output=True).returncode

    def stop(self) -> tuple[int, str]:
        """End it as a cluster does, and return its exit status and its log."""
        self.process.send_signal(signal.SIGTERM)
        said, _ = self.process.communicate(timeout=60)
        return self.process.returncode, said

    def __enter__(self) -> PodService:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
