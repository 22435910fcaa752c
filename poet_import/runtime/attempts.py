"""What happens between two attempts: whether there is another one, and how long it waits.

The waits are exponential with full jitter (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog,
2015).
"""

import os
import sys
from sys import _getframe  # bound now: somebody may take it away later
from time import monotonic, sleep

from poet_import.errors import PoetError

TYPE_CHECKING = False  # typing's is the same to a type checker, and costs an import
if TYPE_CHECKING:
    from types import CodeType

    from poet_import.runtime.watchdog import Timer

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

    async def pause(self) -> None:
        """Sleep until the attempt is due, in the way of the library that runs the caller."""
        asyncio, trio = sys.modules.get("asyncio"), sys.modules.get("trio")
        if asyncio is not None and asyncio._get_running_loop() is not None:  # noqa: SLF001  (in asyncio's __all__)
            await asyncio.sleep(self.delay)
        elif trio is not None and trio.lowlevel.in_trio_run():
            await trio.sleep(self.delay)
        else:
            sleep(self.delay)  # noqa: ASYNC251  (a coroutine that somebody drives by hand: there is nothing to wait with)


def next_attempt(
    error: Exception,
    previous: object,
    *,
    retries: int,
    retry_on: object = None,
    timer: "Timer | None" = None,
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
    number, begun = (
        1,
        timer.deadline - timer.seconds if timer and timer.deadline else now,
    )  # a limit's deadline less its seconds
    if isinstance(previous, Attempt):
        number, begun = previous.number + 1, previous.begun
    wanted = retry_on if retry_on is not None else _bound_retry_on(_getframe(1).f_code)
    if number > retries or not _is_retried(error, wanted):
        if number > 1:
            _note(error, f"poet: operate failed after {number} attempts in {now - begun:.1f} s")
        return None
    delay = _fraction() * min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(number - 1, _MOST_DOUBLINGS))
    if timer and 0 < timer.deadline <= now + delay:
        from poet_import.runtime.watchdog import give_up  # loaded already: the timer came from there

        give_up(timer, error)
    return Attempt(number, begun, delay)


def _bound_retry_on(code: "CodeType") -> object:
    """Return what the marker of a running function was given; nothing where nobody has loaded what keeps it."""
    bindings = sys.modules.get("poet_import.runtime.bindings")
    return None if bindings is None else bindings.bound_retry_on(code)


def _fraction() -> float:
    """Return a random number from [0, 1); a generator of them would have to be loaded, and seeded anew after a fork."""
    return int.from_bytes(os.urandom(4)) / 2**32


def _note(error: Exception, text: str) -> None:
    try:
        error.add_note(text)
    except (TypeError, AttributeError):  # somebody's exception allows no attributes, or has others under that name
        return


def _is_retried(error: Exception, wanted: object) -> bool:
    if wanted is None:
        return not isinstance(error, _HOPELESS)
    if isinstance(wanted, type | tuple):
        return isinstance(error, wanted)
    return bool(wanted(error))  # type: ignore[operator]  # the marker let only types, tuples and callables pass
