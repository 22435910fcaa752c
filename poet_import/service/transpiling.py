"""One request: from the cache, from an identical one that is under way, or from a worker."""

from __future__ import annotations

import asyncio
import json
import os
import time
from dataclasses import dataclass, replace
from hashlib import blake2b

from poet_import._version import __version__
from poet_import.cache.directory import cache_directory
from poet_import.cache.implementations import GATE_VERSION
from poet_import.service.configuration import ServiceSettings
from poet_import.service.faults import Fault
from poet_import.service.library import TemplateLibrary
from poet_import.service.metrics import Metrics, kind_of
from poet_import.service.pool import QueueFull, WorkerLost, WorkerPool
from poet_import.service.problems import Problem, ProblemError
from poet_import.service.programs import is_available
from poet_import.service.responses import ResponseCache, key_of
from poet_import.service.schemas import TranspileBody
from poet_import.service.working import Done, Task, transpile_task

_GRACE_SECONDS = 2.0  # for weaving alone, where a request has used up its time
_COSTLY = "it takes more time or memory to parse and weave than a request may have; send a smaller function"


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes of an answer, and whether they may be given again."""

    body: bytes
    is_lasting: bool


class TranspileService:
    """Answers requests to transpile."""

    def __init__(
        self, configuration: ServiceSettings, pool: WorkerPool, library: TemplateLibrary, *, metrics: Metrics
    ) -> None:
        self._configuration = configuration
        self._settings = configuration.settings
        self._pool = pool
        self._library = library
        self._metrics = metrics
        self._hits = metrics.cache.labels("memory", "hit")
        self._misses = metrics.cache.labels("memory", "miss")
        self._directory = cache_directory(self._settings, generates=True)
        self._under_way: dict[bytes, asyncio.Task[Answer]] = {}
        self._templates = ""
        self._epoch = b""
        self.responses = ResponseCache()
        self.refresh()

    def refresh(self) -> None:
        """See what templates are current now; answers that others had a part in are not given any more."""
        self._templates = self._library.digest()
        facts = (__version__, str(GATE_VERSION), self._settings.fingerprint(), self._templates)
        self._epoch = blake2b("\0".join(facts).encode(), digest_size=16).digest()

    def is_usable(self) -> bool:
        """Tell whether templates can be read, and what is generated be kept."""
        is_kept = self._directory is None or os.access(self._directory, os.W_OK | os.X_OK)
        return is_kept and "base" in self._library.domains()

    def cached(self, body: bytes) -> bytes | None:
        """Return the answer to a request that was answered before."""
        found = self.responses.get(key_of(body, self._epoch))
        (self._misses if found is None else self._hits).inc()
        return found

    async def answer(self, body: bytes, parsed: TranspileBody, *, arrived: float) -> bytes:
        """Return the answer to a request; identical ones that come while one is under way wait for that.

        Raises:
            ProblemError: It cannot be transpiled, or there is no room for it now.
        """
        if parsed.language == "dana" and not is_available():
            raise ProblemError(
                Problem(501, "Dana is not transpiled here: the service was installed without the extra dana")
            )
        key = key_of(body, self._epoch)
        task = self._under_way.get(key)
        if task is None:
            if self._pool.waiting >= self._configuration.most_waiting:
                raise ProblemError(_busy())
            task = self._under_way[key] = asyncio.create_task(self._work(parsed, arrived=arrived))
            task.add_done_callback(lambda done: self._finish(key, done))
        return (await asyncio.shield(task)).body

    def _finish(self, key: bytes, task: asyncio.Task[Answer]) -> None:
        del self._under_way[key]
        if not task.cancelled() and task.exception() is None and task.result().is_lasting:
            self.responses.put(key, task.result().body)

    async def _work(self, parsed: TranspileBody, *, arrived: float) -> Answer:
        left = arrived + self._configuration.seconds - time.monotonic()
        task = Task(
            parsed.function_code,
            parsed.language,
            tuple(parsed.context.imports) if parsed.context else (),
            self._settings,
            self._library.roots,
            self._templates,
            self._directory,
            left,
            self._configuration.worker_memory,
        )
        done = await self._done(task)
        self._count(done)
        if done.faults:
            raise ProblemError(Problem(422, "the function cannot be transpiled", done.faults))
        body = json.dumps(done.response, ensure_ascii=False, separators=(",", ":")).encode()
        return Answer(body, is_lasting=done.source != "fallback")

    async def _done(self, task: Task) -> Done:
        """Have a worker do a task; where a model may be to blame that it was not done in time, without one.

        Raises:
            ProblemError: It cannot be done, or there is no room for it now.
        """
        try:
            return await self._pool.run(transpile_task, task, seconds=max(task.seconds, _GRACE_SECONDS))
        except QueueFull as error:
            raise ProblemError(_busy()) from error
        except (TimeoutError, WorkerLost) as error:
            self._metrics.lost.inc()
            if task.seconds > 0 and self._settings.generates:
                return await self._done(replace(task, seconds=0.0))
            fault = Fault("too-costly", _COSTLY, "/function_code")
            raise ProblemError(Problem(422, "the function cannot be transpiled", (fault,))) from error

    def _count(self, done: Done) -> None:
        metrics = self._metrics
        for stage, seconds in done.stages.items():
            metrics.stages.labels(stage).observe(seconds)
        for refusal in done.refusals:
            metrics.refusals.labels(*refusal.split("/", 1)).inc()
        for direction, tokens in zip(("input", "output"), done.tokens, strict=True):
            metrics.tokens.labels(direction).inc(tokens)
        if not done.faults:
            metrics.sources.labels(done.source).inc()
        if done.source == "fallback":
            metrics.fallbacks.labels(kind_of(done.reason)).inc()


def _busy() -> Problem:
    return Problem(503, "all workers are busy; try again", headers={"retry-after": "1"})
