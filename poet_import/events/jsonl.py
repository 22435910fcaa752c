"""Events as lines of files that every process of the user appends to.

One file for all processes, rather than one for each, so that their number has a bound however many short processes
there are, and `tail -f` shows all. A lock on the file is held for each write: it makes rotation safe, and lets a writer
mend the end of a file that a full disk or a killed process has torn, so that two lines never run together.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from poet_import.events.batch import Batch

try:
    import fcntl
except ImportError:  # pragma: no cover  (Windows has no such locks: a batch is still one write at the end of the file)
    fcntl = None  # type: ignore[assignment]

MOST_BYTES = 32 << 20
MOST_FILES = 10
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def kind_path(folder: str, kind: str, number: int = 0) -> str:
    """Return the file of a kind of events: the one that is written, or an older one by its number."""
    return os.path.join(folder, f"{kind}.{number}.jsonl" if number else f"{kind}.jsonl")


class JsonLines:
    """Appends to ``execution.jsonl``, ``feedback.jsonl`` and ``updates.jsonl`` in a folder private to its user."""

    def __init__(self, folder: str, *, most_bytes: int = MOST_BYTES, most_files: int = MOST_FILES) -> None:
        """Take where to write.

        Args:
            folder: The folder; it is made when the first event comes.
            most_bytes: A file that would grow past it is put aside, and a new one begun.
            most_files: How many files of each kind are kept; the oldest goes first.
        """
        self._folder = folder
        self._most_bytes = most_bytes
        self._most_files = most_files
        self._descriptors: dict[str, int] = {}

    def write(self, batch: Batch) -> None:
        """Append events to the files of their kinds.

        Raises:
            OSError: The folder or the file cannot be written, or the disk is full; nothing of the kind is written then.
        """
        calls = [line for item, line in zip(batch.items, batch.lines, strict=True) if isinstance(item, tuple)]
        if calls:
            self._append("execution", "".join(calls).encode())
        if len(calls) < len(batch):
            for kind, lines in _lines_by_kind(batch).items():
                self._append(kind, "".join(lines).encode())

    def forget(self) -> None:
        """Close the files that a forked process has inherited: their locks are the parent's."""
        for descriptor in self._descriptors.values():
            with suppress(OSError):
                os.close(descriptor)
        self._descriptors.clear()

    def _append(self, kind: str, data: bytes) -> None:
        path = kind_path(self._folder, kind)
        while not self._append_to(self._opened(path), kind, data):
            os.close(self._descriptors.pop(path))  # it was put aside, by us or by another process

    def _append_to(self, descriptor: int, kind: str, data: bytes) -> bool:
        """Append to an open file, and return whether that is the one to append to."""
        with _locked(descriptor):
            if not _is_same_file(descriptor, kind_path(self._folder, kind)):
                return False
            size = os.fstat(descriptor).st_size
            if size and size + len(data) > self._most_bytes and self._rotate(kind):
                return False
            _write_whole(descriptor, data, size)
            return True

    def _opened(self, path: str) -> int:
        if path not in self._descriptors:
            os.makedirs(os.path.dirname(self._folder), mode=0o700, exist_ok=True)
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            self._descriptors[path] = os.open(path, _FLAGS, 0o600)
        return self._descriptors[path]

    def _rotate(self, kind: str) -> bool:
        """Move each file to the next number, and return whether that could be done.

        The file that is written goes last: until then its lock keeps every other process from doing the same.
        """
        paths = [kind_path(self._folder, kind, number) for number in range(self._most_files)]
        try:
            for older, newer in zip(reversed(paths), reversed(paths[:-1]), strict=False):
                with suppress(FileNotFoundError):
                    os.replace(newer, older)
        except OSError:  # the folder takes no changes any more; the file itself may
            return False
        return True


def _lines_by_kind(batch: Batch) -> dict[str, list[str]]:
    """Return the lines of what is no call."""
    kinds: dict[str, list[str]] = {}
    for item, line in zip(batch.items, batch.lines, strict=True):
        if not isinstance(item, tuple):
            kinds.setdefault(item.topic.rpartition("/")[2], []).append(line)
    return kinds


@contextmanager
def _locked(descriptor: int) -> Iterator[None]:
    """Hold the file against other processes; the end of the process, too, lets go of it."""
    if fcntl is None:  # pragma: no cover  (Windows)
        yield
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)  # said, not left to a close: a forked child may have it open too


def _is_same_file(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:  # somebody has removed it
        return False


def _write_whole(descriptor: int, data: bytes, size: int) -> None:
    """Append data as a whole or not at all, below a line that was torn."""
    if size:
        os.lseek(descriptor, -1, os.SEEK_END)
        if os.read(descriptor, 1) != b"\n":
            data = b"\n" + data
    left = memoryview(data)
    try:
        while left:
            left = left[os.write(descriptor, left) :]
    except OSError:
        with suppress(OSError):  # then the next writer finds a torn line
            os.ftruncate(descriptor, size)
        raise
