"""What the benchmarks found, as a page in Markdown."""

import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.plot import Chart


@dataclass(frozen=True, slots=True)
class Table:
    """A section of the page: the first column names, the others hold figures."""

    title: str
    about: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """Return the section."""
        rule = "|".join(["---", *["---:"] * (len(self.head) - 1)])
        lines = [f"| {' | '.join(cells)} |" for cells in (self.head, *self.rows)]
        table = "\n".join([lines[0], f"|{rule}|", *lines[1:]])
        return "\n\n".join(filter(None, [f"## {self.title}", self.about.strip(), table]))


@dataclass(frozen=True, slots=True)
class Part:
    """What one group of measurements found."""

    tables: Sequence[Table]
    charts: Sequence[Chart] = ()


def verdict(value: float | None, limit: float | None, words: str) -> tuple[str, str]:
    """Return a target in words, which may name the limit as ``{}``, and whether a value meets it."""
    if limit is None:
        return "–", "–"
    if value is None:
        return words.format(limit), "not measured"
    return words.format(limit), "yes" if value <= limit else "**no**"


def page(parts: Sequence[Part], *, repeats: int, notes: Sequence[str], plot: str | None) -> str:
    """Return the whole page.

    Args:
        parts: What was measured.
        repeats: How often.
        notes: What a reader must know besides, one line each.
        plot: The name of the picture beside the page, if there is one.
    """
    version = ".".join(map(str, sys.version_info[:3]))
    facts = f"{platform.python_implementation()} {version}, {platform.machine()}, {os.cpu_count()} CPUs."
    lines = [
        "`python -m benchmarks` wrote this page.",
        "All of it is of one run.",
        f"A time is the least of {repeats} fresh processes that take turns, of fewer where it is cold.",
        facts,
        *notes,
    ]
    picture = [f"![The cost of a call, and of the first import of a module]({plot})"] if plot else []
    tables = [table.markdown() for part in parts for table in part.tables]
    return "\n\n".join(["# Benchmarks", "\n".join(lines), *picture, *tables]) + "\n"
