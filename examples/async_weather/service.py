"""A local weather service: temperatures come at the second request, forecasts never."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_TEMPERATURES = {"Bergen": 6.5, "Oslo": 3.0, "Narvik": -4.5}


class WeatherService:
    """Answers HTTP on loopback, at a port that the system chooses.

    Attributes:
        requests: How many requests each path has had.
        url: Where the service is.
    """

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close the connection."""
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.decode().split(" ")[1]
        self.requests[path] += 1
        if path.startswith("/forecast/"):
            await reader.read()  # until the client has had enough
        else:
            writer.write(self._temperature(path))
        writer.close()

    def _temperature(self, path: str) -> bytes:
        if self.requests[path] == 1:
            return b"HTTP/1.0 503 Service Unavailable\r\n\r\n"
        return b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps(_TEMPERATURES[path.rpartition("/")[2]]).encode()


@asynccontextmanager
async def running_service() -> AsyncIterator[WeatherService]:
    """Serve for as long as the ``async with`` statement lasts."""
    service = WeatherService()
    async with await asyncio.start_server(service.answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        service.url = f"http://{host}:{port}"
        yield service
