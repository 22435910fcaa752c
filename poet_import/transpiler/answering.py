"""Generated bodies for the functions of a Dana source: ask, judge, ask again, all functions at once.

Nothing is kept between calls: the service keeps its answers, and a text in the source is the user's to keep.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace

from poet_import.dana.discovery import DanaFunction, DanaSource, span_of
from poet_import.dana.grafting import is_improvable
from poet_import.dana.judging import judge
from poet_import.dana.parsing import trees
from poet_import.errors import GeneratorError, TemplateError
from poet_import.model import Generator, Original, Refusal, Template, TranspileRequest, Usage, Verdict
from poet_import.templates.prompts import render
from poet_import.transpiler.background import submit
from poet_import.transpiler.woven import Body, Fallback

_BESIDE = ("record", "import_", "from_import")  # what a model is told of the source around a function
_MOST_ANSWERS = 3  # one, and two repairs
_GRACE = 0.5  # seconds over the deadline for the loop to say what is not done
_INSIDE_A_BLOCK = Fallback("a function inside a block keeps its body: there is no place for helpers beside it")


def answers(
    source: DanaSource, templates: Mapping[DanaFunction, Template], generator: Generator, *, seconds: float
) -> dict[DanaFunction, Body | Fallback]:
    """Return for each marked function of a source another body, or why it keeps its own.

    Args:
        source: The source.
        templates: The domain of each function.
        generator: What is asked.
        seconds: How long all of them may take.
    """
    late = Fallback(f"it was not done within {seconds:g} s")
    asked = submit(_all(source, templates, generator, seconds=seconds))
    try:
        return asked.result(seconds + _GRACE)
    except TimeoutError:  # a generator that holds up the loop
        return dict.fromkeys(source.functions, late)


async def _all(
    source: DanaSource, templates: Mapping[DanaFunction, Template], generator: Generator, *, seconds: float
) -> dict[DanaFunction, Body | Fallback]:
    deadline = time.monotonic() + seconds
    wanted = [found for found in source.functions if is_improvable(found, source)]
    tasks = [
        asyncio.create_task(_answer(found, source, templates[found], generator=generator, deadline=deadline))
        for found in wanted
    ]
    if tasks:
        await asyncio.wait(tasks, timeout=seconds)
    done: dict[DanaFunction, Body | Fallback] = dict.fromkeys(source.functions, _INSIDE_A_BLOCK)
    for found, task in zip(wanted, tasks, strict=True):
        done[found] = task.result() if task.done() else Fallback(f"it was not done within {seconds:g} s")
        task.cancel()
    return done


def _request(found: DanaFunction, source: DanaSource, template: Template, *, deadline: float) -> TranspileRequest:
    """Return the question for a function.

    Raises:
        TemplateError: The domain's text cannot be rendered.
    """
    original = _original(found, source)
    return TranspileRequest(original, found.options, template, render(template, original, found.options), deadline)


def _original(found: DanaFunction, source: DanaSource) -> Original:
    name = str(found.name)
    start, end = span_of(found.node, source.text)
    return Original(
        f"{source.text[start:end]}\n",
        name,
        name,
        semantics=found.options.semantics,
        surroundings=source.surroundings,
        language="dana",
        beside=tuple(source.span(node).rstrip() for node in trees(source.tree) if node.data in _BESIDE),
    )


async def _answer(
    found: DanaFunction, source: DanaSource, template: Template, *, generator: Generator, deadline: float
) -> Body | Fallback:
    """Ask until an answer is accepted."""
    try:
        request = _request(found, source, template, deadline=deadline)
    except TemplateError as error:
        return Fallback(str(error))
    last = Usage(model=generator.fingerprint)

    def note(usage: Usage) -> None:
        nonlocal last
        last = usage

    while True:
        try:
            text = await generator.generate(request, observe=note)
        except GeneratorError as error:
            return Fallback(str(error))
        verdict = await asyncio.to_thread(judge, text, found, source)
        if verdict.implementation is not None:
            return Body(verdict.implementation, "", last.model)
        request = replace(request, refusals=(*request.refusals, Refusal(text, verdict.violations)))
        if len(request.refusals) == _MOST_ANSWERS or time.monotonic() >= request.deadline:
            return Fallback(_words(verdict, len(request.refusals)))


def _words(verdict: Verdict, count: int) -> str:
    first = verdict.violations[0]
    asked = "its answer was" if count == 1 else f"each of its {count} answers was"
    return f"{asked} refused, the last by {first.gate}, rule {first.rule}, line {first.line}: {first.message}"
