"""Time limits of asynchronous calls: one that passes cancels the task; at the function's edge that is `PoetTimeout`.

A cancellation from outside stays one: the count of requests tells them apart, as in ``asyncio.timeout`` (CPython:
``Lib/asyncio/timeouts.py``). The event loop has no timer of ours, so a loop with a clock of its own never waits for
one: the watchdog's thread tells it when there is something to cancel. Where no asyncio task runs the call, as under
trio, there is no limit.
"""

import sys
from sys import _getframe  # bound now: somebody may take it away later
from time import monotonic

from poet_import.errors import PoetTimeout
from poet_import.runtime.watchdog import Expired, Timer, look_sooner, running, watch

TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    from asyncio import Task
    from typing import Any

_CANCELLED = "cancelled"  # by somebody else, too
_TIMED_OUT = "timed out"


def start_in_task(timer: Timer, seconds: float) -> None:
    """Begin a time limit for the running task."""
    if _running_loop is None and not _has_asyncio():
        return
    loop = _running_loop()
    task = None if loop is None else _task_of(loop)
    if task is None:
        return
    timer.deadline = deadline = monotonic() + seconds
    timer.seconds = seconds
    timer.task = task
    timer.cancellations = task.cancelling()
    running.add(timer)
    if deadline < watch.hurry_before:
        look_sooner(deadline)


_running_loop: "Any" = None  # of asyncio, once somebody has imported it
_task_of: "Any" = None


def _has_asyncio() -> bool:
    """Bind what finds the running task, if asyncio is loaded: else nobody can be running one."""
    global _running_loop, _task_of  # noqa: PLW0603  (a name in the module is the cheapest place for a call to look at)
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None:
        # Before 3.12, where it is written in C, current_task costs three times what it looks up.
        _task_of = asyncio.current_task if sys.version_info >= (3, 12) else asyncio.tasks._current_tasks.get  # noqa: SLF001
        _running_loop = asyncio._get_running_loop  # noqa: SLF001  (in asyncio's __all__)
    return asyncio is not None


def stop_in_task(timer: Timer) -> None:
    """End a time limit; the task's count of cancellations is then as it would be without it."""
    try:
        running.remove(timer)
    except KeyError:
        if timer.task is not None and not timer.is_over:
            _settle(timer, timer.task)


def _settle(timer: Timer, task: "Task[object]") -> None:
    timer.is_over = True
    if timer.fate:
        # More requests than before: somebody else has cancelled the task too, and that counts.
        timer.fate = _CANCELLED if task.uncancel() > timer.cancellations else _TIMED_OUT


def interruptions() -> tuple[type[BaseException], ...]:
    """Return what an expired limit may arrive as."""
    library = sys.modules.get("asyncio")
    return (Expired, library.CancelledError) if library else (Expired,)


def timed_out_in_task(error: BaseException, timer: Timer) -> BaseException:
    """Return what a function raises for an interruption: `PoetTimeout` for its own limit, anything else as it is."""
    stop_in_task(timer)
    is_given_up = isinstance(error, Expired) and error.timer is timer
    is_own = timer.fate == _TIMED_OUT and not isinstance(error, Expired)
    if not is_given_up and not is_own:
        return error
    frame = _getframe(1)
    place = f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}"
    result = PoetTimeout(place, timer.seconds)
    result.__cause__ = error.__cause__ if is_given_up else error
    return result
