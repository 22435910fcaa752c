"""Measure what ``@poet`` costs an import.

Every figure is of the same modules, of eight functions each, imported in fresh processes that take turns. A process
has imported ``poet_import`` and one further module by the time the measurement begins, so that it is a difference::

    (start, activate, import modules 0 … n) - (start, activate, import module 0)

What happens once in a process is in neither: it has rows of its own. Everything is warm: Python and poet_import have
both cached the modules, unless a row says cold.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import Interpreter
from benchmarks.sample import write_modules

_PROGRAM = """
import sys
from time import perf_counter
before, alone, modules = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
begin = perf_counter()
if before:
    __import__(before)
activated = perf_counter()
for number in range(alone):
    __import__(f"shop_{number}")
first = perf_counter()
for number in range(alone, modules):
    __import__(f"shop_{number}")
print(activated - begin, first - activated, perf_counter() - first)
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to import the modules."""

    label: str
    folder: str
    before: str  # the module that the program imports before them, if any


PLAIN = Kind("undecorated", folder="undecorated", before="")
HOOKED = Kind("undecorated, hook active", folder="undecorated", before="poet_import")
NO_OP = Kind("`@poet` that does nothing", folder="no-op", before="no_marker")
MARKED = Kind("`@poet`", folder="marked", before="poet_import")
_MARKERS = {"undecorated": None, "no-op": "no_marker", "marked": "poet_import"}  # by the folder of the modules


@dataclass(frozen=True, slots=True)
class Cost:
    """What importing takes, in seconds or in instructions."""

    activation: float
    first: float  # the first module; of marked ones it loads the runtime
    others: float


def write_folders(work: Path, modules: int) -> None:
    """Write the modules of every kind."""
    for folder, marker in _MARKERS.items():
        write_modules(work / folder, modules, marker=marker)


def seconds(kinds: Sequence[Kind], work: Path, *, modules: int, repeats: int) -> dict[Kind, Cost]:
    """Return the least times of each kind, which take turns."""
    found: dict[Kind, list[Cost]] = {kind: [] for kind in kinds}
    for _ in range(repeats + 1):  # the first round fills the caches
        for kind in kinds:
            answer = Interpreter(work, kind.folder).run(_PROGRAM, kind.before, 1, modules + 1)
            found[kind].append(Cost(*map(float, answer.split())))
    return {kind: least(costs[1:]) for kind, costs in found.items()}


def least(costs: Sequence[Cost]) -> Cost:
    """Return the least of each part: what disturbs a measurement only adds to it."""

    def part(of: Callable[[Cost], float]) -> float:
        return min(map(of, costs))

    return Cost(part(lambda cost: cost.activation), part(lambda cost: cost.first), part(lambda cost: cost.others))


def instructions(kinds: Sequence[Kind], work: Path, *, modules: int) -> dict[Kind, Cost]:
    """Return the instructions of each kind, whose modules are in the caches already."""
    return {kind: _instructions(kind, work, modules=modules) for kind in kinds}


def _instructions(kind: Kind, work: Path, *, modules: int) -> Cost:
    interpreter = Interpreter(work, kind.folder)
    bare = interpreter.count(_PROGRAM, "", 0, 0)
    activated, first, all_of_them = (
        interpreter.count(_PROGRAM, kind.before, *counts) for counts in ((0, 0), (1, 1), (1, modules + 1))
    )
    return Cost(activated - bare, first - activated, all_of_them - first)


def ratio(costs: Mapping[Kind, Cost], kind: Kind) -> float:
    """Return the modules of a kind over undecorated ones."""
    return costs[kind].others / costs[PLAIN].others
