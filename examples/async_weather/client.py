"""Asynchronous calls of the weather service, as a user writes them."""

import asyncio
import json
from urllib.parse import urlsplit

from poet_import import poet


@poet(domain="api_operations")
async def temperature(endpoint_url: str, city: str) -> float:
    """Return the temperature in a city, in °C."""
    return json.loads(await _get(endpoint_url, f"/temperature/{city}"))


@poet(domain="api_operations", timeout=0.3)
async def forecast(endpoint_url: str, city: str) -> list[float]:
    """Return the temperatures of the next days, in °C."""
    return json.loads(await _get(endpoint_url, f"/forecast/{city}"))


async def _get(endpoint_url: str, path: str) -> bytes:
    """Return the body of an answer.

    Raises:
        ConnectionError: The service is not there, or answers anything but 200.
    """
    address = urlsplit(endpoint_url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {address.netloc}\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    status = head.decode().partition("\r\n")[0]
    if not status.endswith(" 200 OK"):
        raise ConnectionError(f"the service answered {status!r}")
    return body
