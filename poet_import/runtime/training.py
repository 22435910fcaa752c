"""What a function with ``optimize_for`` tells of its calls, and the queue between it and who writes that down.

A call puts one tuple into a queue, and a thread of ours does the rest (`poet_import.events.writer`): a call holds no
lock, does no input or output, and never waits. An exception may arrive in it between any two instructions, and it may
be interrupted by another call of the same thread, from a finalizer: so there is nothing here that half a step breaks.
"""

import atexit
import os
from _collections import deque  # type: ignore[import-not-found]  # collections costs more
from _contextvars import ContextVar
from importlib import import_module
from itertools import count
from sys import _getframe  # bound now: somebody may take it away later
from threading import Event, Lock, Thread
from time import monotonic, time_ns
from time import perf_counter_ns as clock

from poet_import import runtime
from poet_import.errors import EnforceError, PerceiveError, PoetTimeout
from poet_import.runtime.snapshots import shown, without

TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    from types import FrameType

    Given = dict[str, str] | bool | None  # arguments as text by parameter; False where none are recorded
    Failure = tuple[str, str, str, str, str]  # status, type, and where they apply parameter, expected, message
    # begun and ended by `clock`, the time at the end in ns, process, number, module, qualified name, version, retries,
    # failure, arguments, result as text
    Call = tuple[int, int, int, str, int, str, str, str, int, Failure | None, Given, str | None]

MOST_WAITING = 1 << 15
"""Events in the queue; further ones are dropped, and counted."""
MOST_WAITING_WITH_VALUES = 1 << 12
"""The same where arguments are recorded: each event is larger by up to 4 kB."""
_FLUSH_SECONDS = 2.0  # that the exit of a process may take longer for what is still to be written
_RETRY_SECONDS = 1.0  # after which a thread that could not be started is tried again

waiting: "deque[object]" = deque()
"""Calls as tuples, other events as objects with a ``line``, and a `threading.Event` for each `flush`."""
_numbers = count(1)
_process = os.urandom(6).hex()
_last: "ContextVar[Call | None]" = ContextVar("poet_import.last_execution", default=None)


class _Writer:
    """What the writing thread and the calls tell each other."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin without a thread."""
        self.is_parked = True  # nothing is written until somebody wakes the thread, or starts it
        self.wake = Lock()
        self.wake.acquire()
        self.thread: Thread | None = None
        self.starters: dict[str, object] = {}  # holds who is starting the thread
        self.not_before = 0.0  # monotonic time of the next try to start it
        self.dropped = count()
        self.looks = 0  # at the count of dropped events: each takes a number of its own


writer = _Writer()


def succeeded(begun: int, version: str, retries: int, given: "Given", result: object) -> None:  # noqa: PLR0917  (keywords cost a call 40 ns)
    """Record that the calling function returns, or that its generator has ended.

    Args:
        begun: What `clock` said when the call began.
        version: What tells the body that ran from others.
        retries: How many attempts came after the first.
        given: What `given` returned when the call began.
        result: What the function returns.
    """
    ended = clock()
    frame = _getframe(1)
    names = frame.f_globals.get("__name__"), frame.f_code.co_qualname
    text = shown(result) if given is not False and given is not None else None
    call = (begun, ended, time_ns(), _process, next(_numbers), *names, version, retries, None, given, text)
    _last.set(call)
    if len(waiting) < runtime.most_waiting:
        waiting.append(call)
    else:
        next(writer.dropped)
    if writer.is_parked:
        wake()
