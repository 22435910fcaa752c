"""What commands know of who reads them."""

import shutil
import sys
from collections.abc import Iterable, Sequence


def width_shown() -> int | None:
    """Return the columns of the terminal that standard output is shown at; None where it goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def aligned(cells: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table whose columns are as wide as what is in them."""
    rows = list(cells)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(size) for cell, size in zip(row, widths, strict=True)).rstrip() for row in rows]
