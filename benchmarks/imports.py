"""Measure what ``@poet`` costs an import: ``python -m benchmarks.imports``.

Imports 30 modules of 8 functions, in fresh processes that take turns, and prints the least time of each kind. Cold
means that neither Python nor poet_import has cached these modules, warm that both have.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.sample import FUNCTIONS, write_modules

_ROOT = Path(__file__).resolve().parents[1]
_PROGRAM = """
import sys
from time import perf_counter
begin = perf_counter()
if sys.argv[2] == "hook":
    import poet_import
elif sys.argv[2] == "no-op":
    import no_marker
activated = perf_counter()
import shop_0
first = perf_counter()
for number in range(1, int(sys.argv[1])):
    __import__(f"shop_{number}")
print(1000 * (activated - begin), 1000 * (first - activated), 1000 * (perf_counter() - first))
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to import the modules."""

    label: str
    folder: str
    before: str  # what the program imports before them: "hook", "no-op" or "nothing"


_MARKERS = {"undecorated": None, "no-op": "no_marker", "marked": "poet_import"}  # by the folder of the modules
_PLAIN = Kind("undecorated", folder="undecorated", before="nothing")
_HOOKED = Kind("undecorated, hook active", folder="undecorated", before="hook")
_NO_OP = Kind("`@poet` that does nothing", folder="no-op", before="no-op")
_MARKED = Kind("`@poet`", folder="marked", before="hook")
_KINDS = (_PLAIN, _HOOKED, _NO_OP, _MARKED)
_STATES = ("cold", "warm")


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds that one process took."""

    activation: float
    first: float  # the first module; of marked ones it loads the runtime, and when cold the weaver
    others: float

    @property
    def modules(self) -> float:
        """Return the time of all modules."""
        return self.first + self.others


def measure(kind: Kind, work: Path, *, modules: int) -> Times:
    """Import the modules of one kind in a fresh process."""
    command = [sys.executable, "-c", _PROGRAM, str(modules), kind.before]
    environment = _environment(work, kind)
    answer = subprocess.run(command, env=environment, cwd=work, check=True, stdout=subprocess.PIPE, text=True)
    return Times(*map(float, answer.stdout.split()))


def _environment(work: Path, kind: Kind) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("POET_", "PYTHON"))}
    path = os.pathsep.join([str(work / kind.folder), str(_ROOT)])
    return kept | {"PYTHONPATH": path, "POET_CACHE_DIR": str(work / "cache")}


def _forget(work: Path) -> None:
    """Remove what Python and poet_import have cached of the modules."""
    for folder in (work / "cache", *(work / folder / "__pycache__" for folder in _MARKERS)):
        shutil.rmtree(folder, ignore_errors=True)


def measure_all(work: Path, *, modules: int, repeats: int) -> dict[tuple[Kind, str], Times]:
    """Return the least times of every kind, cold and warm."""
    for folder, marker in _MARKERS.items():
        write_modules(work / folder, modules, marker=marker)
    found: dict[tuple[Kind, str], list[Times]] = {}
    for _ in range(repeats + 1):  # the first round warms up what all of them load
        for kind in _KINDS:
            _forget(work)
            for state in _STATES:
                found.setdefault((kind, state), []).append(measure(kind, work, modules=modules))
    return {key: _least(several[1:]) for key, several in found.items()}


def _least(several: list[Times]) -> Times:
    """Return the least of each time: what disturbs a measurement only adds to it."""
    return Times(
        activation=min(times.activation for times in several),
        first=min(times.first for times in several),
        others=min(times.others for times in several),
    )


def table(found: Mapping[tuple[Kind, str], Times], *, modules: int) -> str:
    """Return the times in ms as a table in Markdown; a ratio is to the undecorated modules in the same state."""
    head = [f"{modules} modules × {FUNCTIONS} functions, ms"]
    for state in _STATES:
        head += [state, "ratio", "first module"]
    lines = [f"| {' | '.join(head)} |", "|---|---:|---:|---:|---:|---:|---:|"]
    for kind in _KINDS:
        cells = [kind.label]
        for state in _STATES:
            times, plain = found[kind, state], found[_PLAIN, state]
            cells += [f"{times.modules:.1f}", f"{times.modules / plain.modules:.2f}", f"{times.first:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table and the time of activation."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imports", description=__doc__)
    parser.add_argument("--modules", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=15)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        found = measure_all(Path(work), modules=arguments.modules, repeats=arguments.repeats)
    print(table(found, modules=arguments.modules))
    activation = found[_MARKED, "warm"].activation
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"\nactivation (`import poet_import`): {activation:.2f} ms; Python {version}, least of {arguments.repeats}")


if __name__ == "__main__":
    main()
