"""A running interpreter that hosts Dana, with this checkout's package active in it."""

import json
import os
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]


def environ_for(folder: Path) -> dict[str, str]:
    """Return an environment with the checkout in it, the cache in a folder, and none of the caller's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "POET_", "PYTHON"))}
    settings = {"POET_CACHE_DIR": str(folder), "PYTHONPATH": str(CHECKOUT), "DANA_MOCK_LLM": "true"}
    return {**kept, **settings}


class Host:
    """Asks `host_interpreter.py`, which runs there."""

    def __init__(self, python: str, folder: Path) -> None:
        self.python = python
        command = [python, str(HERE / "host_interpreter.py")]
        pipe = subprocess.PIPE
        environ = environ_for(folder)
        self._process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env=environ
        )

    def run(self, program: str, **modules: str) -> list[str]:
        """Run a program beside Python modules; return the lines that it printed, its warnings and its error last."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        files = {"main.na": program, **{f"{name}.py": text for name, text in modules.items()}}
        self._process.stdin.write(json.dumps(files) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return [*answer["printed"], *answer["warnings"], *answer["errors"]]

    def close(self) -> None:
        self._process.communicate()
