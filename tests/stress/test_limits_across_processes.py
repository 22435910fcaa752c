"""Limits while a process forks, and while it ends."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

RunPython = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[..., Path]

MODULE = """
import asyncio
import time
from poet_import import poet

@poet(timeout=0.02)
def spins():
    while True:
        pass

@poet(timeout=0.05, retries=3)
def sleeps():
    time.sleep(0.2)

@poet(timeout=60)
def long(function):
    return function()

@poet(timeout=60)
async def awaits():
    await asyncio.sleep(60)
"""
FORKS = """
import os, threading, warnings
import shop

warnings.simplefilter("ignore", DeprecationWarning)

def is_limited():
    try:
        shop.spins()
    except TimeoutError:
        return True
    return False

def fork():
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 7 if is_limited() and is_limited() else 2
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def keep_busy():
    while not is_over:
        is_limited()

is_over = []
busy = [threading.Thread(target=keep_busy) for _ in range(3)]
for thread in busy:
    thread.start()
statuses = {fork() for _ in range(15)} | {shop.long(fork) for _ in range(15)}
is_over.append(1)
for thread in busy:
    thread.join()
print(statuses, is_limited())
"""
LIVE = """
import asyncio, sys, threading, time
import shop

threading.excepthook = lambda arguments: None
for _ in range(10):
    threading.Thread(target=shop.long, args=(lambda: time.sleep(60),), daemon=True).start()
    threading.Thread(target=shop.spins, daemon=True).start()
    threading.Thread(target=asyncio.run, args=(shop.awaits(),), daemon=True).start()
"""


@pytest.mark.usefixtures("untraced")  # a traced child hangs on 3.11: docs/limits.md
def test_children_that_are_forked_while_limits_pass_have_limits_of_their_own(
    run_python: RunPython, write: Write
) -> None:
    write(MODULE)
    done = run_python(FORKS)

    assert (done.stdout, done.stderr) == ("{7} True\n", "")


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        pytest.param("", 0, id="end-of-the-script"),
        pytest.param("time.sleep(0.02); sys.exit(3)", 3, id="exit-as-limits-pass"),
        pytest.param("import atexit; atexit.register(lambda: shop.long(lambda: time.sleep(0.1)))", 0, id="exit-hook"),
        pytest.param(
            "threading.Thread(target=shop.long, args=(lambda: time.sleep(0.1),)).start()", 0, id="thread-left"
        ),
    ],
)
def test_interpreter_ends_with_many_live_limits(ending: str, status: int, run_python: RunPython, write: Write) -> None:
    write(MODULE)
    done = run_python(f"{LIVE}\n{ending}\n")

    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")
