"""Serve until told to end, and then without failing a request.

uvicorn by itself closes its socket as soon as it is told to end. Behind a balancer that is too early: connections are
still sent there until the balancer has noticed. So here readiness goes first, then new connections are served a little
longer, each answered with ``Connection: close``, and only then the socket closes and what is under way is finished.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from types import FrameType
from typing import Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from poet_import.service.application import Service
from poet_import.service.configuration import ServiceSettings

_BACKLOG: Final = 2048
_TIMEOUT_BODY: Final = (
    b'{"type":"about:blank","title":"Request Timeout","status":408,"detail":"the request took too long to arrive"}'
)
_TIMEOUT: Final = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/problem+json\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(_TIMEOUT_BODY), _TIMEOUT_BODY)
)


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose request does not arrive in time, head and body; uvicorn waits for them for ever.

    A request that comes in one piece, as nearly all do, costs no timer.
    """

    arrival_seconds = 10.0
    _timer: asyncio.TimerHandle | None = None
    _is_arriving = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(self.arrival_seconds, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has come, and wait for what is still missing."""
        super().data_received(data)
        if not self._is_arriving:
            self._stop_waiting()
        elif self._timer is None:
            self._timer = self.loop.call_later(self.arrival_seconds, self._give_up)

    def on_message_begin(self) -> None:
        """Note that a request has begun."""
        self._is_arriving = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """Note that all of it is there."""
        self._is_arriving = False
        super().on_message_complete()

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            if self._is_arriving:
                self.transport.write(_TIMEOUT)
            self.transport.close()


class DrainingServer(uvicorn.Server):
    """A server that stays open for a while once it is told to end."""

    def __init__(self, config: uvicorn.Config, service: Service, drain_seconds: float) -> None:
        super().__init__(config)
        self._service = service
        self._drain_seconds = drain_seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end; a second signal, or Ctrl-C, ends at once."""
        if self._service.lifecycle.is_draining or sig == signal.SIGINT:
            super().handle_exit(sig, frame)
            return
        self._service.lifecycle.is_draining = True
        self._service.log.info("draining", seconds=self._drain_seconds)
        asyncio.get_running_loop().call_later(
            self._drain_seconds, self._end
        )  # uvicorn wakes the loop ten times a second

    def _end(self) -> None:
        self.should_exit = True


class _MetricsServer(uvicorn.Server):
    """Serves for as long as the service does, and leaves signals to that."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        OSError: The address is taken, or none of this machine's.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    # asyncio sends at once only where it is told that this is TCP; else an answer's second part waits 40 ms for an ACK.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


async def serve(
    service: Service, configuration: ServiceSettings, listening: socket.socket, *, metrics: socket.socket | None = None
) -> None:
    """Serve until a signal ends it.

    Args:
        service: What answers.
        configuration: Its settings.
        listening: Where requests come.
        metrics: Where metrics are read without a key.
    """
    protocol = type("Protocol", (BoundedProtocol,), {"arrival_seconds": configuration.body_seconds})
    server = DrainingServer(_config(service.app, protocol, configuration), service, configuration.drain_seconds)
    async with service.running(), _beside(service, protocol, configuration, metrics=metrics):
        service.log.info("serving", address=_address(listening))
        await server.serve([listening])


@asynccontextmanager
async def _beside(
    service: Service, protocol: type[asyncio.Protocol], configuration: ServiceSettings, *, metrics: socket.socket | None
) -> AsyncIterator[None]:
    """Serve metrics beside the service."""
    if metrics is None:
        yield
        return
    server = _MetricsServer(_config(service.metrics_app, protocol, configuration))
    task = asyncio.create_task(server.serve([metrics]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


def _config(app: ASGIApp, protocol: type[asyncio.Protocol], configuration: ServiceSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        interface="asgi3",
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(configuration.seconds) + 1,
    )


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
