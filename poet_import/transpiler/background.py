"""The one event loop of ours: in a daemon thread, so that an import works where a loop is running already."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")

_lock = threading.Lock()
_running: tuple[int, threading.Thread, asyncio.AbstractEventLoop] | None = None  # with the process that started it


def submit(coroutine: Coroutine[Any, Any, Result]) -> Future[Result]:  # Any: what a coroutine is sent does not matter
    """Start a coroutine in the background thread."""
    return asyncio.run_coroutine_threadsafe(coroutine, _loop())


def _loop() -> asyncio.AbstractEventLoop:
    """Return the loop; a forked child has none of its parent's threads, so it gets one of its own.

    So does a process whose loop has ended: a task may end it by an exception that is no ``Exception``.
    """
    global _running  # noqa: PLW0603  (there is one background thread in a process)
    with _lock:
        if _running is None or _running[0] != os.getpid() or not _running[1].is_alive():
            loop = asyncio.new_event_loop()
            thread = threading.Thread(target=loop.run_forever, name="poet_import", daemon=True)
            thread.start()
            _running = os.getpid(), thread, loop
        return _running[2]


def _after_fork() -> None:
    """Make the lock anew: the parent may have held it."""
    global _lock  # noqa: PLW0603  (as above)
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
