"""``poet list``: the marked functions of a project, and what runs in them."""

import json
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, fields

import click

from poet_import.cache.frozen import SHADOW
from poet_import.cli.event_names import called, plain
from poet_import.cli.sites import Judged, Unread, judged_in
from poet_import.cli.terminal import aligned, width_shown
from poet_import.events.outlets import events_directory
from poet_import.events.scanning import Counts, counts_in
from poet_import.settings import Settings
from poet_import.transpiler.freezing import State
from poet_import.transpiler.history import pointed
from poet_import.transpiler.project import Site

_OF_EVENTS = ("calls", "failures")  # the last columns; shown where calls of a function listed are stored
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
    calls: int | None
    failures: int | None


@click.command("list")
@click.argument("paths", nargs=-1, metavar="[PATH|PATH::NAME|MODULE]...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
def list_command(paths: tuple[str, ...], *, as_json: bool) -> None:
    """List the functions that are marked, the domain, what runs in each, who wrote it, and how it was tried.

    Calls and failures are those that are stored of functions with optimize_for, where there are any.

    \b
    Examples:
      poet list
      poet list src --json
    """
    settings = Settings.read()
    found = list(judged_in(paths, settings))
    for one in found:
        if isinstance(one, Unread):
            click.echo(f"{one.path}:{one.line}: {one.reason}", err=True)
    counts = _counts(settings)
    rows = [_row(one.site, one.state, counts) for one in found if isinstance(one, Judged)]
    if as_json:
        click.echo(json.dumps({"functions": [asdict(row) for row in rows]}, indent=2))
    elif not rows:
        click.echo("no @poet function found")
    else:
        click.echo(_table(rows, width_shown()))


def _counts(settings: Settings) -> dict[str, Counts]:
    """Return what is stored of calls, by function; nothing where it cannot be read."""
    try:
        return {plain(name): counts for name, counts in counts_in(events_directory(settings)).items()}
    except OSError as error:
        click.echo(f"{error.filename}: {error.strerror}; calls are not shown", err=True)
        return {}


def _row(site: Site, state: State, counts: Mapping[str, Counts]) -> Row:
    record = state.frozen.record if state.frozen else {}
    gates = record.get("gates")
    last = gates[-1] if isinstance(gates, list) and gates and isinstance(gates[-1], dict) else {}
    inputs = f", {last['inputs']} inputs" if last.get("inputs") else ""
    seen = called(counts, site.path, site.name)
    return Row(
        site.target,
        site.wanted.template.domain,
        _origin(site, state),
        state.version,
        str(record.get("model", "")),
        f"{last.get('method', '')}{inputs}",
        seen.calls if seen else None,
        seen.failures if seen else None,
    )


def _origin(site: Site, state: State) -> str:
    """Return what runs, and beside it what waits to."""
    origin = _ORIGINS.get(state.kind, state.kind)
    waits = state.kind != "shadow" and pointed(site, SHADOW) is not None
    return f"{origin}, shadow" if waits else origin


def _table(rows: list[Row], width: int | None) -> str:
    """Return a table whose columns are as wide as what is in them; names get their own lines where that is too wide."""
    headings = tuple(field.name for field in fields(Row))
    shown = len(headings) if any(row.calls for row in rows) else -len(_OF_EVENTS)
    cells = [headings[:shown], *(_cells(row)[:shown] for row in rows)]
    lines = aligned(cells)
    if width is None or max(map(len, lines)) <= width:
        return "\n".join(lines)
    rest = aligned([row[1:] for row in cells])
    return "\n".join(f"{row[0]}\n  {line}" for row, line in zip(cells, rest, strict=True))


def _cells(row: Row) -> tuple[str, ...]:
    return tuple("" if value is None else f"{value:,}" if isinstance(value, int) else value for value in astuple(row))
