"""Recorded calls beside the user's code, under their own version control: ``.poet/traces`` in the folder of a module.

::

    .poet/traces/shop.Basket.price.txt      {'count': 3}
                                            {'count': 4}

A file for each function, a line for each call, sorted: the same calls give the same bytes, and branches merge. Which
calls are kept, where there are too many, is decided by their digests, so in every order the same.
"""

from __future__ import annotations

import ast
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from hashlib import blake2b
from typing import Final

from poet_import.source.compiling import parse_expression

FOLDER: Final = "traces"
MOST_CALLS: Final = 50
"""Calls of one function; each is tried with every answer that is judged."""
MOST_BYTES: Final = 32_768


def trace_path(folder: str, place: str) -> str:
    """Return the file for a function, by the folder of what is frozen beside its module and its place there."""
    return os.path.join(folder, FOLDER, f"{place}.txt")


def read_traces(folder: str, place: str) -> tuple[str, ...]:
    """Return the recorded calls of a function; a line that is none, as a conflict leaves it, is passed over."""
    try:
        with open(trace_path(folder, place), encoding="utf-8") as file:
            lines = file.read(4 * MOST_BYTES).splitlines()
    except (OSError, ValueError):
        return ()
    return _kept(line for line in lines if _arguments(line) is not None)


def add_traces(folder: str, place: str, calls: Iterable[str]) -> int:
    """Add recorded calls of a function, and return how many of those in its file are new.

    Raises:
        OSError: It cannot be written.
    """
    before = read_traces(folder, place)
    kept = _kept([*before, *calls])
    if kept != before:
        _write(trace_path(folder, place), "".join(f"{call}\n" for call in kept))
    return len(set(kept) - set(before))


def parameters_of(call: str) -> frozenset[str]:
    """Return the parameters that a recorded call has arguments for."""
    return frozenset(_arguments(call) or ())


def _kept(calls: Iterable[str]) -> tuple[str, ...]:
    chosen: list[str] = []
    left = MOST_BYTES
    for call in sorted(set(calls), key=_digest)[:MOST_CALLS]:
        left -= len(call.encode()) + 1
        if left >= 0:
            chosen.append(call)
    return tuple(sorted(chosen))


def _digest(call: str) -> bytes:
    return blake2b(call.encode(), digest_size=8).digest()


def _arguments(line: str) -> dict[str, object] | None:
    try:
        found = ast.literal_eval(parse_expression(line.lstrip(" \t")))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return found if isinstance(found, dict) and all(isinstance(name, str) for name in found) else None


def _write(path: str, text: str) -> None:
    """Write a file whole or not at all."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=os.path.dirname(path))
    try:
        with open(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, 0o644)  # mkstemp's is for its user alone, and this is for review
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)
        raise
