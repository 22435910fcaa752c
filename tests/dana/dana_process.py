"""A running interpreter of the environment that has Dana."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any


class Dana:
    """Asks `interpreter.py`, which runs there."""

    def __init__(self, python: str) -> None:
        command = [python, str(Path(__file__).parent / "interpreter.py")]
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "POET_"))}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environ
        )

    def ask(self, name: str, question: object) -> Any:  # Any: JSON
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([name, question]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def parse(self, *texts: str) -> list[dict[str, Any]]:
        """Return for each text whether Dana's parser accepts it, and its tree without positions."""
        return list(self.ask("parse", texts))

    def run(self, program: str, **modules: str) -> str:
        """Run a program beside Python modules; return what it printed, and how it failed if it did."""
        files = {f"{name}.py": text for name, text in modules.items()}
        answer = self.ask("run", {"main.na": program, **files})
        return answer["printed"] + (f"failed: {answer['error']}" if answer["error"] else "")

    def close(self) -> None:
        self._process.communicate()
