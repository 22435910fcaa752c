"""Events to functions of the same process."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase

from poet_import.events.batch import Batch
from poet_import.events.complaints import complain
from poet_import.events.event import Event
from poet_import.runtime import training

Receive = Callable[[Event], object]

_subscribers: dict[object, tuple[Receive, str]] = {}
_told: set[object] = set()


def subscribe(receive: Receive, *, topic: str = "*") -> Callable[[], None]:
    """Let a function be called with each event of this process, and return what ends that.

    It is called in a thread of ours, one event after another, within about 0.1 s. What it raises is logged once, and
    ends nothing. Events of calls that ended before it are not sent to it.

    Args:
        receive: Takes an `Execution`, a `Feedback` or an `Update` of `poet_import.events.event`.
        topic: The topics that it gets, as a pattern for ``fnmatch``: ``poet/functions/shop.*/execution``.

    Raises:
        TypeError: ``receive`` cannot be called.

    .. versionadded:: 0.1.0
    """
    if not callable(receive):
        raise TypeError(f"subscribe() takes a function that takes an event, not {receive!r}")
    training.flush()
    key = object()
    _subscribers[key] = receive, topic

    def unsubscribe() -> None:
        """Send no further event; those that are waiting now are still sent."""
        training.flush()
        _subscribers.pop(key, None)

    return unsubscribe


class Subscribers:
    """Calls everybody who has subscribed."""

    def write(self, batch: Batch) -> None:
        """Send events to those who want them."""
        for key, (receive, pattern) in list(_subscribers.items()):
            for event in batch.events:
                if fnmatchcase(event.topic, pattern):
                    _send(key, receive, event)

    def forget(self) -> None:
        """Do nothing: subscribers of a forked process are copied with it."""


def _send(key: object, receive: Receive, event: Event) -> None:
    try:
        receive(event)
    except Exception:  # noqa: BLE001  (a subscriber is the user's, and this is the writing thread's last line of defence)
        if key not in _told:
            _told.add(key)
            complain("a subscriber of %s has failed; this is said once", event.topic, with_traceback=True)
