"""One question for a model, as the tests of the generators ask it."""

import asyncio
import time
from collections.abc import Callable

from poet_import.model import Generator, Original, PoetOptions, Refusal, Template, TranspileRequest, Usage

CODE = "def area(side: float) -> float:\n    return side**2\n"
CANARY = "canary-5f2b1c"  # the key
DIALECTS = ("openai", "anthropic")
Make = Callable[..., Generator]

_ORIGINAL = Original("def area(side: float) -> float:\n    return side * side\n", "area", "area")


def request(seconds: float = 2.0, *refusals: Refusal) -> TranspileRequest:
    template = Template("base", "v1", "", "", ("base",))
    deadline = time.monotonic() + seconds
    return TranspileRequest(_ORIGINAL, PoetOptions(), template, "The function is `area`", deadline, refusals)


def ask(generator: Generator, seconds: float = 2.0, *refusals: Refusal) -> tuple[str, list[Usage]]:
    """Return the answer, and the usage as it was told while the answer arrived."""
    usages: list[Usage] = []
    return asyncio.run(generator.generate(request(seconds, *refusals), observe=usages.append)), usages
