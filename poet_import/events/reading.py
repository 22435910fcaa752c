"""Stored events, read again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import BinaryIO, Literal

from poet_import.events.event import SCHEMA, Event, Execution, Failed, Feedback, Update
from poet_import.events.jsonl import kind_path

Kind = Literal["execution", "feedback", "updates"]


def stored_events(folder: str, kind: Kind, *, function: str | None = None) -> Iterator[Event]:
    """Yield the events of a kind, oldest first; of one function, or of all.

    A line that is torn or of another version is passed over, and a feedback that was given again is yielded once.
    """
    seen: set[str] = set()
    for line in stored_lines(folder, kind):
        event = event_in(line)
        if event is None or function not in (None, event.function):
            continue
        if isinstance(event, Feedback):
            if event.feedback_id in seen:
                continue
            seen.add(event.feedback_id)
        yield event


def stored_lines(folder: str, kind: Kind) -> Iterator[bytes]:
    """Yield the lines of the files of a kind as they are, oldest first."""
    with ExitStack() as stack:
        for file in [stack.enter_context(file) for file in _files(folder, kind)]:
            yield from file


def _files(folder: str, kind: Kind) -> list[BinaryIO]:
    """Open the files of a kind, oldest first.

    Opened from the newest: one that is put aside meanwhile is then met again, and not missed. While that happens, one
    number is nobody's.
    """
    found: dict[int, BinaryIO] = {}
    number, missing = 0, 0
    while missing < 2:
        path = kind_path(folder, kind, number)
        number, missing = number + 1, missing + 1
        try:
            file = open(path, "rb")  # noqa: SIM115  (the caller closes it)
        except (FileNotFoundError, NotADirectoryError):
            continue
        missing = 0
        inode = os.fstat(file.fileno()).st_ino
        if inode in found:
            file.close()
        else:
            found[inode] = file
    return list(reversed(found.values()))


def event_in(line: bytes) -> Event | None:
    """Return the event of a line, or None where it is none that this version knows."""
    with suppress(ValueError, KeyError, TypeError):
        fields = json.loads(line)
        if not isinstance(fields, dict) or fields["schema"] != SCHEMA:
            return None
        names = {name: value for name, value in fields.items() if name not in ("topic", "event", "schema")}
        if fields["event"] == "function.feedback":
            return Feedback(**names)
        if fields["event"] == "function.update":
            return Update(**names)
        error = names.pop("error")
        return Execution(**names, error=None if error is None else Failed(**error))
    return None
