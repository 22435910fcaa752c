"""What a function with ``optimize_for`` tells of its calls, and the queue between it and what writes that down.

A call puts one tuple into a queue; a thread of ours does the rest (`poet_import.events.writer`). A call takes no lock,
does no input or output, and waits for nothing. An exception may arrive in it between any two instructions, and another
call of the same thread, made by a finalizer, may come between them: nothing here is broken by half a step.
"""

import atexit
import os
from _collections import deque  # type: ignore[import-not-found]  # collections costs more
from _contextvars import ContextVar
from _thread import get_ident
from importlib import import_module
from itertools import count
from sys import _getframe, modules  # bound now: somebody may take it away later
from threading import Event, Lock, Thread
from time import monotonic
from time import perf_counter_ns as clock

from poet_import.errors import EnforceError, PerceiveError, PoetTimeout
from poet_import.runtime.snapshots import given, message_of, shown

__all__ = ["clock", "failed", "given", "succeeded"]  # what woven code calls
TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    Values: TypeAlias = dict[str, str] | Literal[False]
    """The arguments as texts by parameter; False where no values are recorded."""
    Failure: TypeAlias = tuple[str, str, str, str, str | None]
    """Status, type; parameter and what was expected of it, where a check has failed; message, where recorded."""
    Call: TypeAlias = tuple[int, int, str, int, str, str, int, Failure | None, Values, str | None]
    """Begin and end by `clock`, process, number, module, site, retries, failure, arguments, result where recorded."""

MOST_WAITING = 1 << 15
"""Events in the queue; further ones are dropped, and counted."""
MOST_WAITING_WITH_VALUES = 1 << 12
"""The same where values are recorded: each event is larger then, by up to 5 kB."""
_FLUSH_SECONDS = 5.0  # that the end of a process may take longer for what is still to be written
_NEXT_START_SECONDS = 1.0  # after a thread could not be started
_LONGEST_LOADING = 5.0  # seconds that a fork waits for an import of the writing thread
_NOTHING = object()  # a generator has no result

waiting: "deque[object]" = deque()
"""Calls as tuples, other events as objects of `poet_import.events`, and a `threading.Event` for each `flush`."""
most_waiting = MOST_WAITING
_numbers = count(1)
_process = os.urandom(6).hex()
_last: "ContextVar[Call | None]" = ContextVar("poet_import.last_execution", default=None)


class _Writer:
    """What the writing thread and the calls tell each other."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin without a thread."""
        self.is_parked = True  # nothing is written before somebody wakes the thread, or starts it
        self.alarm = Lock()
        self.alarm.acquire()
        self.thread: Thread | None = None
        self.starters: dict[str, object] = {}  # holds who is about to start the thread
        self.next_start = 0.0  # monotonic time
        self.loading = Lock()  # held while the thread imports: a child that is forked then could never import the same
        self.holds_back = False  # loading, for a fork
        self.dropped = count()
        self.looks = 0  # at the count of dropped events: each takes a number too


writer = _Writer()


def succeeded(  # noqa: PLR0917  (keywords would cost the call 40 ns)
    begun: int | None, module: str, site: str, retries: int, values: "Values", result: object = _NOTHING
) -> None:
    """Record that a function returns, or that its generator has come to its end.

    Args:
        begun: What `clock` said when the call began; None where it has failed, which is recorded already.
        module: The function's module.
        site: Its qualified name and what tells the body that runs from others, as ``Basket.total@own-0f3a9c01b2d4``.
        retries: How many attempts came after the first.
        values: The arguments, if values are recorded.
        result: What the function returns; a generator has none.
    """
    if begun is None:
        return
    text = shown(result) if values is not False and result is not _NOTHING else None
    # No time of day is asked for: what writes the event works it out of the clock.
    call = begun, clock(), _process, next(_numbers), module, site, retries, None, values, text
    _last.set(call)
    if len(waiting) < most_waiting:
        waiting.append(call)
    else:
        next(writer.dropped)
    if writer.is_parked:
        wake()


def failed(  # noqa: PLR0917  (as `succeeded`)
    begun: int, module: str, site: str, retries: int, values: "Values", error: BaseException
) -> None:
    """Record that a function raises; the arguments are those of `succeeded`."""
    message = None if values is False else message_of(error, _getframe(1).f_locals)
    failure = failure_of(error, f"{module}.{site.rpartition('@')[0]}", message)
    record(begun, (module, site), retries, values=values, ended=failure)


def failure_of(error: BaseException, function: str, message: str | None) -> "Failure":
    """Return how a call of a function failed; a check or limit of a function that it has called is not its own."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(error, PerceiveError | EnforceError) and error.function == function:
        status = "perceive_error" if isinstance(error, PerceiveError) else "enforce_error"
        return status, name, error.parameter, error.expected, message
    if isinstance(error, PoetTimeout) and error.function == function:
        status = "timeout"
    elif isinstance(error, GeneratorExit):
        status = "closed"
    else:
        status = "operate_error" if isinstance(error, Exception) else "cancelled"
    return status, name, "", "", message


def record(
    begun: int, place: tuple[str, str], retries: int, *, values: "Values", ended: "Failure | str | None"
) -> None:
    """Record a call, in the words of `succeeded`; ``ended`` is how it failed, or its result as text, or None."""
    failure, text = (ended, None) if isinstance(ended, tuple) else (None, ended)
    call = begun, clock(), _process, next(_numbers), *place, retries, failure, values, text
    _last.set(call)
    enqueue(call)


def enqueue(event: object) -> None:
    """Put an event into the queue if there is room, else count it as dropped."""
    if len(waiting) < most_waiting:
        waiting.append(event)
    else:
        next(writer.dropped)
    if writer.is_parked:
        wake()


def execution_id(call: "Call") -> str:
    """Return the id of a call; it names the function, so that feedback knows whose it is in any process."""
    return f"{call[4]}.{call[5].rpartition('@')[0]}:{call[2]}-{call[3]:x}"


def last_execution_id() -> str | None:
    """Return the id of the last call of a function with ``optimize_for`` that has ended in this context.

    Each thread and each asyncio task has a context of its own. None where no such call has ended.

    .. versionadded:: 0.1.0
    """
    call = _last.get()
    return None if call is None else execution_id(call)


def dropped() -> int:
    """Return how many events of this process found the queue full."""
    writer.looks += 1
    return next(writer.dropped) - writer.looks + 1


def wake() -> None:
    """Let the writing thread look at the queue; start it if there is none."""
    if writer.thread is None or not writer.thread.is_alive():
        _start()
        return
    try:
        writer.alarm.release()
    except RuntimeError:  # somebody else has woken it
        return


def _start() -> None:
    me = object()
    if monotonic() < writer.next_start or writer.starters.setdefault("first", me) is not me:
        return
    try:
        if writer.thread is None or not writer.thread.is_alive():  # pragma: no branch  (another thread was faster)
            writer.thread = Thread(target=_write, name="poet_import events", daemon=True)
            writer.thread.start()
            _flush_with_multiprocessing()
    except RuntimeError:  # no more threads, or the interpreter is about to end: `flush` writes then
        writer.thread = None
        writer.next_start = monotonic() + _NEXT_START_SECONDS
    finally:
        writer.starters.clear()


def _flush_with_multiprocessing() -> None:
    """Have a child of multiprocessing write what it has: it ends without ``atexit``."""
    multiprocessing = modules.get("multiprocessing.util")
    if multiprocessing is not None:
        multiprocessing.Finalize(None, flush, exitpriority=0)


def _write() -> None:
    with writer.loading:  # by name, and only now: woven code's own imports end at the runtime
        module = import_module("poet_import.events.writer")
    module.run()


def flush(seconds: float = _FLUSH_SECONDS) -> bool:
    """Wait until what is in the queue was handed to the sinks, and return whether that was so in time.

    Where no thread can be started any more, the calling one writes.
    """
    if writer.thread is not None and writer.thread.ident == get_ident():
        return False  # a subscriber asks, and what it waits for waits for it
    if not waiting and (writer.thread is None or not writer.thread.is_alive()):
        return True
    done = Event()
    waiting.append(done)
    wake()
    if writer.thread is None:
        import_module("poet_import.events.writer").drain()
    return done.wait(seconds)


def _flush_at_exit() -> None:
    if waiting or writer.thread is not None:
        flush()
        import_module("poet_import.events.writer").tell_losses()


def _hold_loading_back() -> None:
    writer.holds_back = writer.loading.acquire(timeout=_LONGEST_LOADING)


def _let_loading_go_on() -> None:
    if writer.holds_back:  # pragma: no branch  (an import that took longer than a fork waits)
        writer.loading.release()


def _restart_in_child() -> None:
    """Begin anew in a forked child: what waits there is the parent's, which writes it itself."""
    global _process, _numbers
    waiting.clear()
    writer.reset()
    _process, _numbers = os.urandom(6).hex(), count(1)


atexit.register(_flush_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold_loading_back, after_in_parent=_let_loading_go_on, after_in_child=_restart_in_child)
# By name, as above: it says what is to be recorded, before the first call begins.
import_module("poet_import.events")
