"""Alerts and dashboard ask for what a running service has, and each alert has its section in the docs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import yaml
from manifests import KUBERNETES, ROOT, read
from promql import Metric, metrics_of, missing

from poet_import.service.metrics import kind_of
from poet_import.service.routes import ROUTES

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))
sys.path.insert(0, str(Path(__file__).parents[1] / "generators"))
from running import RunningService, request_for  # found there only
from scripted_model import ScriptedModel, answer

ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"
DASHBOARD = ROOT / "deploy" / "grafana" / "poet-service.json"
OPERATIONS = ROOT / "docs" / "operations.md"
RULE = KUBERNETES / "components" / "monitoring" / "prometheusrule.yaml"
CODE = """@poet
def total(prices: list[int]) -> int:
    result = 0
    for price in prices:
        result += price
    return result
"""
BETTER = "def total(prices: list[int]) -> int:\n    return sum(prices)\n"
HARMFUL = "import os\ndef total(prices: list[int]) -> int:\n    os.system('true')\n    return sum(prices)\n"
REASONS = ("refused by a gate", "no time was left", "did not answer lately", "cannot be reached", "whatever else")
VALUES = {
    "route": frozenset({"unmatched", *(route.template for route in ROUTES)}),
    "status": frozenset({"499", *(str(int(status)) for status in HTTPStatus)}),
    "source": frozenset({"model", "none", "fallback"}),
    "reason": frozenset(map(kind_of, REASONS)),
    "tier": frozenset({"memory"}),
    "result": frozenset({"hit", "miss"}),
}


def rules() -> list[dict[str, Any]]:  # Any: YAML
    (document,) = read(ALERTS)
    return [rule for group in document["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:  # Any: JSON
    found = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return [panel for panel in found if panel["type"] != "row"]


def expressions() -> list[str]:
    asked = [target["expr"] for panel in panels() for target in panel["targets"]]
    (adapter,) = read(ROOT / "deploy" / "prometheus" / "adapter.yaml")
    return [*(rule["expr"] for rule in rules()), *asked, *(row["seriesQuery"] for row in adapter["rules"])]


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Metric]:
    """What a service shows once a body was mended, one refused to the end, and one found in memory."""
    folder = tmp_path_factory.mktemp("metrics")
    refused = [answer(HARMFUL.replace("total", "other"))] * 4
    with ScriptedModel(answer(HARMFUL), answer(BETTER), *refused) as model:
        asking = {"POET_MODEL": "openai/tiny", "POET_LLM_BASE_URL": model.url, "POET_LLM_API_KEY": "none"}
        with RunningService(folder, **asking) as service, service.client() as client:
            for code in (CODE, CODE, CODE.replace("total", "other")):
                client.post("/api/v1/transpile", json=request_for(code)).raise_for_status()
            return metrics_of(client.get("/metrics").text)


def test_alerts_and_dashboard_ask_for_what_the_service_has(metrics: dict[str, Metric]) -> None:
    assert missing(expressions(), metrics, VALUES) == []


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        pytest.param("rate(poet_request_total[5m]) > 1", "there is no metric poet_request_total", id="metric"),
        pytest.param("poet_requests", "there is no metric poet_requests", id="counter-without-its-ending"),
        pytest.param('rate(poet_requests_total{code="500"}[5m])', "has no label code", id="matched-label"),
        pytest.param("sum by (domain) (rate(poet_bodies_total[5m]))", "has no label domain", id="grouped-label"),
        pytest.param("sum by (le, gate) (rate(poet_stage_seconds_bucket[5m]))", "has no label gate", id="histogram"),
        pytest.param('rate(poet_requests_total{route="/transpile"}[5m])', "route is never /transpile", id="route"),
        pytest.param('rate(poet_bodies_total{source=~"model|llm"}[5m])', "source is never llm", id="pattern"),
        pytest.param("rate(poet_queue_depth[5m])", "poet_queue_depth is a gauge", id="rate-of-a-gauge"),
        pytest.param("poet_workers_lost_total > 5", "poet_workers_lost_total is a counter", id="bare-counter"),
        pytest.param("sum by (route (rate(poet_requests_total[5m]))", "sum by (route (rate", id="no-promql"),
        pytest.param("rate(poet_requests_total) > 1", "rate(poet_requests_total)", id="no-range"),
    ],
)
def test_what_the_service_has_not_is_found(metrics: dict[str, Metric], expression: str, said: str) -> None:
    (found,) = missing([expression], metrics, VALUES)

    assert said in found


def test_every_metric_of_the_service_is_on_the_dashboard(metrics: dict[str, Metric]) -> None:
    shown = " ".join(expressions())

    assert [name for name in metrics if name.startswith("poet_") and not name.endswith(("_sum", "_count", "_created"))
            and name not in shown] == []  # fmt: skip


def test_alerts_say_what_to_do() -> None:
    anchors = {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in _titles()}
    names = [rule["alert"] for rule in rules()]

    assert len(names) == len(set(names))
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
        path, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert (path, anchor) == ("docs/operations.md", rule["alert"].lower())
        assert anchor in anchors


def test_every_section_on_an_alert_has_its_alert() -> None:
    assert {title for title in _titles() if title.startswith("Poet")} == {rule["alert"] for rule in rules()}


def _titles() -> Iterator[str]:
    return (line.lstrip("# ") for line in OPERATIONS.read_text(encoding="utf-8").splitlines() if line.startswith("#"))


def test_rule_of_the_operator_has_the_same_groups() -> None:
    assert read(RULE)[0]["spec"]["groups"] == yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]


def test_dashboard_asks_whatever_source_is_chosen() -> None:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    variables = [variable["name"] for variable in dashboard["templating"]["list"]]
    identifiers = [panel["id"] for panel in dashboard["panels"]]
    sources = {one["datasource"]["uid"] for panel in panels() for one in (panel, *panel["targets"])}

    assert variables == ["datasource", "namespace", "pod"]
    assert sources == {"${datasource}"}
    assert len(identifiers) == len(set(identifiers))


def test_panels_do_not_overlap() -> None:
    places = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    ]

    assert len(places) == len(set(places))
    assert max(x for x, _ in places) < 24
