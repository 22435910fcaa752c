"""The generator that asks our HTTP service; what it answers is judged and woven here, as if a model had written it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from poet_import.errors import GeneratorError
from poet_import.generators.asking import Asker
from poet_import.generators.breaker import Breaker
from poet_import.generators.endpoints import Endpoint, fingerprint_of
from poet_import.generators.wire.posting import Client
from poet_import.generators.wire.service import ask_service
from poet_import.model import PoetOptions, TranspileRequest, Usage
from poet_import.source.normal import interfaces

Json = Mapping[str, Any]  # Any: what JSON can say


class RemoteGenerator:
    """Asks one service; used in one event loop."""

    def __init__(self, endpoint: Endpoint, breaker: Breaker, at_once: int) -> None:
        self._endpoint = endpoint
        self._asker = Asker(endpoint, breaker, at_once)

    @property
    def fingerprint(self) -> str:
        """Return what tells its answers from another generator's."""
        return fingerprint_of(self._endpoint)

    async def generate(self, request: TranspileRequest, *, observe: Callable[[Usage], None]) -> str:
        """Return the function that the service has for a request.

        Raises:
            GeneratorError: There is none, or none in time, or what it has was refused here.
        """
        if request.refusals:  # asked again, it would say the same
            first = request.refusals[-1].violations[0]
            message = f"what the service answered was refused here by {first.gate}, rule {first.rule}: {first.message}"
            raise GeneratorError(message)

        async def once(client: Client) -> Json:
            return await ask_service(client, self._endpoint, question_of(request), deadline=request.deadline)

        answer = await self._asker.ask(once, request.deadline)
        text, model = function_in(answer)
        observe(Usage(f"{self._endpoint.model}, {model}" if model else self._endpoint.model))
        return text


def question_of(request: TranspileRequest) -> dict[str, object]:
    """Return the body of a request to the service: the function with its options, and the imports that it uses.

    A Dana function has the types of its source above it, since its hints may name them.
    """
    original = request.original
    imports = [text for text in interfaces(original) if text.startswith(("import ", "from "))]
    types = [f"{text}\n" for text in original.beside if text not in imports]
    return {
        "function_code": f"{''.join(types)}{_decorator(request.options)}\n{original.source}",
        "language": original.language,
        "context": {"imports": imports},
    }


def _decorator(options: PoetOptions) -> str:
    """Return the decorator with what a generator is told; the value of ``retry_on`` may be this program's own."""
    names = ("domain", "optimize_for", "retries", "timeout", "semantics")
    values = [(name, getattr(options, name)) for name in names]
    return f"@poet({', '.join(f'{name}={value!r}' for name, value in values if value is not None)})"


def function_in(answer: Json) -> tuple[str, str]:
    """Return the function in an answer, and the model that wrote it, if that is told.

    A service that knows the plain contract only tells of no source: its function is then taken as it is.

    Raises:
        GeneratorError: The service has none.
    """
    implementation, metadata = _table(answer.get("poet_implementation")), _table(answer.get("metadata"))
    operate, code, source = implementation.get("operate_code"), implementation.get("code"), metadata.get("source")
    if isinstance(operate, str) and operate.strip():
        return operate, str(metadata.get("model") or "")
    if source == "none":
        raise GeneratorError("the service has no model, so it has no better body than your own")
    if source is not None:
        raise GeneratorError(f"the service kept your own body: {str(metadata.get('reason'))[:300]}")
    if isinstance(code, str) and code.strip():
        return code, ""
    raise GeneratorError("the service answered without a function")


def _table(value: object) -> Json:
    return value if isinstance(value, Mapping) else {}
