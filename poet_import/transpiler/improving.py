"""Generate, validate, repair: how functions get another body than their own, all of a module at once."""

from __future__ import annotations

import asyncio
import linecache
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Literal, TypeVar

from poet_import.cache.implementations import ImplementationCache, Stored
from poet_import.errors import GeneratorError, TemplateError, ValidationError
from poet_import.model import Generator, Implementation, Original, Refusal, TranspileRequest, Usage, Verdict
from poet_import.templates.prompts import render
from poet_import.transpiler.background import submit
from poet_import.transpiler.progress import progress
from poet_import.transpiler.records import digest_of_calls, evidence_of, record_of
from poet_import.transpiler.requests import Wanted
from poet_import.transpiler.woven import Body, Fallback, Outcome, Pending
from poet_import.validation import readmit, validate, validate_over

_MOST_ANSWERS = 3  # one, and two repairs
_REFUSED_SECONDS = 300.0  # a model that was refused three times would be refused again
_GRACE = 0.5  # seconds over the deadline for the loop to say what is not done
_FAILED_SECONDS = 15.0  # an outage is the circuit breaker's matter; this spares the next import a question


Stage = Literal["asking", "judging"]
Observe = Callable[[str, Usage, Stage], None]  # takes the function, what it has cost so far, and what is done for it
Key = TypeVar("Key")


class Improver:
    """Gets bodies from a generator, and keeps those that were accepted.

    Its asynchronous methods run in the background loop only.
    """

    def __init__(
        self, generator: Generator, cache: ImplementationCache, *, seconds: float = 10.0, waits: bool = True
    ) -> None:
        """Take what answers.

        Args:
            generator: What is asked.
            cache: Where accepted bodies are kept.
            seconds: How long the functions of one module may take.
            waits: Whether `ask` waits for them; otherwise the next process finds them.
        """
        self._generator = generator
        self._cache = cache
        self._seconds = seconds
        self._waits = waits
        self._too_late = Fallback(f"it was not done within {seconds:g} s; a later try may find it")
        self._judging: asyncio.Semaphore | None = None
        self._late: set[asyncio.Task[Outcome]] = set()
        self._asked: set[str] = set()  # keys of what is being generated
        self._lagging: set[str] = set()  # of these, what did not come in time

    def known(self, wanted: Wanted) -> Outcome | None:
        """Return what is known of a function without asking anybody: its body, or why it lately got none."""
        key = self._key(wanted)
        if key in self._asked and not self._waits:
            return Pending()
        if key in self._lagging:
            return Fallback("it is still being generated or judged; a later try may find it")
        stored = self._cache.load(key)
        if stored is not None:
            verdict = _readmitted(stored, wanted)
            if verdict.implementation is not None:
                path = self._cache.path_of(key, wanted.original.language) or ""
                return _kept(verdict.implementation, path, stored, tier="disk")
        elsewhere = self._fetched(key, wanted)
        if elsewhere is not None:
            return elsewhere
        reason = self._cache.failure(key)
        return None if reason is None else Fallback(reason)

    def _fetched(self, key: str, wanted: Wanted) -> Body | None:
        """Return a body that another machine has shared, once all gates have accepted it here too."""
        stored = self._cache.fetch(key)
        if stored is None:
            return None
        verdict = _judged(stored.text, wanted)
        if verdict.implementation is None:
            return None
        path = self._cache.keep(key, stored.text, stored.record) or _shown_in_memory(wanted.original, stored.text)
        return _kept(verdict.implementation, path, stored, tier="shared")

    async def still_holds(self, body: Body, wanted: Wanted) -> bool:
        """Tell whether a body that was accepted before is accepted with the calls that were recorded since."""
        if body.record.get("recorded_calls", "") == digest_of_calls(wanted.original):
            return True
        verdict = await self._judge(body.implementation.operate, wanted)
        return verdict.accepted

    def ask(self, wanted: Mapping[Key, Wanted], module: str) -> dict[Key, Outcome]:
        """Ask for a body for each function of a module, and wait for them where that was asked for.

        Progress is shown under the module's name, if it is given one.
        """
        self._asked.update(map(self._key, wanted.values()))
        with progress(module, len(wanted) if self._waits and module else 0) as shown:
            asked = submit(self.improve(list(wanted.values()), shown.observe))
            if not self._waits:
                return dict.fromkeys(wanted, Pending())
            try:
                outcomes = asked.result(self._seconds + _GRACE)
            except TimeoutError:  # a generator that holds up the loop; what it is late with goes on
                return dict.fromkeys(wanted, self._too_late)
        return dict(zip(wanted, outcomes, strict=True))

    async def aask(self, wanted: Mapping[Key, Wanted]) -> dict[Key, Outcome]:
        """Do the same without holding up the running event loop; this always waits."""
        outcomes = await asyncio.wrap_future(
            submit(self.improve(list(wanted.values()), lambda _name, _usage, _stage: None))
        )
        return dict(zip(wanted, outcomes, strict=True))

    async def improve(self, wanted: Sequence[Wanted], observe: Observe) -> Sequence[Outcome]:
        """Ask for a body for each function, all at once, and return what came of it in the order given.

        What is not done in time is a fallback here; it goes on, so that the next process may find it.
        """
        deadline = time.monotonic() + self._seconds
        tasks = [asyncio.create_task(self._improve(one, deadline, observe)) for one in wanted]
        done, late = await asyncio.wait(tasks, timeout=self._seconds)
        self._late |= late
        for task in late:
            task.add_done_callback(self._late.discard)
        self._lagging |= {self._key(one) for one, task in zip(wanted, tasks, strict=True) if task in late}
        return [task.result() if task in done else self._too_late for task in tasks]

    async def _improve(self, wanted: Wanted, deadline: float, observe: Observe) -> Outcome:
        key = self._key(wanted)
        try:
            return await self._generate(key, wanted, deadline, observe=observe)
        except (GeneratorError, TemplateError) as error:
            return self._failed(key, str(error), getattr(error, "retry_after", None) or _FAILED_SECONDS)
        except ValidationError as error:
            self._cache.forget_answers(key)
            return self._failed(key, str(error), _REFUSED_SECONDS)
        finally:
            self._asked.discard(key)
            self._lagging.discard(key)

    def _failed(self, key: str, reason: str, seconds: float) -> Fallback:
        self._cache.remember_failure(key, reason, seconds)
        return Fallback(reason)

    async def _generate(self, key: str, wanted: Wanted, deadline: float, *, observe: Observe) -> Outcome:
        """Ask until an answer is accepted.

        Raises:
            GeneratorError: There was no answer.
            TemplateError: The domain's template cannot be rendered.
            ValidationError: Every answer was refused.
        """
        original = wanted.original
        begun = time.perf_counter()
        prompt = render(wanted.template, original, wanted.options, evidence=wanted.evidence)
        rendering = time.perf_counter() - begun
        request = TranspileRequest(original, wanted.options, wanted.template, prompt, deadline)
        answered = self._cache.answers(key)  # of a process that was stopped before their verdict
        usages: list[Usage] = []
        while True:
            answer, usage = answered.pop(0) if answered else await self._asked_for(key, request, observe)
            usages.append(usage)
            observe(original.qualname, usage, "judging")
            verdict = await self._judge(answer, wanted)
            if verdict.implementation is not None:
                record = record_of(request, verdict, usages, rendering=rendering)
                path = self._cache.store(key, answer, record) or _shown_in_memory(original, answer)
                return Body(verdict.implementation, path, usage.model, record=record)
            refusals = (*request.refusals, Refusal(answer, verdict.violations))
            if len(refusals) == _MOST_ANSWERS or time.monotonic() >= deadline:
                raise ValidationError(_words(verdict, answers=len(refusals)))
            request = replace(request, refusals=refusals)

    async def _asked_for(self, key: str, request: TranspileRequest, observe: Observe) -> tuple[str, Usage]:
        """Return an answer that is kept until its verdict, so that nobody asks for it twice."""
        answer, usage = await _answer(self._generator, request, observe)
        self._cache.remember_answer(key, answer, usage)
        return answer, usage

    async def _judge(self, answer: str, wanted: Wanted) -> Verdict:
        """Judge an answer in a thread of its own, no more at once than there are processors: trials are timed.

        Raises:
            ValidationError: A gate has failed.
        """
        if self._judging is None:
            self._judging = asyncio.Semaphore(os.cpu_count() or 1)
        async with self._judging:
            try:
                return await asyncio.to_thread(_judged, answer, wanted)
            except Exception as error:  # pragma: no cover  (no text is known to break a gate; none breaks an import)
                raise ValidationError(f"its answer could not be judged ({type(error).__name__}: {error})") from error

    def _key(self, wanted: Wanted) -> str:
        return self._cache.key(
            wanted.original,
            wanted.options,
            template=wanted.template,
            generator=self._generator.fingerprint,
            further=(wanted.present, *wanted.evidence) if wanted.present else (),
        )


def _judged(text: str, wanted: Wanted) -> Verdict:
    if wanted.judge is not None:
        return wanted.judge(text)
    if wanted.present:
        return validate_over(text, wanted.original, wanted.present)
    return validate(text, wanted.original, semantics=wanted.original.semantics)


def _readmitted(stored: Stored, wanted: Wanted) -> Verdict:
    """Judge a text that was kept where others may write: by all gates that need no trial, which are all of Dana's."""
    if wanted.judge is not None:
        return wanted.judge(stored.text)
    return readmit(stored.text, wanted.original, evidence_of(stored.record))


def _kept(implementation: Implementation, path: str, stored: Stored, *, tier: str) -> Body:
    return Body(implementation, path, str(stored.record.get("model", "")), record=stored.record, tier=tier)


async def _answer(generator: Generator, request: TranspileRequest, observe: Observe) -> tuple[str, Usage]:
    """Return an answer and what it has cost.

    Raises:
        GeneratorError: There is no answer, or none that is a text.
    """
    last = Usage(model=generator.fingerprint)

    def note(usage: Usage) -> None:
        nonlocal last
        last = usage
        observe(request.original.qualname, usage, "asking")

    try:
        answer = await generator.generate(request, observe=note)
    except GeneratorError:
        raise
    except (Exception, SystemExit) as error:  # it may be a user's own, and no import breaks because of it
        raise GeneratorError(f"the generator failed ({type(error).__name__}: {error})") from error
    if not isinstance(answer, str):
        raise GeneratorError(f"the generator answered with {type(answer).__name__}, not with a text")
    return answer, last


def _shown_in_memory(original: Original, text: str) -> str:
    """Return a file name for a text that has no file, under which tracebacks find its lines."""
    name = f"<poet {original.qualname} {blake2b(text.encode(), digest_size=4).hexdigest()}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    return name


def _words(verdict: Verdict, *, answers: int) -> str:
    first = verdict.violations[0]
    more = f" (and {len(verdict.violations) - 1} more)" if len(verdict.violations) > 1 else ""
    asked = "its answer was" if answers == 1 else f"each of its {answers} answers was"
    return f"{asked} refused, the last by {first.gate}, rule {first.rule}, line {first.line}: {first.message}{more}"
