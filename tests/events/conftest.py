"""Fixtures for tests of events: what was told of calls, each event held against the schema that ships."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import jsonschema
import pytest

import poet_import
from poet_import.events import writer
from poet_import.runtime import training

Read = Callable[[Path], list[dict[str, object]]]
Told = Callable[..., list[dict[str, object]]]

_SCHEMA = Path(__file__).parents[2] / "docs" / "events.schema.json"


@pytest.fixture(autouse=True)
def _losses_of_its_own() -> Iterator[None]:
    """Let the end of the tests say nothing of what one of them has lost on purpose."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "_outlets", writer._Outlets())
        yield
        training.flush()
        writer._outlets.forget()


@pytest.fixture(scope="session")
def check() -> Callable[[object], None]:
    """Refuse what is no event."""
    schema = json.loads(_SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema).validate


@pytest.fixture
def read(check: Callable[[object], None]) -> Read:
    """Return the events in a file."""

    def call(path: Path) -> list[dict[str, object]]:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        events = [json.loads(line) for line in text.splitlines()]
        for event in events:
            check(event)
        return events

    return call


@pytest.fixture
def told(tmp_path: Path, read: Read) -> Told:
    """Return what this process has told so far, of a kind."""

    def call(kind: str = "execution") -> list[dict[str, object]]:
        assert training.flush(10)
        return read(tmp_path / "data" / "events" / f"{kind}.jsonl")

    return call


@pytest.fixture
def recording(load: object, tmp_path: Path) -> Iterator[None]:
    """Record arguments, results and messages."""
    folders = {"cache_dir": tmp_path / "cache", "data_dir": tmp_path / "data"}
    poet_import.install(record="arguments", **folders)
    yield
    training.flush()
    poet_import.install(**folders)
