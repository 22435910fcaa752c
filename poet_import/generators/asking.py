"""Asking one endpoint: no more questions at once than it may have, again where that helps, and not while it is down."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeGuard, TypeVar

from poet_import.errors import GeneratorError
from poet_import.generators.breaker import Breaker
from poet_import.generators.endpoints import Endpoint
from poet_import.generators.wire.posting import Client, make_client
from poet_import.generators.wire.refusals import WireError

Answer = TypeVar("Answer")

_MOST_ATTEMPTS = 4
_FIRST_WAIT = 0.4  # seconds


class Asker:
    """Asks one endpoint; used in one event loop."""

    def __init__(self, endpoint: Endpoint, breaker: Breaker, at_once: int) -> None:
        """Take whom to ask.

        Args:
            endpoint: Where it is.
            breaker: Its circuit.
            at_once: How many questions may be open.
        """
        self._name = endpoint.model
        self._endpoint = endpoint
        self._breaker = breaker
        self._slots = asyncio.Semaphore(at_once)

    async def ask(self, once: Callable[[Client], Awaitable[Answer]], deadline: float) -> Answer:
        """Ask, and ask again where that may help.

        Args:
            once: Asks one time; raises `WireError` where there is no answer.
            deadline: Of ``time.monotonic()``, in seconds.

        Raises:
            GeneratorError: There is no answer, or none in time.
        """
        async with self._slots:
            wait = self._breaker.wait()
            if wait:
                message = f"{self._name} did not answer lately and is asked again in {wait:.0f} s"
                raise GeneratorError(message, retry_after=min(wait, 5.0))
            try:
                async with make_client(self._endpoint) as client:  # of its own: a shared one would not survive a fork
                    answer = await _insisting(lambda: once(client), deadline)
            except WireError as error:
                raise self._given_up(error) from error
            self._breaker.close()
            return answer

    def _given_up(self, error: WireError) -> GeneratorError:
        if error.is_outage or error.status in (401, 403):
            self._breaker.open()
        else:
            self._breaker.close()
        return GeneratorError(str(error), retry_after=error.retry_after)


async def _insisting(once: Callable[[], Awaitable[Answer]], deadline: float) -> Answer:
    """Return an answer, after some attempts if need be.

    Raises:
        WireError: There is none in time.
    """
    attempt = 0
    earlier: WireError | None = None
    while True:
        try:
            return await once()
        except WireError as error:
            attempt += 1
            wait = _wait(attempt, error)
            if not error.may_repeat or attempt == _MOST_ATTEMPTS or time.monotonic() + wait >= deadline:
                if _says_more(earlier, error):
                    raise _joined(error, earlier) from error
                raise
            earlier = error
            await asyncio.sleep(wait)


def _wait(attempt: int, error: WireError) -> float:
    """Return the seconds before the next attempt: what the server asks for, else full jitter over growing spans."""
    jitter = random.uniform(0, _FIRST_WAIT * 2 ** (attempt - 1))  # noqa: S311  # no secret
    return jitter if error.retry_after is None else error.retry_after + jitter / 10


def _says_more(earlier: WireError | None, last: WireError) -> TypeGuard[WireError]:
    """Tell whether an earlier error is worth telling: where the time ended, little may have been left for the last."""
    return earlier is not None and last.is_outage and not last.may_repeat and last.status is None


def _joined(last: WireError, earlier: WireError) -> WireError:
    return WireError(
        f"{last}; before that, {earlier}",
        status=earlier.status,
        fault=earlier.fault,
        retry_after=earlier.retry_after,
        is_outage=earlier.is_outage,
    )
