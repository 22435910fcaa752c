"""Measure what poet_import costs, and write ``docs/benchmarks.md`` with its plot: ``python -m benchmarks``."""

import argparse
import importlib.util
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from benchmarks import calls, cold, imports, peers, steps
from benchmarks.plot import svg
from benchmarks.report import Part, page
from benchmarks.subjects import installed_as, subjects

_PARTS: dict[str, Callable[..., Part]] = {
    "imports": imports.measure,
    "steps": steps.measure,
    "cold": cold.measure,
    "peers": peers.measure,
    "calls": calls.measure,
}
_PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"


def _notes() -> list[str]:
    """Say which libraries are compared with, and which are not here."""
    wanted = sorted({*peers.NAMES, *(name for subject in subjects() for name in subject.needs)})
    present = [name for name in wanted if importlib.util.find_spec(installed_as(name))]
    absent = [name for name in wanted if name not in present]
    notes = [f"Compared with {', '.join(f'{name} {version(name)}' for name in present)}."] if present else []
    if absent:
        notes.append(f"Not installed, so not compared with: {', '.join(absent)} (pip install 'poet-import[peers]').")
    return notes


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=_PARTS, help="measure one part, and print it unless --output is given")
    parser.add_argument("--repeats", type=int, default=15, help="fresh processes of each kind (default: 15)")
    parser.add_argument("--fraction", type=float, default=1.0, help="how much of the work, for a first look")
    parser.add_argument("--output", type=Path, help=f"the page to write (default: {_PAGE.parent.name}/{_PAGE.name})")
    return parser.parse_args()


def main() -> None:
    """Measure, then write the page and its plot, or print the page."""
    arguments = _arguments()
    notes = _notes()
    print(*notes, sep="\n", file=sys.stderr)
    chosen = [arguments.only] if arguments.only else list(_PARTS)
    parts = [_PARTS[name](arguments.repeats, fraction=arguments.fraction) for name in chosen]
    output: Path | None = arguments.output or (None if arguments.only else _PAGE)
    if output is None:
        print(page(parts, repeats=arguments.repeats, notes=notes, plot=None))
        return
    charts = [chart for part in parts for chart in part.charts]
    picture = output.with_suffix(".svg")
    if charts:
        picture.write_text(svg(charts), encoding="utf-8")
    text = page(parts, repeats=arguments.repeats, notes=notes, plot=picture.name if charts else None)
    output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
