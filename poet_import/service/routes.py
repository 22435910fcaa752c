"""The endpoints, as FastAPI serves and documents them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import FastAPI, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException

from poet_import._version import __version__
from poet_import.service.documents import document_page, openapi_30
from poet_import.service.edge import Lifecycle, Route
from poet_import.service.faults import Fault
from poet_import.service.library import StoredVersion
from poet_import.service.metrics import CONTENT_TYPE, Metrics
from poet_import.service.problems import MEDIA_TYPE, Problem, ProblemError
from poet_import.service.schemas import (
    DOMAIN,
    VERSION,
    Current,
    Domains,
    Health,
    NewVersion,
    ProblemDocument,
    TranspileBody,
    TranspileResult,
    Versions,
    VersionText,
)
from poet_import.service.templates import TemplateService
from poet_import.service.transpiling import TranspileService

API = "/api/v1"
READ, WRITE = "templates:read", "templates:write"
ROUTES = (
    Route(f"{API}/transpile", {"POST": "transpile"}),
    Route(f"{API}/templates", {"GET": READ}),
    Route(f"{API}/templates/{{domain}}", {"GET": READ}),
    Route(f"{API}/templates/{{domain}}/versions", {"GET": READ, "POST": WRITE}),
    Route(f"{API}/templates/{{domain}}/versions/{{version}}", {"GET": READ}),
    Route(f"{API}/templates/{{domain}}/current", {"PUT": WRITE}),
    Route("/healthz", {"GET": ""}),
    Route("/readyz", {"GET": ""}),
    Route("/metrics", {"GET": "metrics"}),
    Route("/openapi.json", {"GET": ""}),
    Route("/docs", {"GET": ""}),
)
_MEANS = {
    400: "Not JSON, or not UTF-8.",
    401: "No API key, or none that is known.",
    403: "The API key has not the scope.",
    404: "Unknown.",
    408: "The body took too long to arrive.",
    409: "There already.",
    413: "The body is too long.",
    415: "Not sent as JSON, or packed in another way than gzip, which `Accept-Encoding` then says.",
    422: "Understood, and wrong; `errors` says where.",
    429: "Too often; `Retry-After` says when to ask again.",
    501: "Not installed here.",
    503: "Too busy, or ending; try again.",
}
_READING = (401, 403, 429)
_TELLING = {  # headers of a status
    415: {"Accept-Encoding": {"description": "How a body may be packed.", "schema": {"type": "string"}}},
}
_SENDING = (400, 401, 403, 408, 413, 415, 422, 429)
Domain = Annotated[str, Path(pattern=DOMAIN, description="As `ml_monitoring`.")]
Version = Annotated[str, Path(pattern=VERSION, description="As `v1`.")]


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:  # Any: as FastAPI has it
    return {
        status: {
            "description": _MEANS[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
            **({"headers": _TELLING[status]} if status in _TELLING else {}),
        }
        for status in statuses
    }


def make_api(
    service: TranspileService, templates: TemplateService, *, metrics: Metrics, lifecycle: Lifecycle
) -> FastAPI:
    """Return the framework's application."""
    api = FastAPI(
        title="poet_import",
        summary="Transpiles functions under @poet: perceive, operate, enforce.",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # it would tell paths and messages of callers
        exception_handlers={
            ProblemError: _on_problem,
            RequestValidationError: _on_invalid,
            HTTPException: _on_http,
            Exception: _on_fault,
        },
    )
    _add_transpile(api, service)
    _add_templates(api, templates)
    _add_own(api, service, metrics, lifecycle=lifecycle)
    return api


def _add_transpile(api: FastAPI, service: TranspileService) -> None:
    @api.post(
        f"{API}/transpile",
        response_model=TranspileResult,
        tags=["transpile"],
        operation_id="transpile",
        responses=_problems(*_SENDING, 501, 503),
    )
    async def transpile(request: Request, parsed: TranspileBody) -> Response:
        """Return the woven function.

        The body may be packed with gzip (`Content-Encoding`), and the answer is where the caller accepts that.
        What is the model's or the service's failure is never the caller's: the body then stays as it was written, and
        `metadata.source` is `fallback`.
        """
        body = await service.answer(request.state.body, parsed, arrived=request.state.arrived)
        return Response(body, media_type="application/json")


def _add_templates(api: FastAPI, templates: TemplateService) -> None:
    place = f"{API}/templates"
    reading: dict[str, Any] = {"tags": ["templates"], "responses": _problems(*_READING)}  # Any: as FastAPI has it
    one: dict[str, Any] = {"tags": ["templates"], "responses": _problems(*_READING, 404, 422)}
    setting: dict[str, Any] = {"tags": ["templates"], "responses": _problems(*_SENDING, 404, 503)}
    storing: dict[str, Any] = {"tags": ["templates"], "responses": _problems(*_SENDING, 409, 503)}

    @api.get(place, operation_id="listTemplates", **reading)
    async def domains() -> Domains:
        """Return all domains."""
        return await templates.domains()

    @api.get(f"{place}/{{domain}}", operation_id="readTemplate", **one)
    async def current(domain: Domain) -> VersionText:
        """Return the version of a domain that is in use."""
        return await templates.read(domain, None)

    @api.get(f"{place}/{{domain}}/versions", operation_id="listVersions", **one)
    async def versions(domain: Domain) -> Versions:
        """Return the names of a domain's versions."""
        return await templates.versions(domain)

    @api.get(f"{place}/{{domain}}/versions/{{version}}", operation_id="readVersion", **one)
    async def version(domain: Domain, version: Version) -> VersionText:
        """Return one version of a domain."""
        return await templates.read(domain, version)

    @api.post(f"{place}/{{domain}}/versions", status_code=201, operation_id="storeVersion", **storing)
    async def store(domain: Domain, new: NewVersion, response: Response) -> VersionText:
        """Store a version, once it has been read and rendered; the first one of a new domain is in use at once."""
        stored = StoredVersion(new.template, new.metadata, new.train_addon)
        found = await templates.store(domain, new.version, stored)
        response.headers["location"] = f"{place}/{domain}/versions/{found.version}"
        return found

    @api.put(f"{place}/{{domain}}/current", operation_id="useVersion", **setting)
    async def use(domain: Domain, chosen: Current) -> Versions:
        """Let a version be the one in use; this is the way back, too."""
        return await templates.use(domain, chosen.version)


def _add_own(api: FastAPI, service: TranspileService, metrics: Metrics, *, lifecycle: Lifecycle) -> None:
    own: dict[str, Any] = {"tags": ["service"]}  # Any: as FastAPI has it

    @api.get("/healthz", operation_id="live", **own)
    async def healthz() -> Health:
        """Tell that the service lives."""
        return Health(status="ok")

    @api.get("/readyz", operation_id="ready", responses={503: {"model": Health, "description": _MEANS[503]}}, **own)
    async def readyz(response: Response) -> Health:
        """Tell whether the service may be sent requests: it is not ending, and its cache and templates can be used."""
        status = "draining" if lifecycle.is_draining else "ok" if service.is_usable() else "unusable"
        response.status_code = 200 if status == "ok" else 503
        return Health.model_validate({"status": status})

    @api.get(
        "/metrics",
        operation_id="metrics",
        response_class=Response,
        responses=_problems(*_READING)
        | {200: {"description": "Prometheus's text format.", "content": {"text/plain": {}}}},
        **own,
    )
    async def read_metrics() -> Response:
        """Return the service's metrics."""
        return Response(metrics.text(), headers={"content-type": CONTENT_TYPE})

    document = openapi_30(api.openapi(), further=(ProblemDocument,))
    page = document_page(document)

    @api.get("/openapi.json", include_in_schema=False)
    async def openapi() -> JSONResponse:
        return JSONResponse(document)

    @api.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(page, headers={"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"})


def _respond(request: Request, problem: Problem) -> Response:
    body = problem.body(request.state.request_id)
    return Response(body, problem.status, headers=dict(problem.headers), media_type=MEDIA_TYPE)


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # as registered
    return _respond(request, error.problem)


async def _on_invalid(request: Request, error: Exception) -> Response:
    """Say what is of a wrong shape, and nothing of what was sent."""
    assert isinstance(error, RequestValidationError)  # as registered
    faults = [_fault(row) for row in error.errors()]
    return _respond(request, Problem(422, "the request has not the shape that it must have", faults))


def _fault(row: Mapping[str, Any]) -> Fault:  # Any: as FastAPI has it
    place, *path = row["loc"]
    if row["type"] == "extra_forbidden":  # its name is the caller's: where it stands is enough
        path.pop()
    pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
    where = "" if place == "body" else f"{place} parameter {'.'.join(map(str, path))}: "
    return Fault(str(row["type"]), f"{where}{row['msg']}", pointer if place == "body" else "")


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # as registered
    headers = dict(error.headers or {})
    return _respond(request, Problem(error.status_code, "the request cannot be served", headers=headers))


async def _on_fault(request: Request, _: Exception) -> Response:
    """Answer; the outermost layer then logs what has failed."""
    return _respond(request, Problem(500, "the service has failed; its log has the request id"))
