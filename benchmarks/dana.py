"""Measure what the hook adds to importing Dana: ``python -m benchmarks.dana PYTHON``, the interpreter that has Dana.

A process imports Dana and its sandbox, and another one activates poet_import before; activation counts. The processes
take turns, and the least time of each is compared; callgrind counts the instructions of one more of each.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.processes import Interpreter, can_count

_MOST = 1.03
_IMPORT = """
import sys, time
begun = time.perf_counter()
{before}
from dana.core.lang.dana_sandbox import DanaSandbox
print(f"\\n{{time.perf_counter() - begun}}")  # below what Dana says while it starts
"""
_WITHOUT, _WITH = _IMPORT.format(before=""), _IMPORT.format(before="import poet_import")


def measure(executable: str, repeats: int, *, counts: bool) -> None:
    """Print both, and their ratio."""
    with TemporaryDirectory() as folder:
        dana = Interpreter(Path(folder), executable=executable)
        times: dict[str, list[float]] = {_WITHOUT: [], _WITH: []}
        for program in (_WITHOUT, _WITH):  # Python caches the modules, and we note which of them look marked
            dana.run(program)
        for _ in range(repeats):
            for program, found in times.items():
                found.append(float(dana.run(program).split()[-1]))
        _tell("seconds", min(times[_WITHOUT]), min(times[_WITH]))
        if counts and can_count():
            _tell("million instructions", *(dana.count(program) / 1e6 for program in (_WITHOUT, _WITH)))


def _tell(unit: str, without: float, whole: float) -> None:
    ratio = whole / without
    met = "met" if ratio <= _MOST else "NOT MET"
    print(f"importing Dana: {without:,.2f} {unit}, {whole:,.2f} with the hook, ratio {ratio:.3f}  {met}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("python", help="the interpreter of an environment that has Dana")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--counts", action="store_true", help="count instructions too, which takes minutes")
    options = parser.parse_args()
    measure(options.python, options.repeats, counts=options.counts)


if __name__ == "__main__":
    main()
