"""Dana's own runtime for tests of what it hosts."""

import sys
from collections.abc import Iterator

import pytest
import stand_in
from dana_kit import interpreter
from host_process import Host


@pytest.fixture(scope="session")
def dana_python() -> str:
    """Return the interpreter that has Dana, or skip where it cannot be had."""
    return interpreter()


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
