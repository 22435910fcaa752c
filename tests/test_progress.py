"""Whoever waits at a terminal sees how far the answers are; a pipe sees nothing."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import poet_import

Write = Callable[..., Path]

PROGRAM = """
import asyncio
import poet_import
from poet_import.model import Usage

class SlowGenerator:
    fingerprint = "slow"

    async def generate(self, request, *, observe):
        for tokens in range(0, 3000, 100):
            observe(Usage("slow/one", 10, tokens))
            await asyncio.sleep(0.02)
        return request.original.source

poet_import.install(generator=SlowGenerator())
import shop
print(poet_import.describe(shop.half).origin)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
@pytest.mark.parametrize("at_a_terminal", [True, False], ids=["terminal", "pipe"])
def test_progress_is_shown_at_a_terminal_only(write: Write, tmp_path: Path, at_a_terminal: bool) -> None:
    write("from poet_import import poet\n\n@poet\ndef half(number: int) -> float:\n    return number / 2\n")
    ours, theirs = pty.openpty() if at_a_terminal else os.pipe()
    paths = os.pathsep.join([str(tmp_path), str(Path(poet_import.__file__).parents[1])])
    environment = {**os.environ, "PYTHONPATH": paths, "POET_CACHE_DIR": str(tmp_path / "cache"), "TERM": "xterm"}

    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=theirs, text=True, env=environment
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while block := os.read(ours, 4096):
                shown += block
        except OSError:  # how a terminal says that nobody writes any more
            pass
        os.close(ours)
        assert process.stdout is not None
        assert process.stdout.read() == "generated\n"

    words = "poet: shop.py: 1 of 1 answering"
    assert (words in shown.decode(), b"tokens (slow/one)" in shown) == (at_a_terminal, at_a_terminal)
