"""Fresh interpreters to measure in, and the instructions that one executes."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_OTHERS = ("POET_", "PYTHON", "COVERAGE_")  # the caller's settings would change what is measured
_COLLECTED = re.compile(r"Collected\s*:\s*(\d+)")
_VALGRIND = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An interpreter that is started anew for each program.

    Attributes:
        work: The current folder of the programs; poet_import keeps its cache and its events there.
        folder: The folder in ``work`` that programs import from.
        executable: The interpreter; the one that runs the benchmarks if not given.
    """

    work: Path
    folder: str = "."
    executable: str = sys.executable

    def run(self, program: str, *arguments: object) -> str:
        """Return what a program prints."""
        return self._run([self.executable, "-c", program, *map(str, arguments)]).stdout

    def count(self, program: str, *arguments: object) -> int:
        """Return how many instructions a program executes, in user mode: interpreter, libraries and its own."""
        command = [*_VALGRIND, self.executable, "-c", program, *map(str, arguments)]
        found = _COLLECTED.search(self._run(command).stderr)
        if found is None:
            raise RuntimeError("callgrind printed no count of instructions")
        return int(found[1])

    def _run(self, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command, env=self._environment(), cwd=self.work, check=True, capture_output=True, text=True
        )

    def _environment(self) -> Mapping[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)}
        paths = os.pathsep.join([str(self.work / self.folder), str(_ROOT)])
        hashes = {"PYTHONHASHSEED": "0"}  # else two runs of one program differ in their instructions
        ours = {"POET_CACHE_DIR": str(self.work / "cache"), "POET_DATA_DIR": str(self.work / "data")}
        return kept | hashes | ours | {"PYTHONPATH": paths}


def can_count() -> bool:
    """Tell whether valgrind is installed."""
    return shutil.which(_VALGRIND[0]) is not None
