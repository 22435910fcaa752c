"""One request: from the cache, from an identical one that is under way, or from a worker."""

from __future__ import annotations

import asyncio
import json
import os
import time
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from poet_import._version import __version__
from poet_import.cache.directory import cache_directory
from poet_import.cache.implementations import GATE_VERSION
from poet_import.errors import GeneratorError
from poet_import.generators import EndpointGenerator
from poet_import.model import Generator
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
from poet_import.settings import Settings
from poet_import.source.context import surroundings
from poet_import.transpiler import generator_over

if TYPE_CHECKING:
    from poet_import.service.cluster import Cluster
    from poet_import.service.tracing import Tracing

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
        self,
        configuration: ServiceSettings,
        pool: WorkerPool,
        library: TemplateLibrary,
        *,
        metrics: Metrics,
        cluster: Cluster | None = None,
    ) -> None:
        self._cluster = cluster
        self._configuration = configuration
        self._settings = configuration.settings
        self._pool = pool
        self._library = library
        self._metrics = metrics
        self._hits = metrics.cache.labels("memory", "hit")
        self._misses = metrics.cache.labels("memory", "miss")
        self._directory = cache_directory(self._settings, generates=True)
        self._elsewhere = 0  # requests that wait for another replica
        self._under_way: dict[bytes, asyncio.Task[Answer]] = {}
        self._templates = ""
        self._epoch = b""
        self._generator = _generator(self._settings, self._directory)
        self.responses = ResponseCache()
        self.tracing: Tracing | None = None
        self.refresh()

    def refresh(self) -> None:
        """See what templates are current now; answers that others had a part in are not given any more."""
        self._templates = self._library.digest()
        facts = (__version__, str(GATE_VERSION), self._settings.fingerprint(), self._templates)
        self._epoch = blake2b("\0".join(facts).encode(), digest_size=16).digest()

    def is_model_down(self) -> bool:
        """Tell whether nobody is asked now, since lately there was no answer."""
        return isinstance(self._generator, EndpointGenerator) and self._generator.is_down()

    def is_usable(self) -> bool:
        """Tell whether templates can be read, and what is generated be kept."""
        is_kept = self._directory is None or os.access(self._directory, os.W_OK | os.X_OK)
        return is_kept and "base" in self._library.domains()

    def cached(self, body: bytes) -> bytes | None:
        """Return the answer to a request that was answered before."""
        found = self.responses.get(key_of(body, self._epoch))
        (self._misses if found is None else self._hits).inc()
        return found

    def cached_packed(self, body: bytes) -> bytes | None:
        """Return the same answer packed."""
        return self.responses.get_packed(key_of(body, self._epoch))

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
            if self.waiting >= self._configuration.most_waiting:
                raise ProblemError(_busy())
            task = self._under_way[key] = asyncio.create_task(self._alone(key, parsed, arrived=arrived))
            task.add_done_callback(lambda done: self._finish(key, done))
        return (await asyncio.shield(task)).body

    def _finish(self, key: bytes, task: asyncio.Task[Answer]) -> None:
        del self._under_way[key]
        if not task.cancelled() and task.exception() is None and task.result().is_lasting:
            self.responses.put(key, task.result().body)

    @property
    def waiting(self) -> int:
        """Return how many requests wait for a worker, or for another replica."""
        return self._pool.waiting + self._elsewhere

    async def _alone(self, key: bytes, parsed: TranspileBody, *, arrived: float) -> Answer:
        """Answer, after any other replica that is about to answer the same: then the model need not be asked again."""
        if self._cluster is None or not self._cluster.is_up or not self._settings.generates:
            return await self._work(parsed, arrived=arrived)
        self._elsewhere += 1
        is_waiting = True
        try:
            async with self._cluster.alone(key.hex(), self._left(arrived)):
                self._elsewhere -= 1
                is_waiting = False
                return await self._work(parsed, arrived=arrived)
        finally:
            self._elsewhere -= is_waiting

    def _left(self, arrived: float) -> float:
        """Return the seconds that a request still has."""
        return arrived + self._configuration.seconds - time.monotonic()

    async def _work(self, parsed: TranspileBody, *, arrived: float) -> Answer:
        task = Task(
            parsed.function_code,
            parsed.language,
            tuple(parsed.context.imports) if parsed.context else (),
            self._settings,
            self._library.roots,
            self._templates,
            self._directory,
            self._left(arrived),
            self._configuration.worker_memory,
            surroundings(parsed.context.sandbox_context) if parsed.context else (),
            self._cluster.url if self._cluster and self._cluster.is_up else None,
        )
        done = await self._done(task)
        self._count(done)
        if done.is_redis_lost and self._cluster:
            self._cluster.lost()
        if self.tracing is not None:
            self.tracing.add_stages(done)
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
        if self._settings.generates and not done.faults:
            metrics.cache.labels("disk", "hit" if done.tier == "disk" else "miss").inc()
            if self._cluster and done.tier != "disk":
                metrics.cache.labels("shared", "hit" if done.tier == "shared" else "miss").inc()
        if done.source == "fallback":
            metrics.fallbacks.labels(kind_of(done.reason)).inc()


def _generator(settings: Settings, directory: str | None) -> Generator | None:
    """Return what workers ask, to see how it does; None where it cannot be asked, which each of their answers tells."""
    if not settings.generates:
        return None
    try:
        return generator_over(settings, directory)
    except (GeneratorError, ValueError):
        return None


def _busy() -> Problem:
    return Problem(503, "all workers are busy; try again", headers={"retry-after": "1"})
