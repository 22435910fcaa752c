"""A circuit breaker: an endpoint that is down costs one process one timeout, not every import its own.

Its state is a small file that all processes with one cache directory share, and with a shared store all machines;
whatever is wrong with either, the circuit is closed.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from contextlib import suppress
from hashlib import blake2b
from typing import Final

from poet_import.cache.shared import SharedStore

_FIRST: Final = 15.0  # seconds
_LONGEST: Final = 120.0
_KNOWN: Final = 10 * _LONGEST  # for so long it is known how often in a row it was opened
_FOLDER: Final = "endpoints"


class Breaker:
    """The circuit to one endpoint."""

    def __init__(self, directory: str | None, name: str, shared: SharedStore | None = None) -> None:
        digest = blake2b(name.encode(), digest_size=8).hexdigest()
        self._shared, self._shared_name = shared, f"{_FOLDER}:{digest}"
        self._path = None if directory is None else os.path.join(directory, _FOLDER, f"{digest}.json")
        self._memory: tuple[float, float] | None = None  # until when, and how long that is

    def wait(self) -> float:
        """Return the seconds for which nobody is asked; 0 where one may be."""
        left = self._state()[0] - time.time()
        return left if 0 < left <= _LONGEST else 0.0

    def open(self) -> float:
        """Ask nobody for a while, longer each time in a row, and return the seconds."""
        until, length = self._state()
        if 0 < until - time.time() <= _LONGEST:
            return until - time.time()  # another one has just opened it
        length = min(_LONGEST, 2 * length if length else _FIRST)
        self._keep(time.time() + length, length)
        return length

    def close(self) -> None:
        """Let everybody ask again."""
        if self._state() == (0.0, 0.0):
            return
        self._memory = None
        if self._path is not None:
            with suppress(OSError):
                os.unlink(self._path)
        if self._shared:
            self._shared.remove(self._shared_name)

    def _state(self) -> tuple[float, float]:
        """Return until when it is open and how long that is, as whoever opened it last has it."""
        found = [
            self._memory,
            _parsed(self._text()),
            _parsed(self._shared.get(self._shared_name) if self._shared else None),
        ]
        return max((state for state in found if state is not None), default=(0.0, 0.0))

    def _text(self) -> str | None:
        if self._path is not None:
            with suppress(OSError, ValueError), open(self._path, encoding="utf-8") as file:
                return file.read()
        return None

    def _keep(self, until: float, length: float) -> None:
        text = json.dumps({"until": until, "seconds": length})
        if self._shared:
            self._shared.put(self._shared_name, text, seconds=_KNOWN)
        self._memory = until, length  # where the file cannot be written
        if self._path is None:
            return
        with suppress(OSError):
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(self._path), suffix=".tmp")
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(temporary, self._path)
            self._memory = None


def _parsed(text: str | None) -> tuple[float, float] | None:
    if not text:
        return None
    try:
        found = json.loads(text)
        until, length = float(found["until"]), float(found["seconds"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return (until, length) if time.time() - until < _KNOWN else None
