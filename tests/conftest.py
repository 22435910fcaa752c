"""Fixtures for tests that go through the front door: a module in a folder of its own, imported as its user would."""

import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

import poet_import
from poet_import import runtime
from poet_import.hook import loader
from poet_import.settings import Settings, in_force, put_in_force

Load = Callable[..., ModuleType]
RunPython = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[..., Path]


@pytest.fixture(scope="session", autouse=True)
def _data_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what marked functions tell of their calls out of the user's own folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POET_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        put_in_force(Settings.read())
        yield
        _flush()


def _flush() -> None:
    """Have events written before the settings change that say where to."""
    if training := sys.modules.get("poet_import.runtime.training"):
        training.flush()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a module, or another file, into the test's folder."""

    def call(text: str | bytes, name: str = "shop") -> Path:
        path = tmp_path / (name if name.endswith((".py", ".json", ".txt", "/current")) else f"{name}.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return call


@pytest.fixture
def load(tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Import a text as a module through the hook, which has a cache of the test's own; all is put back afterwards."""
    before, path, finders, rows = dict(sys.modules), sys.path[:], sys.meta_path[:], dict(runtime.woven_rows)
    settings, was_active = in_force(), poet_import.status().active
    monkeypatch.setattr(sys, "dont_write_bytecode", False)  # the caller's PYTHONDONTWRITEBYTECODE turns our cache off
    sys.path.insert(0, str(tmp_path))
    poet_import.install(cache_dir=tmp_path / "cache", data_dir=tmp_path / "data")

    def call(text: str | bytes, name: str = "shop") -> ModuleType:
        write(text, name)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield call
    _flush()
    for name in [name for name in sys.modules if name not in before]:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]
    poet_import.install(**{field: getattr(settings, field) for field in ("strict", "cache_dir", "templates")})
    assert loader.hook is not None
    loader.hook.seen.clear()
    if not was_active:
        poet_import.uninstall()
    sys.path[:], sys.meta_path[:] = path, finders
    runtime.woven_rows.clear()
    runtime.woven_rows.update(rows)


@pytest.fixture
def run_python(tmp_path: Path) -> RunPython:
    """Run a fresh interpreter in the test's folder, with the test's own cache and none of the caller's settings."""

    def call(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("POET_", "PYTHON"))}
        paths = os.pathsep.join([str(tmp_path), str(Path(poet_import.__file__).parent.parent)])
        ours = {"POET_CACHE_DIR": str(tmp_path / "cache"), "POET_DATA_DIR": str(tmp_path / "data")}
        environment = {**kept, "PYTHONPATH": paths, **ours, **variables}
        command = [
            sys.executable,
            *(["-c"] if len(arguments) == 1 and not arguments[0].endswith(".py") else []),
            *arguments,
        ]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)

    return call


@pytest.fixture
def on_terminal() -> Callable[..., str]:
    """Run a command in the current folder, and return what it prints to a terminal."""
    pty = pytest.importorskip("pty", reason="needs a pseudo-terminal")

    def call(*arguments: str, **environ: str) -> str:
        ours, its = pty.openpty()
        command = [sys.executable, "-m", "poet_import", *arguments]
        with subprocess.Popen(command, stdout=its, env={**os.environ, "TERM": "xterm-256color", **environ}):
            os.close(its)
            printed = b""
            try:
                while chunk := os.read(ours, 65536):
                    printed += chunk
            except OSError:  # how Linux reports that the other side has closed
                pass
        os.close(ours)
        return printed.decode().replace("\r\n", "\n")

    return call


@pytest.fixture
def untraced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the processes that a test starts run without the coverage of the tests themselves."""
    for variable in ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"):
        monkeypatch.delenv(variable, raising=False)
