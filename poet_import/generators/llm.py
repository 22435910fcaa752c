"""The generator that asks a language model."""

from __future__ import annotations

from collections.abc import Callable

from poet_import.generators.answers import code_of
from poet_import.generators.asking import Asker
from poet_import.generators.breaker import Breaker
from poet_import.generators.endpoints import Endpoint, fingerprint_of
from poet_import.generators.wire import Reply
from poet_import.generators.wire.dialects import Message
from poet_import.generators.wire.forms import ask_in_a_known_form, first_form
from poet_import.generators.wire.posting import Client
from poet_import.model import Refusal, TranspileRequest, Usage


class LLMGenerator:
    """Asks one model at one endpoint; used in one event loop."""

    def __init__(self, endpoint: Endpoint, breaker: Breaker, at_once: int) -> None:
        self._endpoint = endpoint
        self._asker = Asker(endpoint, breaker, at_once)
        self._form = first_form(endpoint)  # the fullest that it has answered, once it has

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
            messages += [
                Message("assistant", f"```{request.original.language}\n{refusal.answer}```"),
                Message("user", _complaint(refusal)),
            ]

        async def once(client: Client) -> Reply:
            """Ask, with less in the question where the endpoint minds something."""
            reply, self._form = await ask_in_a_known_form(
                client, self._endpoint, messages, form=self._form, deadline=request.deadline, observe=observe
            )
            return reply

        reply = await self._asker.ask(once, request.deadline)
        return code_of(reply.text, request.original.name)


def _complaint(refusal: Refusal) -> str:
    lines = [f"- {one.gate}, {one.rule}, line {one.line}: {one.message}" for one in refusal.violations]
    return "That was refused, for these reasons:\n\n" + "\n".join(lines) + "\n\nAnswer with the whole text, mended."
