"""Dana's own runtime, in an environment of its own beside the repository."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import stand_in
from host_process import Host

KIT = Path(__file__).parents[3] / "shared" / "dana" / "dana_env.py"  # makes the environment once, and keeps it
SECONDS = 600  # to make it: it is downloaded


@pytest.fixture(scope="session")
def dana_python() -> str:
    """Return the interpreter that has Dana, or skip where it cannot be had."""
    return os.environ.get("POET_DANA_PYTHON") or _made()


@pytest.fixture(scope="session")
def host(dana_python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Return a process that runs Dana programs with the hook active."""
    running = Host(dana_python, tmp_path_factory.mktemp("cache"))
    yield running
    running.close()


@pytest.fixture
def hosted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process look like one that Dana runs in."""
    for name, module in stand_in.modules().items():
        monkeypatch.setitem(sys.modules, name, module)


def _made() -> str:
    if not KIT.exists():
        pytest.skip(f"no Dana: {KIT} is not there, and POET_DANA_PYTHON names no interpreter that has it")
    command = [sys.executable, str(KIT), "path"]
    made = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    if made.returncode:
        pytest.skip(f"no Dana: its environment cannot be made ({made.stderr.strip()[-300:]})")
    return made.stdout.strip()
