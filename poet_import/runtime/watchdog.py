"""Time limits: one thread that interrupts the calls whose deadline has passed.

A call puts its timer into `_running` and takes it out at its end. Taking out is one atomic step, and who does it decides
how the call ends. The main thread is interrupted by a signal, which also ends a blocking system call; another thread by
an asynchronous exception, which it sees when it next runs bytecode. Inside the call both arrive as `Expired`, a
``BaseException``; at the edge of the function it becomes `PoetTimeout`.

An exception may arrive between any two instructions of an interrupted thread, so it never holds a lock of ours.
"""

from __future__ import annotations

import os
import sys
from sys import _getframe  # bound now: somebody may take it away later
from _thread import allocate_lock, get_ident, start_new_thread
from time import monotonic, sleep

import _signal  # the C module: signal itself builds enums, which costs more than all of ours
from poet_import.errors import PoetTimeout

TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any

    Timer = list[Any]  # empty before `start`, then deadline, seconds and thread; a fourth item says that it is over.
    # That of a task: deadline, seconds, the task, its cancellations before, and what became of the limit.

_FOREVER = 1e8  # seconds: three years, and less than any platform's longest wait for a lock
_OVER = 4  # items of a timer that is over

_running: dict[int, Timer] = {}  # id of the timer -> timer
_expired: dict[int, Timer] = {}  # taken out by the watchdog, not yet seen to by its call
_raised: set[int] = set()  # the expired ones for which the signal handler has raised


class Expired(BaseException):  # noqa: N818  (private to woven code; outside it is PoetTimeout)
    """A time limit of the running thread has passed.

    Attributes:
        timer: The timer of a call that ended itself before its limit; None where the watchdog has interrupted it.
    """

    timer: Timer | None = None


class _Watch:
    """The watching thread's own; made anew in a forked child, which has none of the parent's threads."""

    def __init__(self) -> None:
        self.next_look = 0.0  # monotonic time of the next look; before it a new deadline wakes nobody
        self.wake = allocate_lock()
        self.wake.acquire()
        self.starters: dict[str, object] = {}  # holds who was first to start the thread
        self.main_thread = get_ident()


_watch = _Watch()


def start(timer: Timer, seconds: float) -> None:
    """Begin a time limit for the calling thread."""
    deadline = monotonic() + seconds
    timer += deadline, seconds, get_ident()
    _running[id(timer)] = timer
    if deadline < _watch.next_look or not _watch.next_look:
        _look_sooner()


def start_for_task(timer: Timer) -> None:
    """Begin the time limit of a task, whose timer is filled."""
    _running[id(timer)] = timer
    if timer[0] < _watch.next_look or not _watch.next_look:
        _look_sooner()


def stop_for_task(timer: Timer) -> None:
    """End the time limit of a task."""
    _running.pop(id(timer), None)


def stop(timer: Timer) -> None:
    """End a time limit; once this has returned, the limit interrupts nothing any more."""
    if _running.pop(id(timer), None) is None and timer:
        _settle(timer)


def timed_out(error: Expired, timer: Timer) -> BaseException:
    """Return what a function raises for an expired limit: `PoetTimeout` for its own, the same for one around it."""
    stop(timer)
    if len(timer) < _OVER or any(other[2] == timer[2] for other in list(_expired.values())):
        return error
    frame = _getframe(1)
    place = f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}"
    result = PoetTimeout(place, timer[1])
    result.__cause__ = error.__cause__
    return result


def give_up(timer: Timer, error: Exception) -> None:
    """End the call now, because the wait for its next attempt would pass its deadline.

    Raises:
        Expired: Always, caused by the last error.
    """
    if _running.pop(id(timer), None) is not None:
        timer.append("given up")
    expired = Expired()
    expired.timer = timer
    raise expired from error


def _settle(timer: Timer) -> None:
    """Make sure that an interruption which was sent for a timer does not arrive later."""
    while len(timer) < _OVER:
        sleep(0)  # the watchdog has the timer and is about to interrupt this thread
    _expired.pop(id(timer), None)
    _raised.discard(id(timer))
    if timer[3] == "exception" and not any(other[2] == timer[2] for other in list(_expired.values())):
        _set_exception()(timer[2], None)


def _look_sooner() -> None:
    """Start the watching thread, or wake it up."""
    _take_signal()
    me = object()
    try:
        if _watch.starters.setdefault("first", me) is me:
            start_new_thread(_look, ())
        elif _watch.wake.locked():
            _watch.wake.release()
    except RuntimeError:  # another thread has released it; or the interpreter shuts down and has no threads any more
        return


def _look() -> None:
    """Interrupt what has expired, for as long as the process lives."""
    watch = _watch
    while watch is _watch:
        watch.next_look = _FOREVER + monotonic()  # whoever starts while we look must wake us
        now = monotonic()
        soonest = now + _FOREVER
        for key, timer in _running.copy().items():
            deadline = timer[0]
            if deadline <= now:
                _expire(key, timer)
            else:
                soonest = min(soonest, deadline)
        watch.next_look = soonest
        watch.wake.acquire(timeout=max(0.0, soonest - monotonic()))


def _expire(key: int, timer: Timer) -> None:
    """Take out a timer and interrupt its thread, unless its call was faster."""
    if _running.pop(key, None) is None:
        return
    if not isinstance(timer[2], int):
        _cancel_soon(timer)
        return
    _expired[key] = timer
    timer.append(_interrupt(timer[2]))


def _cancel_soon(timer: Timer) -> None:
    """Have the event loop of a task cancel it."""
    try:
        timer[2].get_loop().call_soon_threadsafe(_cancel, timer)
    except RuntimeError:  # the loop is closed, and its tasks run no more
        return


def _cancel(timer: Timer) -> None:
    """Cancel a task, unless its call has ended meanwhile; runs in the task's event loop."""
    if timer[4] == "running":
        timer[4] = "expired"
        timer[2].cancel()


def _interrupt(thread: int) -> str:
    """Interrupt a thread and return by what."""
    if thread == _watch.main_thread and _taken and _signal.getsignal(_taken[0]) is _on_signal:
        _signal.pthread_kill(thread, _taken[0])
        return "signal"
    _set_exception()(thread, Expired)
    return "exception"


def _set_exception() -> Callable[[int, type[Expired] | None], None]:
    """Return the function that sets or clears a thread's asynchronous exception."""
    import ctypes  # noqa: PLC0415  (2 ms, and needed only by a call that has expired outside the main thread)

    def set_exception(thread: int, kind: type[Expired] | None) -> None:
        kind_object = ctypes.py_object(kind) if kind is not None else ctypes.py_object()
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), kind_object)

    return set_exception


_taken: list[int] = []  # the signal that is ours, once there is one


def _take_signal() -> None:
    """Take a signal that nobody uses; only the main thread can, and where there is none it is not needed."""
    if _taken or get_ident() != _watch.main_thread or not hasattr(_signal, "pthread_kill"):
        return
    for number in _candidates():
        if _signal.getsignal(number) is _signal.SIG_DFL and number not in _signal.pthread_sigmask(_signal.SIG_BLOCK, []):
            try:
                _signal.signal(number, _on_signal)
            except (ValueError, OSError):  # not the main interpreter, or a number that the system keeps
                return
            _taken.append(number)
            return


def _candidates() -> Iterator[int]:
    """Yield signals from the least to the most likely to be used: the last real-time ones, then SIGURG."""
    if hasattr(_signal, "SIGRTMAX"):
        yield from range(_signal.SIGRTMAX - 1, _signal.SIGRTMIN + 2, -1)
    yield _signal.SIGURG


def _on_signal(_number: int, _frame: FrameType | None) -> None:
    """Raise in the main thread for each expired timer once; a signal that comes too late finds none."""
    for key, timer in list(_expired.items()):
        if timer[2] == _watch.main_thread and key not in _raised:
            _raised.add(key)
            raise Expired


def _restart_in_child() -> None:
    """Watch on in a forked child, where only the forking thread lives."""
    global _watch  # noqa: PLW0603  (one watchdog a process)
    _watch = _Watch()
    for key in [key for key, timer in _running.items() if timer[2] != get_ident()]:
        del _running[key]
    _expired.clear()
    if _running:
        _look_sooner()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restart_in_child)
if sys.implementation.name == "cpython":
    _take_signal()
