"""Measure what ``@poet`` costs an import: modules in fresh processes that take turns.

A figure for modules is a difference, so that what happens once in a process is not in it and has rows of its own::

    (start, activate, import modules 0 … n) - (start, activate, import module 0)
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.processes import Interpreter, can_count
from benchmarks.report import Part, Table, verdict
from benchmarks.sample import FUNCTIONS, write_modules

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
_PLAIN_MODULES, _MARKED_MODULES = 300, 30
_MOST_PLAIN, _MOST_MARKED, _MOST_ACTIVATION = 1.02, 1.10, 0.001


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to import the modules.

    Attributes:
        folder: Where the modules are; kinds that share one share Python's cache of it.
        before: The module that a program imports before them, if any.
        marker: The module that their ``poet`` comes from, None for undecorated functions.
        setup: The text of ``before``, where it is neither ours nor the sample's.
    """

    label: str
    folder: str
    before: str = ""
    marker: str | None = None
    setup: str = ""


PLAIN = Kind("undecorated", "undecorated")
HOOKED = Kind("undecorated, hook active", "undecorated", before="poet_import")
NO_OP = Kind("`@poet` that does nothing", "no-op", before="no_marker", marker="no_marker")
MARKED = Kind("`@poet`", "marked", before="poet_import", marker="poet_import")


@dataclass(frozen=True, slots=True)
class Cost:
    """What importing takes, in seconds or in instructions."""

    activation: float
    first: float  # the first module; of marked ones it loads the runtime, and when cold the weaver
    others: float


def write_folders(kinds: Sequence[Kind], work: Path, *, modules: int) -> None:
    """Write the modules of every kind, one more than are measured."""
    for kind in kinds:
        if not (work / kind.folder).exists():
            write_modules(work / kind.folder, modules + 1, marker=kind.marker)
        if kind.setup:
            (work / kind.folder / f"{kind.before}.py").write_text(kind.setup, encoding="utf-8")


def seconds(
    kinds: Sequence[Kind], work: Path, *, modules: int, repeats: int, is_cold: bool = False
) -> dict[Kind, Cost]:
    """Return the least times of each kind, which take turns; the caches are full then, unless it is cold."""
    found: dict[Kind, list[Cost]] = {kind: [] for kind in kinds}
    for _ in range(repeats + 1):  # the first round fills the caches
        for kind in kinds:
            if is_cold:
                forget(work, kind)
            answer = Interpreter(work, kind.folder).run(_PROGRAM, kind.before, 1, modules + 1)
            found[kind].append(Cost(*map(float, answer.split())))
    return {kind: _least(costs[1:]) for kind, costs in found.items()}


def forget(work: Path, kind: Kind) -> None:
    """Remove what has been cached of the modules; what the kind imports before them stays, being no part of them."""
    shutil.rmtree(work / "cache", ignore_errors=True)
    for cached in (work / kind.folder / "__pycache__").glob("shop_*"):
        cached.unlink()


def _least(costs: Sequence[Cost]) -> Cost:
    """Return the least of each part: what disturbs a measurement only adds to it."""

    def part(of: Callable[[Cost], float]) -> float:
        return min(map(of, costs))

    return Cost(part(lambda cost: cost.activation), part(lambda cost: cost.first), part(lambda cost: cost.others))


def instructions(kinds: Sequence[Kind], work: Path, *, modules: int) -> dict[Kind, Cost]:
    """Return the instructions of each kind, whose modules are in the caches already; none without valgrind."""
    return {kind: _instructions(kind, work, modules=modules) for kind in kinds if can_count()}


def _instructions(kind: Kind, work: Path, *, modules: int) -> Cost:
    interpreter = Interpreter(work, kind.folder)
    bare = interpreter.count(_PROGRAM, "", 0, 0)
    activated, first, all_of_them = (
        interpreter.count(_PROGRAM, kind.before, *counts) for counts in ((0, 0), (1, 1), (1, modules + 1))
    )
    return Cost(activated - bare, first - activated, all_of_them - first)


@dataclass(frozen=True, slots=True)
class _Measured:
    """The costs of some kinds, by time and by instructions."""

    times: Mapping[Kind, Cost]
    counts: Mapping[Kind, Cost]

    def row(self, label: str, kind: Kind, *, limit: float | None) -> list[str]:
        """Return a row of ratios to undecorated modules; the limit is one of instructions."""
        return self._ratios(label, kind, lambda cost: cost.others, limit=limit)

    def row_with_first(self, label: str, kind: Kind) -> list[str]:
        """Return the same ratios with the first module of the process counted in."""
        return self._ratios(label, kind, lambda cost: cost.first + cost.others, limit=None)

    def _ratios(self, label: str, kind: Kind, of: Callable[[Cost], float], *, limit: float | None) -> list[str]:
        time = of(self.times[kind]) / of(self.times[PLAIN])
        count = of(self.counts[kind]) / of(self.counts[PLAIN]) if self.counts else None
        return [label, "–" if count is None else f"{count:.3f}", f"{time:.2f}", *verdict(count, limit, "≤ {:.2f}")]

    def row_once(self, label: str, part: Callable[[Cost], float], *, limit: float | None) -> list[str]:
        """Return what a process pays once when it imports marked modules; the limit is one of seconds."""
        time = part(self.times[MARKED])
        count = f"{part(self.counts[MARKED]) / 1e6:.2f}" if self.counts else "–"
        return [label, f"{1000 * time:.2f}", count, *verdict(time, limit, f"≤ {1000 * (limit or 0):.0f} ms")]


def _measure(kinds: Sequence[Kind], *, modules: int, repeats: int) -> _Measured:
    with TemporaryDirectory() as folder:
        work = Path(folder)
        write_folders(kinds, work, modules=modules)
        times = seconds(kinds, work, modules=modules, repeats=repeats)
        return _Measured(times, instructions(kinds, work, modules=modules))


def measure(repeats: int, *, fraction: float = 1.0) -> Part:
    """Compare modules with and without the hook, and marked modules with undecorated ones.

    Args:
        repeats: How many processes of each kind take turns.
        fraction: How many of the modules are imported.
    """
    plain_modules, marked_modules = (round(count * fraction) for count in (_PLAIN_MODULES, _MARKED_MODULES))
    plain = _measure((PLAIN, HOOKED), modules=plain_modules, repeats=repeats)
    marked = _measure((PLAIN, NO_OP, MARKED), modules=marked_modules, repeats=repeats)
    size = f"{marked_modules} modules × {FUNCTIONS} functions"
    ratios = [
        plain.row(f"{plain_modules} plain modules, hook on / off", HOOKED, limit=_MOST_PLAIN),
        marked.row(f"{size}, `@poet` warm / undecorated", MARKED, limit=_MOST_MARKED),
        marked.row(f"{size}, a `poet` that does nothing / undecorated", NO_OP, limit=None),
        marked.row_with_first("`@poet` warm / undecorated, with the first module of the process", MARKED),
    ]
    once = [
        marked.row_once("activation: `import poet_import`", lambda cost: cost.activation, limit=_MOST_ACTIVATION),
        marked.row_once("the first marked module, with the runtime that it loads", lambda cost: cost.first, limit=None),
    ]
    return Part(
        [
            Table("Imports", _ABOUT, ("", "instructions", "time", "target", "met"), ratios),
            Table("Once in a process", _ABOUT_ONCE, ("", "ms", "million instructions", "target", "met"), once),
        ]
    )


_ABOUT = f"""
Ratios of the same modules, warm: Python and poet_import have both cached them.
The target is one of instructions, as callgrind counts them in user mode: time is too noisy for small ratios.
A figure is the difference of two processes: both start, activate and import one further module, one imports the rest.
So what a process does once is not in it, but for the last row.
A plain module has the same {FUNCTIONS} functions, undecorated.
{"" if can_count() else "valgrind is not installed here, so there is time only."}
"""
_ABOUT_ONCE = """
Above a process that does not do it; the target is one of time.
"""
