"""Time limits: one thread that interrupts the calls whose deadline has passed.

A call puts its timer into `running` and takes it out at its end. Taking out is one atomic step, and who does it decides
how the call ends. The main thread is interrupted by a signal, which also ends a blocking system call; another thread by
an asynchronous exception, which it sees when it next runs bytecode. Inside the call both arrive as `Expired`, a
``BaseException``; at the edge of the function it becomes `PoetTimeout`.

An exception may arrive between any two instructions of an interrupted thread. So it never holds a lock of ours, and
what one instruction leaves undone, the next `stop` of the same call, or of one around it, finds in the timer. The
woven function keeps its timer in `_VARIABLE`: only calls that are on a stack are interrupted, whatever became of the
others, and which thread runs a call is found there too. While a debugger or a coverage tracer runs above such a call,
its interruption waits: it would strike them, and leave a lock of theirs taken.
"""

import _signal  # type: ignore[import-not-found]  # the C module, unknown to typeshed: signal itself builds enums
import os
from _thread import allocate_lock, get_ident, start_new_thread
from sys import _current_frames, _getframe  # bound now: somebody may take them away later
from time import monotonic, sleep

from poet_import.errors import PoetTimeout

TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Iterator
    from types import FrameType

_VARIABLE = "_poet_timer"
_TRACERS = ("coverage.", "bdb", "pydevd", "_pydevd")  # how the names of modules begin that trace other code
_POSTPONEMENT = 0.01  # seconds until an interruption that would strike a tracer is tried again
_FOREVER = 1e6  # seconds: eleven days, and less than any platform's longest wait for a lock
_INFINITY = float("inf")

_CLAIMED = "claimed"
_FASTER = "faster"  # the call ended first, or its frame is gone
_SIGNAL = "signal"
_EXCEPTION = "exception"
_RAISED = "raised"


class Timer:
    """The time limit of one call.

    Attributes:
        deadline: Monotonic time; 0 as long as the limit has not been started.
        seconds: What was asked for.
        fate: What the watchdog, and then the signal's handler, have done about an expired limit; empty before.
        is_over: Whether the call has seen to its fate.
        task: That of an asynchronous call, None for others.
        cancellations: Of the task, before the limit began.
    """

    __slots__ = ("cancellations", "deadline", "fate", "is_over", "seconds", "task")
    deadline: float
    seconds: float
    fate: str
    is_over: bool
    task: "Task[object] | None"
    cancellations: int

    def __getattr__(self, name: str) -> object:
        """Return what an attribute is before it is set; defaults in the class would slow down each setting."""
        return _UNSET[name]


_UNSET = {"deadline": 0.0, "fate": "", "is_over": False, "task": None}
running: set[Timer] = set()


class Expired(BaseException):
    """A time limit of the running thread has passed.

    Attributes:
        timer: The timer of a call that ended itself before its limit; None where the watchdog has interrupted it.
    """

    timer: Timer | None = None


class _Watch:
    """What the watching thread and the calls tell each other."""

    def __init__(self) -> None:
        self.uses_signals = hasattr(_signal, "pthread_kill")
        self.reset()

    def reset(self) -> None:
        """Begin without a watching thread."""
        self.next_look = _INFINITY  # monotonic time of the next look
        self.asked = _INFINITY  # the deadline that it was last woken for
        self.hurry_before = _INFINITY  # a deadline past this one needs nothing but to be in `running`
        self.wake = allocate_lock()
        self.wake.acquire()
        self.starters: dict[str, object] = {}  # holds who was first to start the thread


watch = _Watch()
_signalled: list[int] = []  # the main thread and the signal that is ours, once there is one


def start(timer: Timer, seconds: float) -> None:
    """Begin a time limit for the calling thread."""
    timer.deadline = deadline = monotonic() + seconds
    timer.seconds = seconds
    running.add(timer)
    if deadline < watch.hurry_before:
        look_sooner(deadline)


def stop(timer: Timer) -> None:
    """End a time limit; once this has returned, the limit interrupts nothing any more.

    Raises:
        Expired: The limit of a call around this one has passed, and its interruption was lost with this one's.
    """
    try:
        running.remove(timer)
    except KeyError:
        if timer.fate:
            _settle(timer)


def timed_out(error: Expired, timer: Timer) -> BaseException:
    """Return what a function raises for an expired limit: `PoetTimeout` for its own, the same for one around it."""
    stop(timer)
    frame = _getframe(1)
    if (wish := _wish_to_end(error)) is not None:
        return wish
    is_own = error.timer is timer or _has_expired(timer)
    if not is_own or _has_expired_around(timer, frame):
        return error
    place = f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}"
    result = PoetTimeout(place, timer.seconds)
    result.__cause__ = error.__cause__
    return result


def _wish_to_end(error: Expired) -> BaseException | None:
    """Return the KeyboardInterrupt or SystemExit that was on its way through the call when the interruption came.

    One that the call's caller is handling has no frame below the call.
    """
    frames = set(_frames_of(error))
    found = error.__context__
    while found is not None:
        if isinstance(found, KeyboardInterrupt | SystemExit) and not frames.isdisjoint(_frames_of(found)):
            return found
        found = found.__context__
    return None


def _frames_of(error: BaseException) -> "Iterator[FrameType]":
    """Yield the frames that an exception has passed."""
    traceback = error.__traceback__
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next


def give_up(timer: Timer, error: Exception) -> None:
    """End the call now, because the wait for its next attempt would pass its deadline.

    Raises:
        Expired: Always, caused by the last error.
    """
    expired = Expired()
    expired.timer = timer
    raise expired from error


def look_sooner(deadline: float) -> None:
    """Start the watching thread, or wake it up; called with a deadline that it may not know of."""
    if watch.uses_signals and not _signalled:
        _take_signal()
    watch.asked = deadline
    me = object()
    try:
        if watch.starters.setdefault("first", me) is me:
            start_new_thread(_look, ())
        elif deadline < watch.next_look and watch.wake.locked():
            watch.wake.release()
    except RuntimeError:  # another thread has released it; or none can be started now, and the next call tries again
        if watch.starters.get("first") is me:
            watch.starters.clear()


def _settle(timer: Timer) -> None:
    """Make sure that an interruption which was sent for a timer does not arrive later."""
    while timer.fate == _CLAIMED and timer not in running:
        sleep(0)  # the watchdog is about to interrupt this thread, or to postpone that
    running.discard(timer)
    was_over = timer.is_over
    timer.is_over = True
    if timer.fate == _EXCEPTION and not was_over:
        _absorb()
        if _has_expired_around(timer, _getframe()):
            raise Expired  # a thread has room for one interruption: that of the outer limit may have gone too


def _absorb() -> None:
    """Receive an interruption that may have been sent to this thread, or have arrived already.

    Taking one back would leave a flag of the interpreter's up, on which 3.11 hangs while it is traced. So one more is
    sent: then there is surely one to receive.
    """
    try:
        _interrupt_thread(get_ident())
        while True:
            pass
    except Expired:
        return


def _has_expired(timer: Timer) -> bool:
    return timer.fate not in ("", _FASTER)


def _has_expired_around(timer: Timer, frame: "FrameType") -> bool:
    return any(_has_expired(other) for other in _limits(frame) if other is not timer)


def _limits(frame: "FrameType | None") -> "Iterator[Timer]":
    """Yield the timers of the synchronous calls on a stack, innermost first."""
    while frame is not None:
        if _VARIABLE in frame.f_code.co_varnames:
            timer = frame.f_locals.get(_VARIABLE)
            if timer is not None and timer.deadline and timer.task is None:
                yield timer
        frame = frame.f_back


def _is_tracing(frame: "FrameType | None") -> bool:
    """Whether a debugger or coverage runs on this stack, called by code within the innermost time limit."""
    while frame is not None and _VARIABLE not in frame.f_code.co_varnames:
        if str(frame.f_globals.get("__name__")).startswith(_TRACERS):
            return True
        frame = frame.f_back
    return False


def _postpone(timer: Timer) -> None:
    """Have the watchdog interrupt the call of a claimed timer a little later."""
    timer.deadline = deadline = monotonic() + _POSTPONEMENT
    running.add(timer)
    if deadline < watch.hurry_before:
        look_sooner(deadline)


def _look() -> None:  # pragma: no cover  (coverage sees no thread that _thread starts)
    """Interrupt what has expired, for as long as the process lives."""
    while True:
        watch.next_look = watch.hurry_before = _INFINITY  # whoever starts while we look must wake us
        now = monotonic()
        # A call that woke us and is over by now was hardly the last of its kind: without it the next would wake us too.
        soonest = watch.asked if now < watch.asked else now + _FOREVER
        late = []
        for timer in running.copy():
            if timer.deadline <= now:
                late.append(timer)
            else:
                soonest = min(soonest, timer.deadline)
        if late:
            _expire_all(late)
        watch.next_look = soonest
        if _signalled or not watch.uses_signals:  # else the main thread has not yet begun a limit, and must be noticed
            watch.hurry_before = soonest
        watch.wake.acquire(timeout=min(_FOREVER, max(0.0, soonest - monotonic())))


def _expire_all(late: list[Timer]) -> None:  # pragma: no cover  (the watching thread's)
    """Interrupt the calls of timers."""
    threads: dict[Timer, int] = {}
    if any(timer.task is None for timer in late):
        threads = {timer: thread for thread, frame in _current_frames().items() for timer in _limits(frame)}
    for timer in late:
        if timer.task is None:
            _expire(timer, threads.get(timer))
        elif _is_taken_out(timer):
            _cancel_soon(timer, timer.task)


def _expire(timer: Timer, thread: int | None) -> None:  # pragma: no cover  (the watching thread's)
    """Take out a timer and interrupt its call, unless the call is faster, or its frame is gone."""
    timer.fate = _CLAIMED  # before taking it out: its thread waits for what comes of a claim
    if not _is_taken_out(timer) or timer.is_over or thread is None:
        timer.fate = _FASTER
    elif _signalled[:1] == [thread] and _signal.getsignal(_signalled[1]) is _on_signal:
        timer.fate = _SIGNAL  # before the signal, whose handler looks for it
        _signal.pthread_kill(*_signalled)
    else:
        _interrupt(timer, thread)


def _is_taken_out(timer: Timer) -> bool:  # pragma: no cover  (the watching thread's)
    try:
        running.remove(timer)
    except KeyError:
        return False
    return True


def _interrupt(timer: Timer, thread: int) -> None:  # pragma: no cover  (the watching thread's)
    """Raise in the thread of a timer if its call is still on the stack."""
    try:
        import ctypes  # noqa: F401  (now: an import after the look at the stack would let the thread run on)
    except ImportError:  # a Python built without it, or one that shuts down
        timer.fate = _FASTER
        return
    frame = _current_frames().get(thread)
    if not any(other is timer for other in _limits(frame)):
        timer.fate = _FASTER
    elif _is_tracing(frame):
        _postpone(timer)
    else:
        _interrupt_thread(thread)
        timer.fate = _EXCEPTION


def _cancel_soon(timer: Timer, task: "Task[object]") -> None:  # pragma: no cover  (the watching thread's)
    """Have the event loop of a task cancel it."""
    try:
        task.get_loop().call_soon_threadsafe(_cancel, timer)
    except RuntimeError:  # the loop is closed, and its tasks run no more
        return


def _cancel(timer: Timer) -> None:
    """Cancel a task, unless its call has ended meanwhile; runs in the task's event loop."""
    if timer.task is not None and not timer.is_over:
        timer.fate = _EXCEPTION
        timer.task.cancel()


def _interrupt_thread(thread: int) -> None:
    """Raise in a thread when it next runs bytecode."""
    import ctypes  # 2 ms, and needed only by a call that has expired outside the main thread

    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(Expired))


def _take_signal() -> None:
    """Take a signal that nobody uses, if this is the main thread: only there can it be taken, and is it needed."""
    blocked = _signal.pthread_sigmask(_signal.SIG_BLOCK, [])
    for number in _candidates():
        if _signal.getsignal(number) is _signal.SIG_DFL and number not in blocked:
            try:
                _signal.signal(number, _on_signal)
            except ValueError:  # not the main thread of the main interpreter
                return
            _signalled[:] = get_ident(), number
            return


def _candidates() -> "Iterator[int]":
    """Yield signals from the least to the most likely to be used: the last real-time ones, then SIGURG."""
    if hasattr(_signal, "SIGRTMAX"):
        yield from range(_signal.SIGRTMAX - 1, _signal.SIGRTMIN + 2, -1)
    yield _signal.SIGURG


def _on_signal(_number: int, frame: "FrameType | None") -> None:
    """Raise in the main thread for the expired limits of its calls; a signal that comes too late finds none."""
    late = [timer for timer in _limits(frame) if timer.fate == _SIGNAL and not timer.is_over]
    if _is_tracing(frame):
        for timer in late:
            _postpone(timer)
        return
    for timer in late:
        timer.fate = _RAISED
    if late:
        raise Expired


def _restart_in_child() -> None:  # pragma: no cover  (coverage writes nothing in a child that os._exit ends)
    """Watch on in a forked child, where only the forking thread lives."""
    watch.reset()
    running.clear()
    me = get_ident()
    if _signalled[:1] != [me]:  # on 3.13 the signals of a child that was forked by another thread are never handled
        watch.uses_signals = False
        _signalled.clear()
    for timer in _limits(_getframe()):
        if timer.fate in ("", _CLAIMED, _SIGNAL):  # whoever was to interrupt it has stayed behind
            timer.fate = ""
            running.add(timer)
            look_sooner(timer.deadline)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restart_in_child)
if watch.uses_signals:
    _take_signal()
