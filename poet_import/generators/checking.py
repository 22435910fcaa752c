"""Whether an endpoint answers, asked with one small question."""

from __future__ import annotations

import time
from dataclasses import dataclass

from poet_import.errors import GeneratorError
from poet_import.generators.answers import code_of
from poet_import.generators.endpoints import Endpoint
from poet_import.generators.wire import WireError, ask, make_client
from poet_import.generators.wire.dialects import Message, Rung, rungs_of

_QUESTION = (
    "Answer with one Python function, `ping`, without parameters, that returns the text 'pong': "
    "one code block, and nothing around it.\n\nThe function is `ping`."
)


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a question."""

    seconds: float
    rung: Rung | None = None  # of structured output, that it took
    error: str = ""  # why there was no answer, or none that could be used


async def check(endpoint: Endpoint, *, seconds: float) -> Checked:
    """Ask an endpoint, and return within those seconds."""
    started = time.monotonic()
    error = ""
    async with make_client(endpoint) as client:
        for rung in rungs_of(endpoint):
            try:
                reply = await ask(
                    client,
                    endpoint,
                    [Message("user", _QUESTION)],
                    rung=rung,
                    deadline=started + seconds,
                    observe=lambda _: None,
                )
                code_of(reply.text, "ping")
                return Checked(time.monotonic() - started, rung)
            except GeneratorError as unusable:
                return Checked(time.monotonic() - started, rung, str(unusable))
            except WireError as failed:
                error = str(failed)
                if failed.status not in (400, 404, 415, 422, 501):
                    break
    return Checked(time.monotonic() - started, error=error)
