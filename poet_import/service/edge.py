"""The outermost layer: who asks, how often, how much, and what is told of it. One layer of plain ASGI does all of it.

A framework's middleware costs some 570 µs of processor time each; this one lets the answer to a request that came
before leave without waking the framework.
"""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from secrets import token_hex
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from poet_import.service.bodies import DisconnectedError, check_json, discard, read_body, replayed
from poet_import.service.callers import Callers
from poet_import.service.configuration import ServiceSettings
from poet_import.service.keys import Key
from poet_import.service.metrics import Metrics
from poet_import.service.packing import CODING, LEAST_BYTES, packing, wants_packed
from poet_import.service.problems import MEDIA_TYPE, Problem, ProblemError
from poet_import.service.transpiling import TranspileService

if TYPE_CHECKING:
    from poet_import.service.tracing import Tracing

_REQUEST_ID = re.compile(rb"[A-Za-z0-9_.:-]{1,64}")
_JSON = re.compile(rb"application/(?:json|[\w.+-]+\+json)\s*(?:;.*)?", re.IGNORECASE)
_PLAIN_JSON = b"application/json"
_ANSWER = ((b"content-type", _PLAIN_JSON),)
_PACKED_ANSWER = (*_ANSWER, CODING)
_VARY = (b"vary", b"accept-encoding")
_TRANSPILE = "/api/v1/transpile"
_CLIENT_GONE = 499  # nginx's number for it; seen in metrics and logs only


@dataclass(frozen=True, slots=True)
class Route:
    """One path of the service, and the scope that each of its methods needs; "" for none."""

    template: str
    scopes: Mapping[str, str]

    def pattern(self) -> re.Pattern[str]:
        """Return what its paths look like."""
        return re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(self.template)))


@dataclass(slots=True)
class Exchange:
    """One request and what becomes of it."""

    scope: Scope
    headers: Mapping[bytes, bytes]
    request_id: str
    begun: float
    send: Send
    route: str = "unmatched"
    method: str = "other"  # one that the route takes
    key: Key | None = None
    status: int = 0
    trace_id: str = ""  # where it is traced
    extra: list[tuple[bytes, bytes]] = field(default_factory=list)  # headers of the answer, whoever writes it


class Lifecycle:
    """Whether the service still wants requests."""

    def __init__(self) -> None:
        self.is_draining = False


class Edge:
    """The service's ASGI application: it asks the framework for what it does not answer itself."""

    def __init__(
        self,
        app: ASGIApp,
        routes: Iterable[Route],
        service: TranspileService,
        *,
        configuration: ServiceSettings,
        callers: Callers,
        metrics: Metrics,
        lifecycle: Lifecycle,
        log: FilteringBoundLogger,
    ) -> None:
        self._app = app
        self._fixed = {route.template: route for route in routes if "{" not in route.template}
        self._patterns = [(route.pattern(), route) for route in routes if "{" in route.template]
        self._service = service
        self._configuration = configuration
        self._callers = callers
        self._metrics = metrics
        self._lifecycle = lifecycle
        self._log = log
        self.in_flight = 0
        self.tracing: Tracing | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        exchange = Exchange(scope, headers, _request_id(headers), time.monotonic(), send)
        if self.tracing is None:
            await self._attend(exchange, receive)
            return
        with self.tracing.following(exchange):
            await self._attend(exchange, receive)

    async def _attend(self, exchange: Exchange, receive: Receive) -> None:
        self.in_flight += 1
        try:
            await self._answer(exchange, receive)
        except ProblemError as error:
            await self._refuse(exchange, error.problem, receive)
        except DisconnectedError:
            exchange.status = _CLIENT_GONE
        except Exception as error:  # noqa: BLE001  (a fault of ours: the caller learns its request id, the log the rest)
            self._log_fault(exchange, error)
            await self._refuse(exchange, Problem(500, "the service has failed; its log has the request id"), receive)
        finally:
            self.in_flight -= 1
            self._note(exchange)

    async def _answer(self, exchange: Exchange, receive: Receive) -> None:
        """Answer, or have the framework answer.

        Raises:
            ProblemError: The request is refused.
            DisconnectedError: There is nobody any more to answer.
        """
        method = exchange.scope["method"]
        scope = self._admitted(exchange, method)
        if scope:
            await self._count(exchange, scope)
        if method not in ("POST", "PUT"):
            await self._ask_framework(exchange, receive)
            return
        if exchange.headers.get(b"content-type") != _PLAIN_JSON and not _JSON.fullmatch(
            exchange.headers.get(b"content-type", b"")
        ):
            raise ProblemError(Problem(415, "send JSON, with Content-Type: application/json"))
        body = await read_body(exchange.headers, receive, most_bytes=self._configuration.most_bytes)
        if exchange.route == _TRANSPILE:
            known = self._service.cached(body)
            if known is not None:
                await self._send_known(exchange, known, body)
                return
        check_json(body)
        await self._ask_framework(exchange, replayed(body, receive), body)

    async def _send_known(self, exchange: Exchange, known: bytes, body: bytes) -> None:
        packed = None
        if len(known) >= LEAST_BYTES and wants_packed(exchange.headers.get(b"accept-encoding")):
            packed = self._service.cached_packed(body)
        await self._send(exchange, 200, body=packed or known, headers=_PACKED_ANSWER if packed else _ANSWER)

    async def _ask_framework(self, exchange: Exchange, receive: Receive, body: bytes = b"") -> None:
        facts = {"arrived": exchange.begun, "request_id": exchange.request_id, "body": body}
        exchange.scope["state"] = {**exchange.scope.get("state", {}), **facts}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                message = {**message, "headers": [*message["headers"], *self._headers(exchange)]}
            await exchange.send(message)

        packed = wants_packed(exchange.headers.get(b"accept-encoding"))
        await self._app(exchange.scope, receive, packing(send) if packed else send)

    def _headers(self, exchange: Exchange) -> list[tuple[bytes, bytes]]:
        """Return what every answer has."""
        headers = [(b"x-request-id", exchange.request_id.encode()), _VARY, *exchange.extra]
        return [*headers, (b"connection", b"close")] if self._lifecycle.is_draining else headers

    async def _send(
        self, exchange: Exchange, status: int, *, body: bytes, headers: Iterable[tuple[bytes, bytes]]
    ) -> None:
        exchange.status = status
        sent = [*headers, (b"content-length", b"%d" % len(body)), *self._headers(exchange)]
        await exchange.send({"type": "http.response.start", "status": status, "headers": sent})
        await exchange.send({"type": "http.response.body", "body": body})

    async def _refuse(self, exchange: Exchange, problem: Problem, receive: Receive) -> None:
        if exchange.status:  # the framework has begun to answer, and then failed: too late to say anything
            return
        if problem.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:  # closing on unread bytes takes the answer along
            await discard(receive)
        headers = [(b"content-type", MEDIA_TYPE.encode())]
        headers += [(name.encode(), value.encode()) for name, value in problem.headers.items()]
        body = problem.body(exchange.request_id)
        await self._send(exchange, problem.status, body=body, headers=headers)

    def _admitted(self, exchange: Exchange, method: str) -> str:
        """Return the scope that a request needs.

        Raises:
            ProblemError: There is no such path, or it does not take this method.
        """
        path = exchange.scope["path"]
        route = self._fixed.get(path) or next((one for found, one in self._patterns if found.fullmatch(path)), None)
        if route is None:
            raise ProblemError(Problem(404, "there is nothing at this path; /docs lists what there is"))
        exchange.route = route.template
        if method not in route.scopes:
            allowed = ", ".join(sorted(route.scopes))
            raise ProblemError(Problem(405, f"this path takes {allowed}", headers={"allow": allowed}))
        exchange.method = method
        return route.scopes[method]

    async def _count(self, exchange: Exchange, scope: str) -> None:
        """Let a caller in, and count its request.

        Raises:
            ProblemError: It has no key, or none for this, or has asked too often.
        """
        key = exchange.key = self._callers.key_for(scope, exchange.headers)
        client = exchange.scope.get("client")
        allowance = await self._callers.count(key, client[0] if client else "unknown")
        exchange.extra = allowance.headers()
        if allowance.is_spent:
            limit = f"more than {allowance.limit} requests a minute"
            raise ProblemError(Problem(429, f"{limit}; Retry-After says when to ask again"))

    def _log_fault(self, exchange: Exchange, error: Exception) -> None:
        """Say where it is, and not what the error says: that may be the caller's text."""
        trace = traceback.format_tb(error.__traceback__)
        kind = type(error).__name__
        self._log.error("fault", request_id=exchange.request_id, route=exchange.route, kind=kind, trace=trace)

    def _note(self, exchange: Exchange) -> None:
        seconds = time.monotonic() - exchange.begun
        self._metrics.count(exchange.route, exchange.method, exchange.status, seconds=seconds)
        traced = {"trace_id": exchange.trace_id} if exchange.trace_id else {}
        self._log.info(
            "request",
            request_id=exchange.request_id,
            route=exchange.route,
            method=exchange.method,
            status=exchange.status,
            ms=round(seconds * 1000, 2),
            key=exchange.key.id if exchange.key else None,
            **traced,
        )


def _request_id(headers: Mapping[bytes, bytes]) -> str:
    given = headers.get(b"x-request-id", b"")
    return given.decode() if _REQUEST_ID.fullmatch(given) else token_hex(16)
