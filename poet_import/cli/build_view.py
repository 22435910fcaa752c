"""How far a build is: a table on a terminal, a line for each function that is done elsewhere."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from poet_import.transpiler.building import Step

if TYPE_CHECKING:
    from rich.table import Table

_SHOWN = 12  # rows: what is under way, and what was done last
_DONE = ("frozen", "failed", "left")


class BuildView:
    """The steps of a build, as they come; called from the background thread."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._lock = threading.Lock()
        self._begun: dict[str, float] = {}
        self._active: dict[str, Step] = {}
        self._done: list[tuple[Step, float]] = []
        self._tokens: dict[str, int] = {}
        self.is_live = False

    def tell(self, step: Step) -> None:
        """Take in a step; where no table is shown, a line tells of each function that is done."""
        name = step.site.target
        with self._lock:
            begun = self._begun.setdefault(name, time.monotonic())
            self._tokens[name] = step.tokens
            if step.stage in _DONE:
                self._active.pop(name, None)
                self._done.append((step, time.monotonic() - begun))
            else:
                self._active[name] = step
        if step.stage in _DONE and not self.is_live:
            click.echo(self.line(step), err=step.stage != "frozen")

    def line(self, step: Step) -> str:
        """Return what is told of a function that is done."""
        if step.stage == "frozen":
            return f"frozen  {step.site.target} {step.note}, {step.tokens:,} tokens"
        return f"{step.stage:7} {step.site.target}: {step.note}"

    def finish(self) -> None:
        """Tell of every function again that a table has shown, since the table is gone."""
        if self.is_live:
            for step, _ in self._done:
                click.echo(self.line(step), err=step.stage != "frozen")

    @property
    def tokens(self) -> int:
        """Return how many tokens were used, in and out."""
        return sum(self._tokens.values())

    def __rich__(self) -> "Table":
        from rich.table import Table  # for a person only

        title = f"{len(self._done)} of {self._total} done, {self.tokens:,} tokens"
        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for heading in ("function", "stage", "seconds", "tokens"):
            table.add_column(heading, justify="right" if heading in ("seconds", "tokens") else "left", no_wrap=True)
        with self._lock:
            rows = [(step, time.monotonic() - self._begun[name]) for name, step in self._active.items()]
            rows = [*self._done[-max(0, _SHOWN - len(rows)) :], *rows][-_SHOWN:]
            for step, seconds in rows:
                table.add_row(step.site.target, step.stage, f"{seconds:.1f}", f"{step.tokens:,}")
        return table


@contextmanager
def shown(view: BuildView) -> Iterator[None]:
    """Show a view while the block runs, where somebody waits at a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # 60 ms, for a person only
    from rich.live import Live

    view.is_live = True
    with Live(view, console=Console(stderr=True), refresh_per_second=8, transient=True):
        yield
    view.finish()
