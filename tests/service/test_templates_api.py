"""Templates over HTTP: versions that never change, the one in use, and the way back."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from running import RunningService, request_for
from test_contract import problem

METADATA = {"schema": 1, "description": "Payments.", "extends": "base", "enhancements": ["pays once"]}
TEMPLATE = '{% extends "base/template.txt" %}{% block guidance %}Pay once.{% endblock %}'
CODE = "@poet(domain='payments')\ndef f(a: int) -> int:\n    return a\n"


@pytest.fixture
def service(start: Callable[..., RunningService]) -> RunningService:
    """A service of the test's own: what is stored stays in it."""
    return start()


@pytest.fixture
def own(service: RunningService) -> Iterator[httpx.Client]:
    with service.client() as found:
        yield found


def store(client: httpx.Client, domain: str = "payments", **fields: object) -> httpx.Response:
    body = {"template": TEMPLATE, "metadata": METADATA, **fields}
    return client.post(f"/api/v1/templates/{domain}/versions", json=body)


def enhancements(client: httpx.Client) -> list[str]:
    found = client.post("/api/v1/transpile", json=request_for(CODE)).json()
    return found["metadata"]["enhancements"]  # type: ignore[no-any-return]  # JSON


def test_new_domain_is_in_use_at_once_and_can_be_rolled_back(own: httpx.Client) -> None:
    first = store(own)
    second = store(own, metadata={**METADATA, "enhancements": ["pays twice"]}, train_addon="Look back.")

    assert (first.status_code, first.headers["location"]) == (201, "/api/v1/templates/payments/versions/v1")
    assert second.json()["version"] == "v2"
    assert "pays once" in enhancements(own)
    assert own.put("/api/v1/templates/payments/current", json={"version": "v2"}).json() == {
        "domain": "payments",
        "current": "v2",
        "versions": ["v1", "v2"],
    }
    assert "pays twice" in enhancements(own)
    own.put("/api/v1/templates/payments/current", json={"version": "v1"}).raise_for_status()
    assert "pays once" in enhancements(own)
    assert own.get("/api/v1/templates/payments").json()["version"] == "v1"
    assert own.get("/api/v1/templates/payments/versions/v2").json()["train_addon"] == "Look back."


def test_stored_version_never_changes(own: httpx.Client) -> None:
    store(own, version="v7").raise_for_status()

    problem(store(own, version="v7", template="{{ function_name }}"), 409)
    assert own.get("/api/v1/templates/payments/versions/v7").json()["template"] == TEMPLATE
    assert store(own).json()["version"] == "v8"


def test_shipped_domain_keeps_its_versions_under_a_new_one(own: httpx.Client) -> None:
    before = own.get("/api/v1/templates/ml_monitoring").json()

    assert store(own, "ml_monitoring").json()["version"] == "v2"
    assert own.get("/api/v1/templates/ml_monitoring").json() == before
    own.put("/api/v1/templates/ml_monitoring/current", json={"version": "v2"}).raise_for_status()
    assert own.get("/api/v1/templates/ml_monitoring").json()["template"] == TEMPLATE
    own.put("/api/v1/templates/ml_monitoring/current", json={"version": "v1"}).raise_for_status()
    assert own.get("/api/v1/templates/ml_monitoring").json() == before


IN_DANA = {
    "template": '{% extends "dana/template.txt" %}{% block guidance %}{{ interfaces | join }}{% endblock %}',
    "metadata": {**METADATA, "language": "dana", "extends": "dana"},
}


def test_domain_for_dana_is_stored_listed_and_used(own: httpx.Client) -> None:
    store(own, "sensors", **IN_DANA).raise_for_status()

    rows = {row["domain"]: row["language"] for row in own.get("/api/v1/templates").json()["templates"]}
    assert rows == {
        "api_operations": "python",
        "base": "python",
        "dana": "dana",
        "ml_monitoring": "python",
        "sensors": "dana",
    }
    assert own.get("/api/v1/templates/sensors").json()["metadata"]["language"] == "dana"
    sent = {"function_code": "@poet(domain='sensors')\ndef f(a: int) -> int:\n    return a\n", "language": "dana"}
    metadata = own.post("/api/v1/transpile", json=sent).json()["metadata"]
    assert "pays once" in metadata["enhancements"]
    assert "warnings" not in metadata


def test_python_function_that_names_a_domain_for_dana_is_answered_with_a_warning(own: httpx.Client) -> None:
    store(own, "sensors", **IN_DANA).raise_for_status()

    sent = request_for("@poet(domain='sensors')\ndef f(a: int) -> int:\n    return a\n")
    metadata = own.post("/api/v1/transpile", json=sent).json()["metadata"]

    told = "the domain 'sensors' is unknown here, broken, or written for another language: base was used"
    assert metadata["warnings"] == [told]


BROKEN = {
    "frame-of-python-in-dana": {"metadata": {**METADATA, "language": "dana"}},
    "frame-of-dana-in-python": {**IN_DANA, "metadata": METADATA},
    "python-that-extends-dana": {"metadata": {**METADATA, "extends": "dana"}},
    "no-language-of-ours": {"metadata": {**METADATA, "language": "perl"}},
    "not-jinja": {"template": "{% if %}"},
    "unknown-name": {"template": "{{ password }}"},
    "out-of-the-sandbox": {"template": "{{ ''.__class__.__mro__ }}"},
    "too-much-text": {"template": "{{ 'a' * 10**9 }}"},
    "no-schema": {"metadata": {}},
    "unknown-parent": {"metadata": {**METADATA, "extends": "nowhere"}},
    "unknown-rule": {"metadata": {**METADATA, "checks": [{"phase": "perceive", "match": "x", "rule": "nice"}]}},
}


@pytest.mark.parametrize("fields", BROKEN.values(), ids=BROKEN)
def test_broken_template_is_not_stored(
    client: httpx.Client, open_service: RunningService, fields: dict[str, object]
) -> None:
    document = problem(store(client, **fields), 422)

    assert document["errors"]
    told = json.dumps(document)
    assert not [text for text in ("password", "nowhere", "nice", str(open_service.folder)) if text in told]
    problem(client.get("/api/v1/templates/payments"), 404)
    assert not list(Path(open_service.folder, "data", "templates").glob("**/*.txt"))


@pytest.mark.slow
def test_template_that_never_ends_costs_its_worker_only(client: httpx.Client) -> None:
    endless = "{% for a in range(99999) %}{% for b in range(99999) %}{{ a * b }}{% endfor %}{% endfor %}"
    nested = (
        "{% macro m(n) %}"
        + "{% for x in 'aaaaaaaaaaaaaaaaaaaa' %}" * 8
        + "x"
        + "{% endfor %}" * 8
        + "{% endmacro %}{{ m(1) }}"
    )
    begun = time.monotonic()

    problem(store(client, template=endless), 422)
    problem(store(client, template=nested), 422)
    assert time.monotonic() - begun < 15
    assert client.post("/api/v1/transpile", json=request_for(CODE)).status_code == 200


@pytest.mark.parametrize("name", ["%2e%2e", "..%2fbase", "Base", "a" * 65, "base%00", "a.b", "ba-se"])
def test_names_are_names_and_no_paths(client: httpx.Client, name: str) -> None:
    for path in (f"/api/v1/templates/{name}", f"/api/v1/templates/base/versions/{name}"):
        assert client.get(path).status_code in (404, 422)
    assert client.post(
        f"/api/v1/templates/{name}/versions", json={"template": "x", "metadata": METADATA}
    ).status_code in (
        404,
        405,
        422,
    )


def test_field_of_the_callers_own_is_refused_without_its_name(client: httpx.Client) -> None:
    document = problem(store(client, canary=1), 422)

    assert document["errors"] == [{"rule": "extra_forbidden", "detail": "Extra inputs are not permitted"}]


def test_unknown_domains_and_versions_are_404(client: httpx.Client) -> None:
    for path in ("nowhere", "nowhere/versions", "nowhere/versions/v1", "base/versions/v9"):
        problem(client.get(f"/api/v1/templates/{path}"), 404)
    problem(client.put("/api/v1/templates/base/current", json={"version": "v9"}), 404)
    problem(client.put("/api/v1/templates/base/current", json={"version": "../v1"}), 422)


def test_version_that_somebody_else_puts_there_is_seen(own: httpx.Client, service: RunningService) -> None:
    store(own).raise_for_status()
    assert "pays once" in enhancements(own)
    folder = Path(service.folder, "data", "templates", "payments")
    (folder / "v2").mkdir()
    text = (folder / "v1" / "metadata.json").read_text().replace("once", "elsewhere")
    (folder / "v2" / "metadata.json").write_text(text)
    (folder / "v2" / "template.txt").write_text(TEMPLATE)
    (folder / "current").write_text("v2\n")

    end = time.monotonic() + 15
    while "pays elsewhere" not in enhancements(own) and time.monotonic() < end:
        time.sleep(0.2)

    assert "pays elsewhere" in enhancements(own)
