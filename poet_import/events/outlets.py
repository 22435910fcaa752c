"""Sinks with what became of them: one that fails is said so once, left alone for a while, and tried again."""

from __future__ import annotations

import os
from collections.abc import Callable
from time import monotonic

from poet_import.cache.directory import data_directory
from poet_import.events.batch import Batch, Sink
from poet_import.events.complaints import complain
from poet_import.runtime import training
from poet_import.settings import Settings

_FIRST_PAUSE = 0.1  # seconds
_LONGEST_PAUSE = 30.0  # seconds


def events_directory(settings: Settings) -> str:
    """Return the folder that events are stored in."""
    return os.path.join(data_directory(settings), "events")


class Outlet:
    """A sink by its name; it is made when the first events come.

    Attributes:
        name: As the settings name it.
        lost: Events that it has not taken.
    """

    def __init__(self, name: str, make: Callable[[], Sink]) -> None:
        self.name = name
        self.lost = 0
        self._make = make
        self._sink: Sink | None = None
        self._has_told = False
        self._pause = _FIRST_PAUSE
        self._not_before = 0.0

    def write(self, batch: Batch) -> None:
        """Hand events to the sink, or count them as lost."""
        if monotonic() < self._not_before:
            self.lost += len(batch)
            return
        try:
            if self._sink is None:
                with training.writer.loading:
                    self._sink = self._make()
            self._sink.write(batch)
            self._pause = _FIRST_PAUSE
        except Exception as error:  # noqa: BLE001  (the writing thread's last line of defence: the calls go on)
            self.lost += len(batch)
            self._not_before = monotonic() + self._pause
            self._pause = min(_LONGEST_PAUSE, 2 * self._pause)
            self._tell(error)

    def _tell(self, error: Exception) -> None:
        if not self._has_told:
            self._has_told = True
            reason = f"{type(error).__name__}: {error}"
            complain("events are lost to %s (%s); it is tried again, and this is said once", self.name, reason)

    def forget(self) -> None:
        """Leave what is open to the process that this one was forked from."""
        self.lost = 0
        if self._sink is not None:
            self._sink.forget()


def outlets_for(settings: Settings) -> list[Outlet]:
    """Return what the settings name, and those who have subscribed."""
    makers: dict[str, Callable[[], Sink]] = {
        "jsonl": lambda: _json_lines(settings),
        "logging": _logging,
        "redis": lambda: _redis_streams(settings),
        "opentelemetry": _spans,
    }
    return [*(Outlet(name, makers[name]) for name in settings.events), Outlet("subscribers", _subscribers)]


# Each in a function, with its import: only what is configured is loaded, and extras may not be installed.


def _subscribers() -> Sink:
    from poet_import.events.subscribing import Subscribers

    return Subscribers()


def _json_lines(settings: Settings) -> Sink:
    from poet_import.events.jsonl import JsonLines

    return JsonLines(events_directory(settings))


def _logging() -> Sink:
    from poet_import.events.logs import Logging

    return Logging()


def _redis_streams(settings: Settings) -> Sink:
    if settings.events_url is None:
        raise ValueError("no server is named; set POET_EVENTS_URL")
    from poet_import.events.streams import RedisStreams

    return RedisStreams(settings.events_url)


def _spans() -> Sink:
    from poet_import.events.spans import Spans

    return Spans()
