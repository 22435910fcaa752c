"""Worker processes for what may take long: one task each at a time, ended when its time is over.

``anyio`` keeps the processes; a task that is cancelled, or takes its process down, costs that process alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

import anyio
import anyio.to_process

from poet_import.service.working import warm

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

_KEEP_WARM_SECONDS = 120.0  # anyio ends a process that was idle for five minutes
_START_SECONDS = 30.0


class WorkerLost(Exception):  # noqa: N818  (what happened to it)
    """A worker process ended: it ran out of memory, or somebody ended it."""


class QueueFull(Exception):  # noqa: N818  (what is the matter with the queue)
    """No process was free in time."""


class WorkerPool:
    """As many processes as there may be tasks at work at once; further tasks wait for one."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._limiter = anyio.CapacityLimiter(workers)
        self._processes = anyio.CapacityLimiter(math.inf)  # what the other one lets through

    @property
    def waiting(self) -> int:
        """Return how many tasks wait for a process."""
        return self._limiter.statistics().tasks_waiting

    @property
    def busy(self) -> int:
        """Return how many processes are at work."""
        return int(self._limiter.borrowed_tokens)

    async def run(self, function: Callable[[*Arguments], Result], *arguments: *Arguments, seconds: float) -> Result:
        """Return what a function of a module's top level returns.

        Args:
            function: What to call.
            arguments: With what; all of it is pickled.
            seconds: How long it may take, waiting for a process included.

        Raises:
            QueueFull: No process was free in that time.
            TimeoutError: It took longer; its process is gone.
            WorkerLost: Its process ended, or its memory did.
        """
        has_begun = False
        try:
            with anyio.fail_after(seconds):
                async with self._limiter:
                    has_begun = True
                    return await anyio.to_process.run_sync(
                        function, *arguments, cancellable=True, limiter=self._processes
                    )
        except TimeoutError as error:
            raise (error if has_begun else QueueFull()) from None
        except (anyio.BrokenWorkerProcess, MemoryError) as error:
            raise WorkerLost from error

    async def start(self) -> None:
        """Start all processes, so that no request waits for one to load."""
        async with anyio.create_task_group() as group:
            for _ in range(self.workers):
                group.start_soon(self._warm)

    async def keep_warm(self) -> None:
        """Use each process now and then, for as long as this runs."""
        while True:
            await anyio.sleep(_KEEP_WARM_SECONDS)
            await self.start()

    async def _warm(self) -> None:
        try:
            await self.run(warm, seconds=_START_SECONDS)
        except (QueueFull, TimeoutError, WorkerLost):  # the next task starts another
            return
