"""Recorded sessions of a model, for the examples that replay one."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
_SERVER = ROOT / "tests" / "generators" / "scripted_model.py"


@contextmanager
def replayed(session: Path, *arguments: str) -> Iterator[dict[str, str]]:
    """Serve a session as a model on this machine, and yield the settings that lead an example to it.

    Its cache is thrown away, so that the model is asked each time. What was asked and answered is printed at the end.
    """
    command = [sys.executable, str(_SERVER), "--replay", str(session), "--port", "0", *arguments]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server,
        tempfile.TemporaryDirectory() as cache,
    ):
        assert server.stdout is not None
        address = server.stdout.readline().split()[-1]
        yield {
            "POET_MODE": "eager",
            "POET_MODEL": "openai/replayed",
            "POET_LLM_BASE_URL": address,
            "POET_LLM_API_KEY": "none-is-needed",
            "POET_CACHE_DIR": cache,
            "POET_GENERATION_TIMEOUT": "60",
        }
        server.terminate()
        print(server.stdout.read(), end="", flush=True)
