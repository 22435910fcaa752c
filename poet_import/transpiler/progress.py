"""One line on a terminal that tells how far the implementations of a module are; nothing elsewhere."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from poet_import.model import Usage

if TYPE_CHECKING:
    from rich.status import Status


class Progress:
    """What the functions of a module have used so far. Called from the background thread."""

    def __init__(self, module: str, functions: int, status: Status | None) -> None:
        self._module = module
        self._functions = functions
        self._status = status
        self._usages: dict[str, Usage] = {}
        self._lock = threading.Lock()

    def observe(self, function: str, usage: Usage, _stage: str) -> None:
        """Take in what one function has used so far, and show it."""
        with self._lock:
            self._usages[function] = usage
            line = self.line()
        if self._status is not None:
            self._status.update(line)

    def line(self) -> str:
        """Return the line as it is shown."""
        tokens = sum(usage.output_tokens for usage in self._usages.values())
        models = ", ".join(sorted({usage.model for usage in self._usages.values()}))
        return f"poet: {self._module}: {len(self._usages)} of {self._functions} answering, {tokens:,} tokens ({models})"


@contextmanager
def progress(module: str, functions: int) -> Iterator[Progress]:
    """Show the progress of a module's functions while the block runs, where somebody waits at a terminal."""
    if not functions or sys.stderr is None or not sys.stderr.isatty():
        yield Progress(module, functions, None)
        return
    from rich.console import Console  # 60 ms, for a person only

    plural = "" if functions == 1 else "s"
    with Console(stderr=True).status(f"poet: {module}: asking for {functions} implementation{plural}") as status:
        yield Progress(module, functions, status)
