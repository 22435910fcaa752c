"""What an endpoint does not know is left out of the question, a piece at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from poet_import.generators.endpoints import Endpoint
from poet_import.generators.wire import Reply, ask
from poet_import.generators.wire.dialects import Fault, Form, Message, rungs_of
from poet_import.generators.wire.posting import Client
from poet_import.generators.wire.refusals import WireError
from poet_import.model import Usage

_ABOUT_THE_REQUEST: Final = frozenset((400, 404, 415, 422, 501))
_FEWER_TOKENS: Final = 4096  # of an answer: what small models of Anthropic's dialect may write
_OTHER: Final = re.compile(  # complaints that no other form of the question mends
    r"context[_ -]?(length|window|size|limit)|too long|token count|reduce the (length|number)"
    r"|invalid model|unknown model|no such model|model_not_found|model\b.{0,80}(not found|not exist)"
    r"|credit balance|billing|quota|api[_ -]?key|authenti|unauthori[sz]ed|content[_ -](filter|policy|management)",
    re.IGNORECASE | re.DOTALL,
)
_STRUCTURE: Final = re.compile(
    r"response[_ ]format|json|schema|grammar|structured|guided|\btools?\b|tool_choice", re.IGNORECASE
)


def first_form(endpoint: Endpoint) -> Form:
    """Return the form that asks an endpoint for everything it may know."""
    return Form(rungs_of(endpoint)[0])


async def ask_in_a_known_form(
    client: Client,
    endpoint: Endpoint,
    messages: Sequence[Message],
    *,
    form: Form,
    deadline: float,
    observe: Callable[[Usage], None],
) -> tuple[Reply, Form]:
    """Ask in a form, and in plainer ones where the endpoint minds it; return the answer and the form that it took.

    Raises:
        WireError: There is no whole answer.
    """
    while True:
        try:
            return await ask(client, endpoint, messages, form=form, deadline=deadline, observe=observe), form
        except WireError as error:
            simpler = plainer(form, endpoint, error)
            if simpler is None:
                raise
            form = simpler


def plainer(form: Form, endpoint: Endpoint, error: WireError) -> Form | None:
    """Return the form to try next where an endpoint minds something of this one, or None where that is not it."""
    about = f"{error.fault.text} {error.fault.kind} {error.fault.code}"
    if error.status not in _ABOUT_THE_REQUEST or _OTHER.search(about):
        return None
    shorter = _without_a_parameter(form, endpoint, error.fault)
    if shorter is not None or (error.status == 404 and not _STRUCTURE.search(about)):
        return shorter
    rungs = rungs_of(endpoint)
    left = rungs[rungs.index(form.rung) + 1 :]
    return replace(form, rung=left[0]) if left else None


def _without_a_parameter(form: Form, endpoint: Endpoint, fault: Fault) -> Form | None:
    """Return the form without what a fault names, or None where it names nothing that can be left out."""
    if form.streams and form.counts and _minds(fault, "stream_options", r"\bstream_options\b"):
        return replace(form, counts=False)
    if form.streams and _minds(fault, "stream", r"""['"`]stream['"`]|to stream this model"""):
        return replace(form, streams=False)
    is_long = endpoint.dialect == "anthropic" and form.most_tokens > _FEWER_TOKENS
    if is_long and _minds(fault, "max_tokens", r"\bmax_tokens\b"):
        return replace(form, most_tokens=_FEWER_TOKENS)
    return None


def _minds(fault: Fault, parameter: str, words: str) -> bool:
    return fault.parameter == parameter or re.search(words, fault.text) is not None
