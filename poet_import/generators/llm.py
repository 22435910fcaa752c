"""The generator that asks a language model."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import TypeGuard

from poet_import.errors import GeneratorError
from poet_import.generators.answers import code_of
from poet_import.generators.breaker import Breaker
from poet_import.generators.endpoints import Endpoint, fingerprint_of
from poet_import.generators.wire import Client, Reply, make_client
from poet_import.generators.wire.dialects import Message
from poet_import.generators.wire.forms import ask_in_a_known_form, first_form
from poet_import.generators.wire.refusals import WireError
from poet_import.model import Refusal, TranspileRequest, Usage

_MOST_ATTEMPTS = 4
_FIRST_WAIT = 0.4  # seconds


class LLMGenerator:
    """Asks one model at one endpoint; used in one event loop."""

    def __init__(self, endpoint: Endpoint, directory: str | None, at_once: int) -> None:
        self._endpoint = endpoint
        self._breaker = Breaker(directory, f"{endpoint.url} {endpoint.model}")
        self._form = first_form(endpoint)  # the fullest that it has answered, once it has
        self._slots = asyncio.Semaphore(at_once)

    @property
    def fingerprint(self) -> str:
        """Return what tells its answers from another generator's."""
        return fingerprint_of(self._endpoint)

    async def generate(self, request: TranspileRequest, *, observe: Callable[[Usage], None]) -> str:
        """Return the text that the model answers with.

        Raises:
            GeneratorError: There is no answer, or none in time.
        """
        messages = [Message("user", request.prompt)]
        for refusal in request.refusals:
            messages += [Message("assistant", f"```python\n{refusal.answer}```"), Message("user", _complaint(refusal))]
        async with self._slots:
            wait = self._breaker.wait()
            if wait:
                message = f"{self._endpoint.model} did not answer lately and is asked again in {wait:.0f} s"
                raise GeneratorError(message, retry_after=min(wait, 5.0))
            reply = await self._asked(messages, request.deadline, observe)
        return code_of(reply.text, request.original.name)

    async def _asked(self, messages: list[Message], deadline: float, observe: Callable[[Usage], None]) -> Reply:
        """Ask, and ask again where that may help, with less in the question where the endpoint minds something.

        Raises:
            GeneratorError: There is no answer in time.
        """
        try:
            async with make_client(self._endpoint) as client:  # of its own: one that is shared would not survive a fork
                return await self._insisting(client, messages, deadline, observe=observe)
        except WireError as error:
            raise self._given_up(error) from error

    async def _insisting(
        self, client: Client, messages: list[Message], deadline: float, *, observe: Callable[[Usage], None]
    ) -> Reply:
        attempt = 0
        earlier: WireError | None = None
        while True:
            try:
                reply, self._form = await ask_in_a_known_form(
                    client, self._endpoint, messages, form=self._form, deadline=deadline, observe=observe
                )
            except WireError as error:
                attempt += 1
                wait = _wait(attempt, error)
                if not error.may_repeat or attempt == _MOST_ATTEMPTS or time.monotonic() + wait >= deadline:
                    if _says_more(earlier, error):
                        raise _joined(error, earlier) from error
                    raise
                earlier = error
                await asyncio.sleep(wait)
                continue
            self._breaker.close()
            return reply

    def _given_up(self, error: WireError) -> GeneratorError:
        if error.is_outage or error.status in (401, 403):
            self._breaker.open()
        else:
            self._breaker.close()
        return GeneratorError(str(error), retry_after=error.retry_after)


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


def _complaint(refusal: Refusal) -> str:
    lines = [f"- {one.gate}, {one.rule}, line {one.line}: {one.message}" for one in refusal.violations]
    return "That was refused, for these reasons:\n\n" + "\n".join(lines) + "\n\nAnswer with the whole text, mended."
