"""All parts of one service, put together."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from poet_import.cache.directory import data_directory
from poet_import.errors import PoetError
from poet_import.service.callers import Callers
from poet_import.service.configuration import ServiceSettings
from poet_import.service.edge import Edge, Lifecycle
from poet_import.service.keys import KeyRing, KeysError
from poet_import.service.library import TemplateLibrary
from poet_import.service.logs import make_log
from poet_import.service.metrics import CONTENT_TYPE, Metrics
from poet_import.service.pool import WorkerPool
from poet_import.service.rates import RateLimits
from poet_import.service.routes import ROUTES, make_api
from poet_import.service.templates import TemplateService
from poet_import.service.transpiling import TranspileService
from poet_import.templates import template_roots

if TYPE_CHECKING:
    from poet_import.service.cluster import Cluster
    from poet_import.service.tracing import Tracing

_REFRESH_SECONDS = 2.0


class OpenServiceError(PoetError):
    """A service that other machines can reach has no keys."""


class RedisUrlError(PoetError):
    """The address of Redis is none."""


class MissingPackagesError(PoetError):
    """What was asked for needs packages that are not installed."""


class Service:
    """One service: its ASGI application, and what runs beside it.

    Attributes:
        app: The application.
        metrics_app: The application that answers with metrics, whatever it is asked.
        lifecycle: Whether it still wants requests.
        log: Its log.
    """

    def __init__(self, configuration: ServiceSettings, keys: KeyRing | None) -> None:
        self.log: FilteringBoundLogger = make_log()
        self.lifecycle = Lifecycle()
        self._keys = keys
        self._is_model_down = False
        self._metrics = Metrics()
        self._pool = WorkerPool(configuration.workers)
        own = Path(data_directory(configuration.settings), "templates")
        library = TemplateLibrary(own, template_roots(configuration.settings.templates))
        self._cluster = _cluster(configuration.redis_url, self._metrics, self.log)
        self._transpiling = TranspileService(
            configuration, self._pool, library, metrics=self._metrics, cluster=self._cluster
        )
        templates = TemplateService(
            library, self._pool, configuration=configuration, on_change=self._transpiling.refresh
        )
        api = make_api(self._transpiling, templates, metrics=self._metrics, lifecycle=self.lifecycle)
        edge = self.app = Edge(
            api,
            ROUTES,
            self._transpiling,
            configuration=configuration,
            callers=Callers(keys, RateLimits(self._cluster), rate=configuration.rate),
            metrics=self._metrics,
            lifecycle=self.lifecycle,
            log=self.log,
        )
        self._metrics.watch(
            {
                "in_flight": lambda: edge.in_flight,
                "queue_depth": lambda: self._transpiling.waiting,
                "workers_busy": lambda: self._pool.busy,
                "cache_bytes": lambda: self._transpiling.responses.size,
                "draining": lambda: float(self.lifecycle.is_draining),
                "breaker_open": lambda: float(self._is_model_down),
                "redis_up": lambda: float(self._cluster is not None and self._cluster.is_up is True),
            }
        )
        self._tracing = _tracing(self.log) if configuration.tracing else None
        edge.tracing = self._transpiling.tracing = self._tracing

    async def metrics_app(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer any request with the metrics."""
        if scope["type"] != "http":
            return
        text = self._metrics.text()
        headers = [(b"content-type", CONTENT_TYPE.encode()), (b"content-length", b"%d" % len(text))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": text})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start the workers, and see now and then whether keys or templates have changed."""
        await self._pool.start()
        beside = [asyncio.create_task(self._pool.keep_warm()), asyncio.create_task(self._keep_up())]
        if self._cluster is not None:
            await self._cluster.look()
            beside.append(asyncio.create_task(self._cluster.watch()))
        try:
            yield
        finally:
            for task in beside:
                task.cancel()
            await asyncio.wait(beside)
            if self._cluster is not None:
                await self._cluster.close()
            if self._tracing is not None:
                await asyncio.to_thread(self._tracing.close)

    async def _keep_up(self) -> None:
        while True:
            await asyncio.sleep(_REFRESH_SECONDS)
            await asyncio.to_thread(self._transpiling.refresh)
            self._is_model_down = await asyncio.to_thread(self._transpiling.is_model_down)
            if self._keys is not None:
                try:
                    if self._keys.refresh():
                        self.log.info("keys", change="read anew")
                except KeysError as error:
                    self.log.warning("keys", change="refused", reason=str(error))


def _cluster(url: str | None, metrics: Metrics, log: FilteringBoundLogger) -> Cluster | None:
    """Return this replica's side of what it shares with others.

    Raises:
        RedisUrlError: The address is none of Redis.
    """
    if url is None:
        return None
    from poet_import.service.cluster import Cluster  # for those that have one: it takes its time to load

    try:
        return Cluster(url, metrics=metrics, log=log)
    except ValueError as error:  # what it says may hold the password
        raise RedisUrlError(
            "POET_REDIS_URL is no address of Redis; write redis://host:6379/0, or rediss:// for TLS"
        ) from error


def _tracing(log: FilteringBoundLogger) -> Tracing:
    """Return what makes spans; nobody else loads the packages that it needs.

    Raises:
        MissingPackagesError: They are not installed.
        TracingError: The variables of OpenTelemetry say what cannot be done.
    """
    try:
        from poet_import.service.tracing import Tracing
    except ModuleNotFoundError as error:
        how = "pip install 'poet-import[service,tracing]'"
        raise MissingPackagesError(f"tracing needs more packages; install them with: {how} ({error})") from error
    return Tracing(log)


def create_service(configuration: ServiceSettings) -> Service:
    """Return a service.

    Raises:
        OpenServiceError: Other machines can reach it, and nobody has made a key.
        KeysError: The keys cannot be used.
        RedisUrlError: The address of Redis is none.
        MissingPackagesError: Tracing needs packages that are not installed.
        TracingError: The variables of OpenTelemetry say what cannot be done.
    """
    path, text = configuration.keys_file, configuration.keys_text
    keys = KeyRing(path, text) if path is not None or text else None
    if keys is None and not configuration.is_loopback:
        raise OpenServiceError(
            f"{configuration.host} can be reached from other machines, and there are no API keys; make one with: "
            "poet keys create NAME --scope transpile"
        )
    return Service(configuration, keys)


def keys_file_of(configuration_path: str | None, data: str) -> str | None:
    """Return the file of keys: the one that was named, else the usual one where somebody has made it."""
    usual = os.path.join(data, "keys.json")
    return configuration_path or (usual if os.path.exists(usual) else None)
