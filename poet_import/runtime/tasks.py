"""Time limits of asynchronous calls: one timer of the event loop for all of its tasks.

A limit that passes cancels the task, and at the edge of the function the cancellation becomes `PoetTimeout`. A
cancellation from outside stays one: the count of requests tells them apart, as in ``asyncio.timeout`` (CPython:
``Lib/asyncio/timeouts.py``). Where no asyncio task runs the call, as under trio, there is no limit.
"""

from __future__ import annotations

import sys
from time import monotonic

from poet_import.errors import PoetTimeout
from poet_import.runtime.watchdog import Expired

TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    import asyncio

    from typing import Any

    Timer = list[Any]  # empty, or deadline, seconds, task and its cancellations before; "expired" is the fifth

_EXPIRED = 5


class _LoopTimers:
    """The running limits of one event loop."""

    __slots__ = ("handle", "loop", "next_look", "running")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.running: dict[int, Timer] = {}
        self.handle: asyncio.TimerHandle | None = None
        self.next_look = 0.0

    def look(self) -> None:
        """Cancel the tasks whose deadline has passed, and look again when the next one does."""
        self.handle = None
        now = monotonic()
        soonest = 0.0
        for key, timer in list(self.running.items()):
            deadline = timer[0]
            if deadline <= now:
                del self.running[key]
                timer.append("expired")
                timer[2].cancel()
            elif not soonest or deadline < soonest:
                soonest = deadline
        if soonest:
            self.look_at(soonest)

    def look_at(self, deadline: float) -> None:
        """Look when a deadline passes."""
        if self.handle is not None:
            self.handle.cancel()
        self.next_look = deadline
        self.handle = self.loop.call_later(max(0.0, deadline - monotonic()), self.look)


_timers: dict[object, _LoopTimers] = {}  # by event loop


def start_in_task(timer: Timer, seconds: float) -> None:
    """Begin a time limit for the running task."""
    library = sys.modules.get("asyncio")
    task = _current_task(library)
    if task is None:
        return
    loop = task.get_loop()
    timers = _timers.get(loop) or _open(loop)
    deadline = monotonic() + seconds
    timer += deadline, seconds, task, task.cancelling()
    timers.running[id(timer)] = timer
    if timers.handle is None or deadline < timers.next_look:
        timers.look_at(deadline)


def _current_task(library: object) -> asyncio.Task[object] | None:
    try:
        return library.current_task()  # type: ignore[union-attr,attr-defined,no-any-return]  # asyncio, if anybody runs it
    except (RuntimeError, AttributeError):
        return None


def _open(loop: asyncio.AbstractEventLoop) -> _LoopTimers:
    """Make the timers of a loop, and forget those of loops that are closed."""
    for known in [known for known in _timers if known.is_closed()]:  # type: ignore[attr-defined]  # event loops
        del _timers[known]
    timers = _timers[loop] = _LoopTimers(loop)
    return timers


def stop_in_task(timer: Timer) -> None:
    """End a time limit; the task's count of cancellations is then as it would be without it."""
    if not timer:
        return
    task: asyncio.Task[object] = timer[2]
    if _timers[task.get_loop()].running.pop(id(timer), None) is None and len(timer) == _EXPIRED:
        timer.append(task.uncancel())


def interruptions() -> tuple[type[BaseException], ...]:
    """Return what an expired limit may arrive as."""
    library = sys.modules.get("asyncio")
    return (Expired, library.CancelledError) if library else (Expired,)


def timed_out_in_task(error: BaseException, timer: Timer) -> BaseException:
    """Return what a function raises for an interruption: `PoetTimeout` for its own limit, anything else as it is."""
    stop_in_task(timer)
    given_up = isinstance(error, Expired) and error.timer is timer
    expired = len(timer) > _EXPIRED and timer[5] <= timer[3]  # and nobody else has cancelled the task meanwhile
    if not given_up and (isinstance(error, Expired) or not expired):
        return error
    frame = sys._getframe(1)
    place = f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}"
    result = PoetTimeout(place, timer[1])
    result.__cause__ = error.__cause__ if given_up else error
    return result
