"""Services that tests share: one that is open, and one with a key for each scope."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from running import SCOPES, RunningService, create_key


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith("POET_")]:
        monkeypatch.delenv(variable)


@pytest.fixture(scope="package")
def open_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service without keys."""
    with RunningService(tmp_path_factory.mktemp("open")) as running:
        yield running


@pytest.fixture(scope="package")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningService, dict[str, str]]]:
    """A service with keys, and a key for each scope by its name."""
    folder = tmp_path_factory.mktemp("keyed")
    path = folder / "keys.json"
    keys = {scope: create_key(path, scope.replace(":", "-"), scope) for scope in SCOPES}
    keys["slow"] = create_key(path, "slow", "transpile", "--rate", "3")
    keys["past"] = create_key(path, "past", "transpile", "--expires", "2020-01-01")
    with RunningService(folder, "--keys", str(path)) as running:
        yield running, keys


@pytest.fixture
def client(open_service: RunningService) -> Iterator[httpx.Client]:
    """A client of the open service."""
    with open_service.client() as found:
        yield found


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., RunningService]]:
    """Start a service of the test's own."""
    started: list[RunningService] = []

    def call(*arguments: str, **variables: str) -> RunningService:
        started.append(RunningService(tmp_path, *arguments, **variables))
        return started[-1]

    yield call
    for one in started:
        one.__exit__()
