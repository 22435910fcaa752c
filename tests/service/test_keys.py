"""`poet keys`, and the file that it writes."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from running import RunningService, request_for

from poet_import.cli import poet
from poet_import.service.keys import Key, KeyRing, KeysError, new_key, read_keys, write_keys

Invoke = Callable[..., Result]


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    monkeypatch.setenv("POET_DATA_DIR", str(tmp_path))
    return lambda *arguments: CliRunner().invoke(poet, ["keys", *arguments], prog_name="poet")


def test_key_is_printed_once_and_kept_as_a_digest(invoke: Invoke, tmp_path: Path) -> None:
    made = invoke("create", "laptop", "--scope", "transpile", "--rate", "60", "--expires", "2999-01-01")
    text = (tmp_path / "keys.json").read_text()
    listed = invoke("list").stdout

    key = made.stdout.strip()
    assert key not in text + listed
    assert key.split("_", 2)[2] not in text
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    assert listed == f"{key.split('_')[1]}  valid  laptop: transpile, 60 a minute, until 2999-01-01T00:00:00+00:00\n"
    assert KeyRing(str(tmp_path / "keys.json")).find(key) is not None
    assert "nobody can tell it again" in made.stderr


def test_revoked_key_holds_no_more(invoke: Invoke, tmp_path: Path) -> None:
    key = invoke("create", "laptop", "--scope", "transpile", "--scope", "metrics").stdout.strip()

    assert invoke("revoke", "laptop").stdout == f"revoked {key.split('_')[1]} (laptop)\n"
    assert KeyRing(str(tmp_path / "keys.json")).find(key) is None
    assert json.loads(invoke("list", "--json").stdout)["keys"][0]["state"] == "revoked"
    assert invoke("create", "laptop", "--scope", "transpile").exit_code == 0


MISTAKES = {
    "scope": (("create", "a", "--scope", "all"), "'all' is not one of 'transpile'"),
    "no-scope": (("create", "a"), "Missing option '--scope'"),
    "rate": (("create", "a", "--scope", "transpile", "--rate", "0"), "0 is not in the range x>=1"),
    "date": (("create", "a", "--scope", "transpile", "--expires", "soon"), "'soon' does not match the format"),
    "twice": (("create", "there", "--scope", "transpile"), "has a key 'there' already; revoke it first"),
    "unknown": (("revoke", "nobody"), "has no valid key 'nobody'; it has there"),
}


@pytest.mark.parametrize(("arguments", "words"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_told(invoke: Invoke, arguments: tuple[str, ...], words: str) -> None:
    invoke("create", "there", "--scope", "transpile")

    result = invoke(*arguments)

    assert result.exit_code != 0
    assert words in result.stderr


def test_no_keys_are_listed_as_such(invoke: Invoke) -> None:
    assert invoke("list").stdout == "no keys\n"


DAMAGED = {
    "no-json": "{",
    "no-keys": "[]",
    "no-fields": '{"keys": [{"id": "x"}]}',
    "scope": '{"keys": [{"id": "x", "name": "n", "digest": "d", "scopes": ["all"], "created": ""}]}',
    "date": '{"keys": [{"id": "x", "name": "", "digest": "d", "scopes": [], "created": "", "expires": "soon"}]}',
    "digest": '{"keys": [{"id": "x", "name": "n", "digest": "d", "scopes": ["metrics"], "created": ""}]}',
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_damaged_file_is_told(tmp_path: Path, text: str, invoke: Invoke) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text)
    path.chmod(0o600)

    with pytest.raises(KeysError, match=r"keys\.json"):
        read_keys(str(path))
    assert "keys.json" in invoke("list").stderr


@pytest.mark.skipif(os.name != "posix", reason="there are no such bits")
def test_file_that_others_may_read_is_refused_with_the_mending_step(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    write_keys(str(path), [])
    path.chmod(0o644)

    with pytest.raises(KeysError, match=r"others may read or change it; chmod 600 .*keys\.json"):
        KeyRing(str(path))


def test_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    for read in (KeyRing, read_keys):
        with pytest.raises(KeysError, match=r"none\.json: cannot be read \(No such file or directory\)"):
            read(str(tmp_path / "none.json"))


def test_keys_of_the_environment_hold_beside_the_file(tmp_path: Path) -> None:
    (one, first), (two, second) = new_key("one", ["metrics"]), new_key("two", ["metrics"])
    write_keys(str(tmp_path / "a"), [one])
    write_keys(str(tmp_path / "b"), [two])

    ring = KeyRing(str(tmp_path / "a"), (tmp_path / "b").read_text())

    assert (ring.find(first), ring.find(second)) == (one, two)


def test_expired_key_does_not_hold() -> None:
    now = datetime.now(UTC)
    key, _ = new_key("a", ["metrics"], expires=now + timedelta(hours=1))

    assert key.is_valid(now)
    assert not key.is_valid(now + timedelta(hours=2))


def test_unwritable_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(KeysError, match="cannot be written"):
        write_keys(str(tmp_path / "file" / "keys.json"), [])


@pytest.mark.slow
def test_keys_are_changed_without_a_restart(start: Callable[..., RunningService], tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    old, before = new_key("old", ["transpile"])
    new, after = new_key("new", ["transpile"])
    write_keys(str(path), [old])
    service = start("--keys", str(path))

    def status(text: str) -> int:
        with service.client(text) as client:
            return client.post("/api/v1/transpile", json=request_for("@poet\ndef f(): pass\n")).status_code

    assert (status(before), status(after)) == (200, 401)
    write_keys(str(path), [new])
    assert _soon(lambda: (status(before), status(after)) == (401, 200))
    path.write_text("{")  # somebody edits it: what was read before still holds
    assert _soon(lambda: "is no file of keys" in service.log())
    assert status(after) == 200


def _soon(is_so: Callable[[], bool]) -> bool:
    end = time.monotonic() + 15
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.1)
    return False


def test_keys_have_nothing_in_common() -> None:
    keys = [new_key("a", ["metrics"]) for _ in range(50)]

    assert (
        len({text for _, text in keys})
        == len({key.id for key, _ in keys})
        == len({key.digest for key, _ in keys})
        == 50
    )
    assert all(isinstance(key, Key) and text.startswith(f"poet_{key.id}_") for key, text in keys)
