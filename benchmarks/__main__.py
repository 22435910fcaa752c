"""Measure what poet_import costs: ``python -m benchmarks``."""

import argparse
import tempfile
from pathlib import Path

from benchmarks import imports
from benchmarks.processes import can_count

_PLAIN_MODULES, _MARKED_MODULES = 300, 30


def measure_imports(repeats: int) -> None:
    """Print the ratios of imports, by time and by instructions."""
    for modules, kinds in (
        (_PLAIN_MODULES, (imports.PLAIN, imports.HOOKED)),
        (_MARKED_MODULES, (imports.PLAIN, imports.NO_OP, imports.MARKED)),
    ):
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            imports.write_folders(work, modules + 1)
            times = imports.seconds(kinds, work, modules=modules, repeats=repeats)
            counts = imports.instructions(kinds, work, modules=modules) if can_count() else {}
        for kind in kinds:
            line = f"{modules:4} {kind.label:28} time {imports.ratio(times, kind):.3f}"
            line += f" ({1000 * times[kind].others:.1f} ms, activation {1000 * times[kind].activation:.2f} ms,"
            line += f" first module {1000 * times[kind].first:.2f} ms)"
            if counts:
                line += f"; instructions {imports.ratio(counts, kind):.4f} ({counts[kind].others / 1e6:.2f} M,"
                line += f" activation {counts[kind].activation / 1e6:.2f} M, first {counts[kind].first / 1e6:.2f} M)"
            print(line)


def main() -> None:
    """Print what is measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=["imports"], default="imports")
    parser.add_argument("--repeats", type=int, default=15)
    arguments = parser.parse_args()
    measure_imports(arguments.repeats)


if __name__ == "__main__":
    main()
