"""The base of the manifests agrees with itself, with the service, and with its settings; slow tests render the rest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import conduct
import pytest
import wiring
from broken import BROKEN
from manifests import KUBERNETES, ROOT, Document, base, changed, read, settings_of

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))
from running import RunningService, create_key, request_for  # found there only

CHECKS = {**wiring.CHECKS, **conduct.CHECKS}


def problems(documents: list[Document]) -> list[str]:
    """Return all that does not agree."""
    return [f"{name}: {said}" for name, check in CHECKS.items() for said in check(documents)]


def test_base_agrees_with_itself_and_with_the_service() -> None:
    assert problems(base()) == []


@pytest.mark.parametrize(("kind", "path", "value", "said"), BROKEN)
def test_what_does_not_agree_is_found(kind: str, path: str, value: object, said: str) -> None:
    found = problems(changed(base(), kind, path, value))

    assert [line for line in found if said in line], found


def test_every_check_has_found_something() -> None:
    broken = [problems(changed(base(), *row.values[:3])) for row in BROKEN]  # type: ignore[arg-type]  # kind, path, value

    assert {line.partition(":")[0] for found in broken for line in found} == set(CHECKS)


def test_no_file_holds_a_secret() -> None:
    for path in KUBERNETES.rglob("*.yaml"):
        assert "Secret" not in [document["kind"] for document in read(path)], path
    ignored = subprocess.run(
        ["git", "check-ignore", "--no-index", "deploy/kubernetes/overlays/production/secrets/keys.json"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ignored.returncode == 0, ignored.stderr


@pytest.mark.parametrize("overlay", ["development", "production"])
def test_overlay_has_settings_that_the_package_reads(overlay: str) -> None:
    added = (KUBERNETES / "overlays" / overlay / "settings.env").read_text(encoding="utf-8")
    documents = base()
    settings_map = next(one for one in documents if one["kind"] == "ConfigMap")
    settings_map["data"] |= dict(re.findall(r"^(?:# )?(\w+)=(.*)$", added, re.MULTILINE))

    assert [line for line in problems(documents) if line.startswith("settings")] == []


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[RunningService, str]]:
    """A service with the settings of the base; its folders and its ports are the test's own."""
    key = create_key(tmp_path / "keys.json", "a", "transpile")
    (tmp_path / "keys.json").chmod(0o440)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(0o2777)  # as a volume of the pod's group is
    settings = settings_of(base()) | {
        "POET_KEYS_FILE": str(tmp_path / "keys.json"),
        "POET_CACHE_DIR": str(tmp_path / "cache" / "service"),
        "POET_DATA_DIR": str(tmp_path / "data" / "service"),
        "POET_METRICS_PORT": "0",
        "POET_PORT": "0",
        "POET_HOST": "127.0.0.1",
    }
    with RunningService(tmp_path, **settings) as found:
        yield found, key


def test_service_takes_the_settings_of_the_base(running: tuple[RunningService, str]) -> None:
    service, key = running
    with service.client(key) as client:
        ready = client.get("/readyz").json()
        answer = client.post("/api/v1/transpile", json=request_for("@poet\ndef f(a: int) -> int:\n    return a\n"))

    assert (ready, answer.status_code) == ({"status": "ok"}, 200)
    assert answer.headers["ratelimit-limit"] == "1000000"  # the test's own
    assert (service.folder / "cache" / "service").stat().st_mode & 0o777 == 0o700
    assert "others can write" not in service.log()


def test_link_of_a_service_named_poet_keeps_it_from_starting() -> None:
    environment = os.environ | {"POET_PORT": "tcp://10.0.0.7:80"}
    command = [sys.executable, "-m", "poet_import", "serve"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)

    assert (ran.returncode, "Invalid value for '--port'" in ran.stderr) == (2, True)
