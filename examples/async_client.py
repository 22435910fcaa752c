"""Asynchronous functions under ``@poet``: ``python examples/async_client.py``.

The service refuses each city's first request and never answers a forecast.
"""

import asyncio
from time import perf_counter

from async_weather import client
from async_weather.service import WeatherService, running_service

import poet_import

_CITIES = ("Bergen", "Oslo", "Narvik")


async def show_retries(service: WeatherService) -> None:
    """Ask for all cities at once; each call is tried again by itself."""
    found = await asyncio.gather(*(client.temperature(service.url, city) for city in _CITIES))
    for city, temperature in zip(_CITIES, found, strict=True):
        say("retry", f"{city}: {temperature} °C, at request {service.requests[f'/temperature/{city}']}")


async def show_timeouts(service: WeatherService) -> None:
    """Ask for forecasts that never come: all calls end at the same time."""
    begin = perf_counter()
    calls = (client.forecast(service.url, city) for city in _CITIES)
    errors = await asyncio.gather(*calls, return_exceptions=True)
    elapsed = perf_counter() - begin
    for error in errors:
        say("timeout", f"{type(error).__name__}: {error}")
    say("", f"three calls at once, over after {elapsed:.1f} s")


async def show_check() -> None:
    """Call with an address that cannot be right: nothing is sent."""
    try:
        await client.temperature("localhost", "Oslo")
    except poet_import.PerceiveError as error:
        say("argument", f"{type(error).__name__}: {error}")


def say(effect: str, text: str) -> None:
    """Print one line."""
    print(f"{effect:9} {text}", flush=True)


async def main() -> None:
    """Show one effect after the other."""
    async with running_service() as service:
        await show_retries(service)
        await show_timeouts(service)
        await show_check()


if __name__ == "__main__":
    asyncio.run(main())
