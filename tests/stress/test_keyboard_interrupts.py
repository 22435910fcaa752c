"""Control-C, sent as a real signal to a process that waits in a marked function: it passes through at once."""

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

def spin():
    while True:
        pass

@poet(timeout=60, retries=5)
def in_a_loop():
    spin()

@poet(timeout=60, retries=5)
def in_a_system_call():
    time.sleep(60)

@poet(retries=5)
def without_a_limit():
    time.sleep(60)

@poet(timeout=60, retries=50, retry_on=Exception)
def in_a_backoff():
    raise ConnectionError("down")

@poet(timeout=60, retries=5)
async def awaits():
    await asyncio.sleep(60)

@poet(timeout=60, retries=50, retry_on=Exception)
async def pauses():
    raise ConnectionError("down")

@poet(timeout=60, retries=5)
def yields():
    time.sleep(60)
    yield

@poet(timeout=60, on_violation="warn")
def outer(function) -> int:
    return function()
"""
PRESS = """
import asyncio, os, signal, threading, time
import shop

def press(seconds):
    threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT)).start()
"""
CASES = {
    "loop": "shop.in_a_loop()",
    "system-call": "shop.in_a_system_call()",
    "no-limit": "shop.without_a_limit()",
    "backoff": "shop.in_a_backoff()",
    "nested": "shop.outer(shop.in_a_system_call)",
    "generator": "next(shop.yields())",
    "await": "asyncio.run(shop.awaits())",
    "backoff-of-a-task": "asyncio.run(shop.pauses())",
}


@pytest.mark.parametrize("call", CASES.values(), ids=CASES)
def test_control_c_passes_through_at_once(call: str, run_python: RunPython, write: Write) -> None:
    write(MODULE)
    done = run_python(f"""{PRESS}
begun = time.monotonic()
press(0.3)
try:
    {call}
except KeyboardInterrupt as error:
    print("interrupted", time.monotonic() - begun < 1.5, getattr(error, "__notes__", []))
""")

    assert (done.stdout, done.stderr) == ("interrupted True []\n", "")
