"""What happens between two attempts: whether there is another one, and how long it waits.

The waits are exponential with full jitter (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
"""

from __future__ import annotations

import sys
from sys import _getframe  # bound now: somebody may take it away later
from _random import Random
from time import monotonic, sleep

from poet_import.errors import PoetError
from poet_import.runtime import bindings

TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    from collections.abc import Awaitable

STARTED = object()
"""Stands for the attempt of a generator that has yielded: nothing is tried again from then on."""

_FIRST_WAIT = 0.1  # seconds
_LONGEST_WAIT = 10.0  # seconds
_MOST_DOUBLINGS = 16  # past this the longest wait holds anyway
_HOPELESS = (
    PoetError,
    TypeError,
    AttributeError,
    NameError,
    ImportError,
    AssertionError,
    NotImplementedError,
)
_random = Random()


class Attempt:
    """A further attempt and the wait before it."""

    __slots__ = ("begun", "delay", "number")

    def __init__(self, number: int, begun: float, delay: float) -> None:
        self.number = number  # 1 for the first repetition
        self.begun = begun  # when the first attempt had failed, or the call had begun where that is known
        self.delay = delay  # seconds

    def wait(self) -> None:
        """Sleep until the attempt is due."""
        sleep(self.delay)

    def pause(self) -> Awaitable[None]:
        """Return an awaitable that ends when the attempt is due."""
        library = sys.modules.get("asyncio") if not _runs_trio() else sys.modules["trio"]
        return library.sleep(self.delay)  # type: ignore[union-attr,no-any-return]  # one of both runs us


def _runs_trio() -> bool:
    """Tell whether the calling task belongs to trio (sniffio's convention: trio sets the thread-local name)."""
    sniffio = sys.modules.get("sniffio")
    return "trio" in sys.modules and sniffio is not None and sniffio.thread_local.name == "trio"


def next_attempt(
    error: Exception,
    previous: Attempt | object | None,
    *,
    retries: int,
    retry_on: object = None,
    timer: list[object] | None = None,
) -> Attempt | None:
    """Return the attempt to make after an error, or None if there is none and the error stands.

    Args:
        error: What the last attempt raised.
        previous: What this function returned for the error before, None for the first.
        retries: How many further attempts there may be in all.
        retry_on: Exception types to retry; None takes what the function's marker was given, else the default.
        timer: The running time limit. A wait that would pass it is not begun: the limit ends the call at once.
    """
    if previous is STARTED:
        return None
    now = monotonic()
    number = previous.number + 1 if isinstance(previous, Attempt) else 1
    begun = previous.begun if isinstance(previous, Attempt) else _begun(timer, now)
    wanted = retry_on if retry_on is not None else _bound_retry_on(_getframe(1))
    if number > retries or not _is_retried(error, wanted):
        if number > 1:
            error.add_note(f"poet: operate failed after {number} attempts in {now - begun:.1f} s")
        return None
    delay = _random.random() * min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(number - 1, _MOST_DOUBLINGS))
    if timer is not None and now + delay >= timer[0]:  # type: ignore[operator]  # the deadline
        from poet_import.runtime.watchdog import give_up  # noqa: PLC0415  (loaded already: the timer came from there)

        give_up(timer, error)
    return Attempt(number, begun, delay)


def _begun(timer: list[object] | None, now: float) -> float:
    return timer[0] - timer[1] if timer else now  # type: ignore[operator]  # deadline less seconds


def _bound_retry_on(frame: object) -> object:
    binding = bindings.binding_of(frame.f_code)  # type: ignore[attr-defined]  # types.FrameType
    return binding.retry_on if binding else None


def _is_retried(error: Exception, wanted: object) -> bool:
    if wanted is None:
        return not isinstance(error, _HOPELESS)
    if isinstance(wanted, type | tuple):
        return isinstance(error, wanted)
    return bool(wanted(error))  # type: ignore[operator]  # the marker let only types, tuples and callables pass
