"""Measure what the first import of a marked module costs, from ten functions to two thousand."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.imports import MARKED, Kind, forget, seconds
from benchmarks.plot import Curve
from benchmarks.report import Part, Table, verdict
from benchmarks.sample import module_text, write_modules

_SIZES = (10, 50, 100, 200, 500, 1000, 2000)
_MOST_MILLISECONDS = 3  # a function
_BASE = 100  # smaller modules are too noisy to compare with
_MOST_GROWTH = 1.25  # of the time of a function, from the module of that size to the largest


def milliseconds(sizes: Sequence[int], work: Path, *, repeats: int) -> dict[int, float]:
    """Return the least time of a cold import of a module of each size, in a process that has woven one before."""
    kinds = {size: Kind(str(size), f"cold-{size}", MARKED.before, MARKED.marker) for size in sizes}
    for size, kind in kinds.items():
        write_modules(work / kind.folder, 1, marker=kind.marker)
        text = module_text(marker=kind.marker, seed=1, functions=size)
        (work / kind.folder / "shop_1.py").write_text(text, encoding="utf-8")
        forget(work, kind)
    times = seconds(list(kinds.values()), work, modules=1, repeats=repeats, is_cold=True)
    return {size: 1000 * times[kind].others for size, kind in kinds.items()}


def measure(repeats: int, *, fraction: float = 1.0) -> Part:
    """Show how the time grows with the size of a module."""
    sizes = [size for size in _SIZES if size <= fraction * _SIZES[-1]]
    with TemporaryDirectory() as folder:
        found = milliseconds(sizes, Path(folder), repeats=max(2, repeats // 5))
    rows = [
        [f"{size:,}", f"{time:,.0f}", f"{time / size:.3f}", *verdict(time / size, _MOST_MILLISECONDS, "≤ {} ms")]
        for size, time in found.items()
    ]
    chart = Curve("cold import of one module, seconds by number of functions", [(0, 0), *_in_seconds(found)])
    head = ("functions in the module", "ms", "ms a function", "target", "met")
    return Part([Table("Cold: the first import of a marked module", _about(found), head, rows)], [chart])


def _in_seconds(found: Mapping[int, float]) -> list[tuple[float, float]]:
    return [(size, time / 1000) for size, time in found.items()]


def _about(found: Mapping[int, float]) -> str:
    base, largest = min(found, key=lambda size: abs(size - _BASE)), max(found)
    growth = found[largest] / largest / (found[base] / base)
    is_linear = "linear" if growth <= _MOST_GROWTH else "**not** linear"
    return (
        "Neither Python nor poet_import has the module in a cache; the process has woven a small one before.\n"
        f"A function of the module of {largest:,} takes {growth:.2f} of one of the module of {base:,}: "
        f"the growth is {is_linear} (at most {_MOST_GROWTH})."
    )
