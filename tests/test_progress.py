"""Whoever waits at a terminal sees how far the answers are; a pipe sees nothing."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import poet_import

sys.path.insert(0, str(Path(__file__).parent / "generators"))
from scripted_model import ScriptedModel, answer  # found there only

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


def shown_by(tmp_path: Path, *arguments: str, at_a_terminal: bool, **variables: str) -> tuple[str, str]:
    """Run an interpreter whose errors go to a terminal or a pipe; return what it prints, and what is shown there."""
    ours, theirs = pty.openpty() if at_a_terminal else os.pipe()
    paths = os.pathsep.join([str(tmp_path), str(Path(poet_import.__file__).parents[1])])
    places = {"PYTHONPATH": paths, "POET_CACHE_DIR": str(tmp_path / "cache"), "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        cwd=tmp_path,
        env={**os.environ, **places, **variables},
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
        return process.stdout.read(), shown.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
@pytest.mark.parametrize("at_a_terminal", [True, False], ids=["terminal", "pipe"])
def test_progress_is_shown_at_a_terminal_only(write: Write, tmp_path: Path, at_a_terminal: bool) -> None:
    write("from poet_import import poet\n\n@poet\ndef half(number: int) -> float:\n    return number / 2\n")

    printed, shown = shown_by(tmp_path, "-c", PROGRAM, at_a_terminal=at_a_terminal)

    words = "poet: shop.py: 1 of 1 answering"
    assert printed == "generated\n"
    assert (words in shown, "tokens (slow/one)" in shown) == (at_a_terminal, at_a_terminal)


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_build_shows_a_row_for_each_function_at_a_terminal(write: Write, tmp_path: Path) -> None:
    write("from poet_import import poet\n\n@poet\ndef half(number: int) -> float:\n    return number / 2\n")
    better = "def half(number: int) -> float:\n    result = number / 2\n    return result\n"

    with ScriptedModel(answer(better, delay=0.5)) as model:
        variables = {"POET_MODEL": "openai/tiny", "POET_LLM_BASE_URL": model.url}
        printed, shown = shown_by(tmp_path, "-m", "poet_import", "build", "shop.py", at_a_terminal=True, **variables)

    assert "function" in shown
    assert "shop.py::half" in shown
    assert "of 1 done, 30 tokens" in shown
    assert printed == ("frozen  shop.py::half v1, 30 tokens\n1 frozen, 0 were sound already, 0 not frozen, 30 tokens\n")
