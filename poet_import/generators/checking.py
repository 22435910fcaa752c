"""Whether an endpoint answers, asked with one small question."""

from __future__ import annotations

import time
from dataclasses import dataclass

from poet_import.errors import GeneratorError
from poet_import.generators.answers import code_of
from poet_import.generators.endpoints import Endpoint
from poet_import.generators.wire.dialects import Message, Rung
from poet_import.generators.wire.forms import ask_in_a_known_form, first_form
from poet_import.generators.wire.posting import make_client
from poet_import.generators.wire.refusals import WireError
from poet_import.generators.wire.service import ask_service

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


async def check_service(endpoint: Endpoint, *, seconds: float) -> Checked:
    """Ask our HTTP service for a small function, and return within those seconds."""
    started = time.monotonic()
    question = {"function_code": "@poet\ndef ping() -> str:\n    return 'pong'\n", "language": "python"}
    error = ""
    try:
        async with make_client(endpoint) as client:
            answer = await ask_service(client, endpoint, question, deadline=started + seconds)
        if "poet_implementation" not in answer:
            error = "it answers, but not as the service does"
    except WireError as failed:
        error = str(failed)
    return Checked(time.monotonic() - started, error=error)


async def check(endpoint: Endpoint, *, seconds: float) -> Checked:
    """Ask an endpoint, and return within those seconds."""
    started = time.monotonic()
    rung: Rung | None = None
    try:
        async with make_client(endpoint) as client:
            reply, form = await ask_in_a_known_form(
                client,
                endpoint,
                [Message("user", _QUESTION)],
                form=first_form(endpoint),
                deadline=started + seconds,
                observe=lambda _: None,
            )
        rung = form.rung
        code_of(reply.text, "ping")
    except (WireError, GeneratorError) as failed:
        return Checked(time.monotonic() - started, rung, str(failed))
    return Checked(time.monotonic() - started, rung)
