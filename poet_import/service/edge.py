"""The outermost layer: who asks, how often, how much, and what is told of it. One layer of plain ASGI does all of it.

A framework's middleware costs some 570 µs of processor time each; this one lets the answer to a request that came
before leave without waking the framework.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from secrets import token_hex

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from poet_import.service.bodies import DisconnectedError, check_json, discard, read_body, replayed
from poet_import.service.configuration import ServiceSettings
from poet_import.service.keys import Key, KeyRing
from poet_import.service.metrics import Metrics
from poet_import.service.problems import MEDIA_TYPE, Problem, ProblemError
from poet_import.service.rates import RateLimits
from poet_import.service.transpiling import TranspileService

_REQUEST_ID = re.compile(rb"[A-Za-z0-9_.:-]{1,64}")
_JSON = re.compile(rb"application/(?:json|[\w.+-]+\+json)\s*(?:;.*)?", re.IGNORECASE)
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
    route: str = "unmatched"
    key: Key | None = None
    status: int = 0
    has_begun_to_answer: bool = False
    extra: dict[str, str] = field(default_factory=dict)  # headers of the answer, whoever writes it


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
        keys: KeyRing | None,
        metrics: Metrics,
        lifecycle: Lifecycle,
        log: FilteringBoundLogger,
    ) -> None:
        self._app = app
        self._fixed = {route.template: route for route in routes if "{" not in route.template}
        self._patterns = [(route.pattern(), route) for route in routes if "{" in route.template]
        self._service = service
        self._configuration = configuration
        self._keys = keys
        self._metrics = metrics
        self._lifecycle = lifecycle
        self._rates = RateLimits()
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        exchange = Exchange(scope, headers, _request_id(headers), time.monotonic())
        scope["state"] = {**scope.get("state", {}), "arrived": exchange.begun, "request_id": exchange.request_id}
        outward = self._outward(exchange, send)
        with self._metrics.in_flight.track_inprogress():
            try:
                await self._answer(exchange, receive, outward)
            except ProblemError as error:
                await _send_problem(error.problem, exchange, outward, receive=receive)
            except DisconnectedError:
                exchange.status = _CLIENT_GONE
            except Exception as error:  # noqa: BLE001  (a fault of ours: the caller learns its request id, the log the rest)
                self._log.error("fault", request_id=exchange.request_id, route=exchange.route, exc_info=error)
                await _send_problem(
                    Problem(500, "the service has failed; its log has the request id"),
                    exchange,
                    outward,
                    receive=receive,
                )
        self._note(exchange)

    async def _answer(self, exchange: Exchange, receive: Receive, send: Send) -> None:
        """Answer, or have the framework answer.

        Raises:
            ProblemError: The request is refused.
            DisconnectedError: There is nobody any more to answer.
        """
        method = exchange.scope["method"]
        scope = self._admitted(exchange, method)
        if scope:
            self._count(exchange, scope)
        if method not in ("POST", "PUT"):
            await self._app(exchange.scope, receive, send)
            return
        body = await self._body(exchange, receive)
        is_transpile = exchange.route == _TRANSPILE
        known = self._service.cached(body) if is_transpile else None
        if known is not None:
            await _send(known, exchange, send)
            return
        check_json(body)
        exchange.scope["state"]["body"] = body
        await self._app(exchange.scope, replayed(body, receive), send)

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
        return route.scopes[method]

    def _count(self, exchange: Exchange, scope: str) -> None:
        """Let a caller in, and count its request.

        Raises:
            ProblemError: It has no key, or none for this, or has asked too often.
        """
        rate = self._configuration.rate
        if self._keys is None:
            client = exchange.scope.get("client")
            caller = client[0] if client else "unknown"
        else:
            key = exchange.key = _key_of(exchange.headers, self._keys)
            if scope not in key.scopes:
                raise ProblemError(_forbidden(scope))
            caller, rate = key.id, key.rate or rate
        allowance = self._rates.take(caller, rate)
        exchange.extra.update(allowance.headers())
        if allowance.is_spent:
            raise ProblemError(Problem(429, f"more than {rate} requests a minute; Retry-After says when to ask again"))

    async def _body(self, exchange: Exchange, receive: Receive) -> bytes:
        if not _JSON.fullmatch(exchange.headers.get(b"content-type", b"")):
            raise ProblemError(Problem(415, "send JSON, with Content-Type: application/json"))
        limits = self._configuration
        return await read_body(exchange.headers, receive, most_bytes=limits.most_bytes, seconds=limits.body_seconds)

    def _outward(self, exchange: Exchange, send: Send) -> Send:
        """Return a ``send`` that adds what every answer has."""

        async def outward(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.has_begun_to_answer = True
                exchange.status = message["status"]
                headers = [*message["headers"], (b"x-request-id", exchange.request_id.encode())]
                headers += [(name.encode(), value.encode()) for name, value in exchange.extra.items()]
                if self._lifecycle.is_draining:
                    headers.append((b"connection", b"close"))
                message = {**message, "headers": headers}
            await send(message)

        return outward

    def _note(self, exchange: Exchange) -> None:
        seconds = time.monotonic() - exchange.begun
        method = exchange.scope["method"] if exchange.route != "unmatched" else "other"
        self._metrics.requests.labels(exchange.route, method, str(exchange.status)).inc()
        self._metrics.seconds.labels(exchange.route).observe(seconds)
        self._log.info(
            "request",
            request_id=exchange.request_id,
            route=exchange.route,
            method=method,
            status=exchange.status,
            ms=round(seconds * 1000, 2),
            key=exchange.key.id if exchange.key else None,
        )


def _request_id(headers: Mapping[bytes, bytes]) -> str:
    given = headers.get(b"x-request-id", b"")
    return given.decode() if _REQUEST_ID.fullmatch(given) else token_hex(16)


def _key_of(headers: Mapping[bytes, bytes], keys: KeyRing) -> Key:
    """Return the key that a request bears.

    Raises:
        ProblemError: It bears none that is known.
    """
    kind, _, text = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if kind.lower() != "bearer" or not text.strip():
        challenge = {"www-authenticate": 'Bearer realm="poet"'}
        raise ProblemError(Problem(401, "send an API key: Authorization: Bearer poet_…", headers=challenge))
    key = keys.find(text.strip())
    if key is None:
        challenge = {"www-authenticate": 'Bearer realm="poet", error="invalid_token"'}
        raise ProblemError(Problem(401, "the API key is unknown, revoked or has expired", headers=challenge))
    return key


def _forbidden(scope: str) -> Problem:
    challenge = {"www-authenticate": f'Bearer realm="poet", error="insufficient_scope", scope="{scope}"'}
    return Problem(403, f"the API key has not the scope {scope}", headers=challenge)


async def _send(body: bytes, _: Exchange, send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _send_problem(problem: Problem, exchange: Exchange, send: Send, *, receive: Receive) -> None:
    body = problem.body(exchange.request_id)
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(body))]
    headers += [(name.encode(), value.encode()) for name, value in problem.headers.items()]
    if exchange.has_begun_to_answer:  # too late to say anything
        return
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    if problem.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:  # closing on unread bytes would take the answer along
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await discard(receive)
        body = b""
    await send({"type": "http.response.body", "body": body})
