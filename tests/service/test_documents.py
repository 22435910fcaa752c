"""The OpenAPI document: of version 3.0, valid, and the one that is committed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator

from poet_import.service.documents import UnknownKeywordError, schema_30
from poet_import.service.routes import ROUTES

COMMITTED = Path(__file__).parents[2] / "docs" / "openapi.json"


def test_document_is_valid_openapi_30(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()

    assert document["openapi"].startswith("3.0.")
    assert list(OpenAPIV30SpecValidator(document).iter_errors()) == []


def test_committed_document_is_the_one_that_is_served(client: httpx.Client) -> None:
    served = client.get("/openapi.json").json()

    how = "poet serve &  curl -s 127.0.0.1:8420/openapi.json | python -m json.tool > docs/openapi.json"
    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == served, how


def test_document_names_every_route_and_method(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]

    ours = {(route.template, method.lower()) for route in ROUTES for method in route.scopes}
    assert {(path, method) for path, item in paths.items() for method in item} == ours - {
        ("/docs", "get"),
        ("/openapi.json", "get"),
    }


def test_page_needs_no_other_host(client: httpx.Client) -> None:
    page = client.get("/docs")

    assert page.headers["content-type"].startswith("text/html")
    assert re.findall(r"(?:src|href|action)=\"(?!/|#)", page.text) == []
    assert "https://" not in page.text
    assert "POST</span> /api/v1/transpile" in page.text


CONVERTED = {
    "constant": ({"const": "a"}, {"enum": ["a"]}),
    "null": ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, {"type": "integer", "nullable": True}),
    "null-default": (
        {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
        {"type": "integer", "nullable": True},
    ),
    "null-reference": (
        {"anyOf": [{"$ref": "#/x"}, {"type": "null"}]},
        {"allOf": [{"$ref": "#/x"}], "nullable": True},
    ),
    "null-of-several": (
        {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]},
        {"anyOf": [{"type": "integer"}, {"type": "string"}], "nullable": True},
    ),
    "beside-a-reference": ({"$ref": "#/x", "description": "d"}, {"allOf": [{"$ref": "#/x"}], "description": "d"}),
    "inside": (
        {"type": "array", "items": {"type": "object", "properties": {"a": {"const": 1}}}},
        {"type": "array", "items": {"type": "object", "properties": {"a": {"enum": [1]}}}},
    ),
}


@pytest.mark.parametrize(("before", "after"), CONVERTED.values(), ids=CONVERTED)
def test_schema_is_converted(before: dict[str, object], after: dict[str, object]) -> None:
    assert schema_30(before) == after


@pytest.mark.parametrize("keyword", ["exclusiveMinimum", "prefixItems", "patternProperties", "examples", "$defs", "if"])
def test_keyword_without_a_conversion_is_an_error(keyword: str) -> None:
    with pytest.raises(UnknownKeywordError, match=re.escape(keyword)):
        schema_30({"type": "object", "properties": {"a": {keyword: 1}}})
