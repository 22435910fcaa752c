"""Measure the commands on whole trees with everything frozen: ``python -m benchmarks.projects``.

Trees of 50, 100 and 200 modules with five functions each; the largest one is what the targets speak of. What a warm
import of frozen modules costs is compared with the same modules woven around their own bodies.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.processes import Interpreter, can_count
from poet_import.templates import store_over
from poet_import.transpiler.building import freeze
from poet_import.transpiler.project import sites_of
from poet_import.transpiler.woven import Body
from poet_import.validation import validate

_ROOT = Path(__file__).parents[1]
_SIZES = (50, 100, 200)
_FUNCTIONS = 5  # of each module
_OLD = (1_000_000_000, 1_000_000_000)  # a time of change that the cache trusts
_MODULE = """from poet_import import poet
{functions}"""
_FUNCTION = """

@poet(retries=1)
def f{n}(values: list[int], limit: int = {n}) -> int:
    total = 0
    for value in values:
        if value > limit:
            total += value
    return total
"""
_IMPORTS = """
import sys, time
import poet_import
poet_import.install(mode=sys.argv[2])
import m0
begun = time.perf_counter()
for number in range(1, int(sys.argv[1])):
    __import__(f"m{number}")
print((time.perf_counter() - begun) / max(1, int(sys.argv[1]) - 1))
"""


def write_tree(folder: Path, modules: int) -> None:
    """Write modules, and freeze an implementation that was proven for each of their functions."""
    functions = "".join(_FUNCTION.format(n=number) for number in range(_FUNCTIONS))
    for number in range(modules):
        path = folder / f"m{number}.py"
        path.write_text(_MODULE.format(functions=functions))
        for site in sites_of(str(path), store_over(())):
            text = site.wanted.original.source.replace("total = 0", "total = 0  # so far")
            implementation = validate(text, site.wanted.original).implementation
            assert implementation is not None
            freeze(site, Body(implementation, "", "measured", record={"model": "measured"}))
    for entry in [folder / ".poet", *(folder / ".poet").rglob("*")]:
        os.utime(entry, _OLD)


def run(folder: Path, *arguments: str, **variables: str) -> tuple[float, str]:
    """Run an interpreter in a folder, and return the seconds and what it prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("POET_", "PYTHON"))}
    places = {"PYTHONPATH": os.pathsep.join((str(folder), str(_ROOT))), "POET_CACHE_DIR": str(folder / ".cache")}
    begun = time.perf_counter()
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command, cwd=folder, env=kept | places | variables, capture_output=True, text=True, check=True
    )
    return time.perf_counter() - begun, done.stdout


def measure_commands(folder: Path, modules: int, repeats: int) -> None:
    """Print how long each command takes on a tree."""
    row = [f"{modules:4} modules, {modules * _FUNCTIONS:5,} functions:"]
    for command in ("check", "list", "build"):
        times = [run(folder, "-m", "poet_import", command, POET_MODEL="openai/none")[0] for _ in range(repeats)]
        row.append(f"poet {command} {statistics.median(times):5.2f} s")
    print("  ".join(row))


def measure_imports(folder: Path, plain: Path, modules: int, *, repeats: int) -> None:
    """Print what a warm import costs, frozen and woven; the caches are full after the first round."""
    kinds = {"frozen": Interpreter(folder), "offline": Interpreter(plain)}
    for interpreter in kinds.values():  # the mode frozen writes nothing
        interpreter.run(_IMPORTS, modules, "offline")
    times: dict[str, list[float]] = {mode: [] for mode in kinds}
    for _ in range(repeats):
        for mode, interpreter in kinds.items():
            times[mode].append(float(interpreter.run(_IMPORTS, modules, mode)))
    frozen, woven = (1e6 * min(times[mode]) for mode in kinds)
    print(f"warm import of a module: frozen {frozen:.0f} µs, woven {woven:.0f} µs, ratio {frozen / woven:.2f}")
    if can_count():
        counts = [one.count(_IMPORTS, modules, mode) - one.count(_IMPORTS, 1, mode) for mode, one in kinds.items()]
        frozen, woven = (count / 1000 / (modules - 1) for count in counts)
        print(f"    by instructions: {frozen:.0f} and {woven:.0f} thousand, ratio {frozen / woven:.3f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    helps = [run(_ROOT, "-m", "poet_import", "--help")[0] for _ in range(options.repeats)]
    print(f"poet --help: {1000 * statistics.median(helps):.0f} ms")
    for modules in _SIZES:
        with tempfile.TemporaryDirectory() as place, tempfile.TemporaryDirectory() as other:
            folder, plain = Path(place), Path(other)
            write_tree(folder, modules)
            measure_commands(folder, modules, options.repeats)
            if modules == _SIZES[-1]:
                for path in folder.glob("*.py"):
                    (plain / path.name).write_text(path.read_text())
                measure_imports(folder, plain, modules, repeats=options.repeats)


if __name__ == "__main__":
    main()
