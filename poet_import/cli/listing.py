"""``poet list``: the marked functions of a project, and what runs in them."""

import json
from dataclasses import asdict, dataclass

import click

from poet_import.cache.frozen import SHADOW
from poet_import.cli.sites import Judged, Unread, judged_in
from poet_import.cli.terminal import width_shown
from poet_import.settings import Settings
from poet_import.transpiler.freezing import State
from poet_import.transpiler.history import pointed
from poet_import.transpiler.project import Site

_ORIGINS = {"fresh": "frozen", "edited": "frozen, edited", "missing": "woven", "shadow": "woven, shadow"}


@dataclass(frozen=True, slots=True)
class Row:
    """What is told of one function."""

    function: str
    domain: str
    origin: str
    version: str
    model: str
    evidence: str


@click.command("list")
@click.argument("paths", nargs=-1, metavar="[PATH|PATH::NAME|MODULE]...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
def list_command(paths: tuple[str, ...], *, as_json: bool) -> None:
    """List the functions that are marked, the domain, what runs in each, who wrote it, and how it was tried.

    \b
    Examples:
      poet list
      poet list src --json
    """
    found = list(judged_in(paths, Settings.read()))
    for one in found:
        if isinstance(one, Unread):
            click.echo(f"{one.path}:{one.line}: {one.reason}", err=True)
    rows = [_row(one.site, one.state) for one in found if isinstance(one, Judged)]
    if as_json:
        click.echo(json.dumps({"functions": [asdict(row) for row in rows]}, indent=2))
    elif not rows:
        click.echo("no @poet function found")
    else:
        click.echo(_table(rows, width_shown()))


def _row(site: Site, state: State) -> Row:
    record = state.frozen.record if state.frozen else {}
    gates = record.get("gates")
    last = gates[-1] if isinstance(gates, list) and gates and isinstance(gates[-1], dict) else {}
    inputs = f", {last['inputs']} inputs" if last.get("inputs") else ""
    return Row(
        site.target,
        site.wanted.template.domain,
        _origin(site, state),
        state.version,
        str(record.get("model", "")),
        f"{last.get('method', '')}{inputs}",
    )


def _origin(site: Site, state: State) -> str:
    """Return what runs, and beside it what waits to."""
    origin = _ORIGINS.get(state.kind, state.kind)
    waits = state.kind != "shadow" and pointed(site, SHADOW) is not None
    return f"{origin}, shadow" if waits else origin


def _table(rows: list[Row], width: int | None) -> str:
    """Return a table whose columns are as wide as what is in them; names get their own lines where that is too wide."""
    cells = [
        ("function", "domain", "origin", "version", "model", "evidence"),
        *(tuple(asdict(row).values()) for row in rows),
    ]
    lines = _aligned(cells)
    if width is None or max(map(len, lines)) <= width:
        return "\n".join(lines)
    rest = _aligned([row[1:] for row in cells])
    return "\n".join(f"{row[0]}\n  {line}" for row, line in zip(cells, rest, strict=True))


def _aligned(cells: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return ["  ".join(cell.ljust(size) for cell, size in zip(row, widths, strict=True)).rstrip() for row in cells]
