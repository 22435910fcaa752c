"""The thread that takes events out of the queue and hands them to the sinks."""

from __future__ import annotations

import os
from threading import Event as Done
from time import monotonic, thread_time
from typing import TYPE_CHECKING

from poet_import.events.batch import Batch
from poet_import.events.complaints import complain
from poet_import.events.event import Event
from poet_import.events.outlets import Outlet, outlets_for
from poet_import.runtime import training
from poet_import.settings import Settings, in_force

if TYPE_CHECKING:
    from poet_import.runtime.training import Call

INTERVAL = 0.05
"""Seconds that events are collected for: each look costs the program two switches of threads."""
_REST = 4.0
"""How many times as long as both wanted the interpreter the thread leaves it to the program, at least."""
_MOST_AT_ONCE = 4096


class _Outlets:
    """What the settings in force name; they may change while the program runs."""

    def __init__(self) -> None:
        self._settings: Settings | None = None
        self._outlets: list[Outlet] = []
        self._lost_before: dict[str, int] = {}
        self.has_told_dropped = False

    def now(self) -> list[Outlet]:
        settings = in_force()
        if self._settings is None or settings != self._settings:
            for outlet in self._outlets:
                self._lost_before[outlet.name] = self._lost_before.get(outlet.name, 0) + outlet.lost
                outlet.forget()
            self._settings, self._outlets = settings, outlets_for(settings)
        return self._outlets

    def lost(self) -> dict[str, int]:
        """Return how many events each sink has not taken."""
        found = dict(self._lost_before)
        for outlet in self._outlets:
            found[outlet.name] = found.get(outlet.name, 0) + outlet.lost
        return {name: lost for name, lost in found.items() if lost}

    def forget(self) -> None:
        """Begin anew in a forked child."""
        self._lost_before.clear()
        self.has_told_dropped = False
        for outlet in self._outlets:
            outlet.forget()


_outlets = _Outlets()


def run() -> None:
    """Write what comes, for as long as the process lives."""
    state = training.writer
    rest = INTERVAL
    while True:
        if not training.waiting:
            state.is_parked = True
            if not training.waiting:  # pragma: no branch  (an event that came meanwhile has found nobody to wake)
                state.alarm.acquire()
        state.is_parked = False
        if not _is_awaited():
            state.alarm.acquire(timeout=rest)
        rest = max(INTERVAL, _REST * _drained())


def _drained() -> float:
    """Hand everything in the queue to the sinks; return for how many seconds the program and this thread were at odds.

    That is as long as this thread worked, and no longer than it waited: for the interpreter, which the program had.
    """
    begun, work = monotonic(), thread_time()
    drain()
    worked = thread_time() - work
    return min(worked, monotonic() - begun - worked)


def _is_awaited() -> bool:
    """Tell whether somebody waits for the queue to be empty."""
    return bool(training.waiting) and isinstance(training.waiting[-1], Done)


def drain() -> None:
    """Hand everything in the queue to the sinks."""
    take = training.waiting.popleft
    left = len(training.waiting)
    while left > 0:
        items = [take() for _ in range(min(left, _MOST_AT_ONCE))]
        left -= len(items)
        awaited = [item for item in items if isinstance(item, Done)]
        _deliver([item for item in items if not isinstance(item, Done)] if awaited else items)
        for done in awaited:
            done.set()
    _tell_dropped()


def _deliver(items: list[Call | Event]) -> None:
    """Hand a run of events to every sink."""
    if items:
        batch = Batch(items)
        for outlet in _outlets.now():
            outlet.write(batch)


def _tell_dropped() -> None:
    if not _outlets.has_told_dropped and (dropped := training.dropped()):
        _outlets.has_told_dropped = True
        complain(
            "%d events were dropped: calls end faster than they can be written; the rest is said at the end", dropped
        )


def losses() -> dict[str, int]:
    """Return how many events of this process were dropped by the queue, and lost by each sink."""
    dropped = training.dropped()
    return {**({"queue": dropped} if dropped else {}), **_outlets.lost()}


def tell_losses() -> None:
    """Say at the end of the process how many events were lost, if any."""
    found = ", ".join(f"{lost} to {name}" for name, lost in losses().items())
    if found:
        complain("events were lost in this process: %s", found)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_outlets.forget)
