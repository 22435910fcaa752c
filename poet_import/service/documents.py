"""The OpenAPI document in version 3.0, and a page for people, made from it.

FastAPI writes version 3.1, whose schemas are JSON Schema 2020-12. What 3.0 says otherwise is converted; a keyword that
neither is in 3.0 nor has a conversion here is an error, so that no document is silently wrong.
Source: OpenAPI Specification 3.0.4, section 4.8.24, Schema Object.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from jinja2 import Environment
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

VERSION: Final = "3.0.3"
_KEPT: Final = {
    "$ref", "additionalProperties", "allOf", "anyOf", "default", "description", "enum", "format", "items", "maxItems",
    "maxLength", "maximum", "minItems", "minLength", "minimum", "nullable", "oneOf", "pattern", "properties",
    "required", "title", "type", "uniqueItems",
}  # fmt: skip
Schema = dict[str, Any]  # Any: JSON


class UnknownKeywordError(ValueError):
    """A schema has a keyword that OpenAPI 3.0 does not know, and that nobody has said how to convert."""


def openapi_30(document: Mapping[str, Any], *, further: Iterable[type[BaseModel]] = ()) -> dict[str, Any]:
    """Return an OpenAPI 3.1 document of FastAPI's as one of version 3.0.

    Args:
        document: FastAPI's.
        further: Models that the document refers to by name only.

    Raises:
        UnknownKeywordError: A schema uses what 3.0 cannot say.
    """
    models = [(model, "serialization") for model in further]
    _, found = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]  # a literal
    schemas = {**document.get("components", {}).get("schemas", {}), **found.get("$defs", {})}
    unused = {"HTTPValidationError", "ValidationError"}  # FastAPI's own errors; ours are problem documents
    kept = {name: schema_30(schema) for name, schema in sorted(schemas.items()) if name not in unused}
    info = dict(document["info"])
    summary = info.pop("summary", "")  # 3.1's
    result: dict[str, Any] = {  # Any: JSON
        "openapi": VERSION,
        "info": {**info, "description": summary, "license": {"name": "MIT"}},
        "servers": [{"url": "/"}],
        "paths": {path: _path(item) for path, item in document["paths"].items()},
        "components": {"schemas": kept, "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    }
    for path, item in result["paths"].items():
        if path.startswith("/api/") or path == "/metrics":
            for operation in item.values():
                operation["security"] = [{"key": []}, {}]
    return result


def _path(item: Mapping[str, Any]) -> dict[str, Any]:
    return {method: _converted(operation) for method, operation in item.items()}


def _converted(value: Any) -> Any:  # Any: JSON
    """Return a part of the document with the schemas in it converted."""
    if isinstance(value, list):
        return [_converted(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: schema_30(item) if name == "schema" else _converted(item) for name, item in value.items()}


def schema_30(schema: Mapping[str, Any]) -> Schema:
    """Return a JSON Schema as OpenAPI 3.0 writes it.

    Raises:
        UnknownKeywordError: It uses what 3.0 cannot say.
    """
    found = dict(schema)
    _convert_constant(found)
    _convert_null(found)
    if unknown := sorted(found.keys() - _KEPT):
        raise UnknownKeywordError(f"OpenAPI 3.0 has no {', '.join(unknown)}, and no conversion is known")
    for name in ("items", "additionalProperties"):
        if isinstance(found.get(name), dict):
            found[name] = schema_30(found[name])
    for name in ("allOf", "anyOf", "oneOf"):
        if name in found:
            found[name] = [schema_30(item) for item in found[name]]
    if "properties" in found:
        found["properties"] = {name: schema_30(item) for name, item in found["properties"].items()}
    if "$ref" in found and len(found) > 1:  # beside a reference nothing counts
        found = {"allOf": [{"$ref": found.pop("$ref")}], **found}
    return found


def _convert_constant(schema: Schema) -> None:
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]


def _convert_null(schema: Schema) -> None:
    """Say ``nullable`` where 3.1 lists the type ``null``."""
    options = schema.get("anyOf")
    if not isinstance(options, list) or {"type": "null"} not in options:
        return
    rest = [item for item in options if item != {"type": "null"}]
    del schema["anyOf"]
    schema["nullable"] = True
    if len(rest) > 1:
        schema["anyOf"] = rest
    elif "$ref" in rest[0]:
        schema["allOf"] = rest
    else:
        schema.update(rest[0])
    if schema.get("default", ...) is None:
        del schema["default"]


_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ document.info.title }} {{ document.info.version }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1b1f24; }
h2 { margin-top: 2.5rem; } h2 code { font-size: 1rem; }
table { border-collapse: collapse; width: 100%; }
td { text-align: left; padding: .25rem .75rem .25rem 0; vertical-align: top; border-bottom: 1px solid #d8dee4; }
code { background: #f3f5f7; padding: .1rem .25rem; border-radius: 3px; } .method { font-weight: 700; }
</style>
</head>
<body>
<h1>{{ document.info.title }} {{ document.info.version }}</h1>
<p>{{ document.info.description }} The same as a machine reads it: <a href="/openapi.json">/openapi.json</a>.</p>
{% for path, item in document.paths.items() %}{% for method, operation in item.items() %}
<h2 id="{{ operation.operationId }}"><code><span class="method">{{ method | upper }}</span> {{ path }}</code></h2>
<p>{{ operation.description }}</p>
{% for media, content in (operation.requestBody or {}).get("content", {}).items() %}
<p>Takes <code>{{ media }}</code>: {{ shape(content.schema) }}</p>
{% endfor %}
<table>
{% for status, response in operation.responses.items() %}
<tr><td>{{ status }}</td><td>{{ response.description }}</td>
<td>{% for media, content in (response.content or {}).items() %}{{ shape(content.schema or {}) }}{% endfor %}</td></tr>
{% endfor %}
</table>
{% endfor %}{% endfor %}
<h1>Shapes</h1>
{% for name, schema in document.components.schemas.items() %}
<h2 id="{{ name }}">{{ name }}</h2>
<p>{{ schema.description }}</p>
<table>
{% for field, part in (schema.properties or {}).items() %}
<tr><td><code>{{ field }}</code>{{ "" if field in (schema.required or []) else " (may be left out)" }}</td>
<td>{{ shape(part) }}</td><td>{{ part.description }}</td></tr>
{% endfor %}
</table>
{% endfor %}
</body>
</html>
"""


def document_page(document: Mapping[str, Any]) -> str:
    """Return a page that shows a document; it needs nothing from elsewhere."""
    return Environment(autoescape=True, trim_blocks=True).from_string(_PAGE).render(document=document, shape=_shape)


def _shape(schema: Mapping[str, Any]) -> str:
    """Return the type of a value in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for name in ("allOf", "anyOf", "oneOf"):
        if name in schema:
            return " or ".join(_shape(item) for item in schema[name])
    if "enum" in schema:
        return " or ".join(f"“{item}”" for item in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_shape(schema.get('items', {}))}"
    return str(schema.get("type", "anything"))
