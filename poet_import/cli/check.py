"""``poet check``: whether what is frozen fits, for continuous integration and before a commit. Asks nobody."""

import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass

import click

from poet_import._version import __version__
from poet_import.cache.frozen import FOLDER
from poet_import.cli.sites import Judged, Unread, judged_in
from poet_import.settings import Settings
from poet_import.transpiler.freezing import SOUND, State
from poet_import.transpiler.project import Site
from poet_import.validation import validate

_MISMARKED = "mismarked"
_WORDS = {
    "stale": "was frozen for another version of the function",
    "missing": "has no frozen implementation",
    "unreadable": "cannot be read",
    "invalid": "is refused by the gates",
    _MISMARKED: "has a mark that tells another version",
}


@dataclass(frozen=True, slots=True)
class Row:
    """What was found of one function."""

    path: str
    line: int
    function: str
    state: str
    version: str
    reason: str
    mend: str  # the command that mends it, or nothing


@click.command("check")
@click.argument("paths", nargs=-1, metavar="[PATH|PATH::NAME|MODULE]...")
@click.option(
    "--format", "shape", type=click.Choice(["text", "json", "github", "sarif"]), default="text", help="Default: text."
)
def check_command(paths: tuple[str, ...], *, shape: str) -> int:
    """Fail where a frozen implementation is stale, missing, unreadable, or edited so that the gates refuse it.

    Nothing is imported, nobody is asked, and nothing is written. One that was edited by hand is judged anew, by all
    gates. The exit status is 0 if everything fits, 1 if something does not, and 2 for a wrong command line.

    \b
    Examples:
      poet check
      poet check src/shop.py::price
      poet check --format github src
    """
    rows = [_row(found) for found in judged_in(paths, Settings.read())]
    click.echo(_SHAPES[shape](rows), nl=False)
    return int(any(row.state not in SOUND for row in rows))


def _row(found: Judged | Unread) -> Row:
    if isinstance(found, Unread):
        return Row(found.path, found.line, "", "unreadable", "", found.reason, "")
    site, state = found.site, _tried(found.site, found.state)
    if state.kind not in SOUND:
        return Row(
            site.path, site.line, site.name, state.kind, state.version, state.reason, f"poet build {site.target}"
        )
    wrong = _wrong_marks(site)
    if not wrong:
        return Row(site.path, site.line, site.name, state.kind, state.version, "", "")
    reason = (
        f"{f'is {state.version}' if state.version else 'has a shadow'}, and {' and '.join(wrong)} tells another version"
    )
    return Row(site.path, site.line, site.name, _MISMARKED, state.version, reason, _marking(site, state))


def _wrong_marks(site: Site) -> list[str]:
    """Return the marks of a function that has some, and not the one that its pointers ask for."""
    right = site.store.mark(site.place)
    if right is None or os.path.exists(os.path.join(site.store.folder, right)):
        return []
    return [f"{FOLDER}/{name}" for name in site.store.marks().get(site.place, ())]


def _marking(site: Site, state: State) -> str:
    """Return the command that writes the right mark, since it writes the pointer anew."""
    return (
        f"poet rollback {site.target} --to {state.version}"
        if state.version
        else f"poet build --shadow --again {site.target}"
    )


def _tried(site: Site, state: State) -> State:
    """Return the state of an edited implementation as all gates see it; of any other one as it is."""
    if state.kind != "edited" or state.frozen is None:
        return state
    original = site.wanted.original
    verdict = validate(state.frozen.text, original, semantics=original.semantics)
    if verdict.accepted:
        return state
    first = verdict.violations[0]
    where = f"{first.gate}, rule {first.rule}, line {first.line}: {first.message}"
    reason = f"{state.version} was edited, and is refused by {where}"
    return State("invalid", reason, state.frozen)


def _text(rows: list[Row]) -> str:
    lines = [
        f"{row.path}:{row.line}: {row.function or 'the file'} {row.reason or _WORDS.get(row.state, '')}\n"
        + (f"    mend it: {row.mend}\n" if row.mend else "")
        for row in rows
        if row.state not in SOUND
    ]
    counts = Counter(row.state for row in rows)
    told = ", ".join(f"{counts[state]} {state}" for state in (*SOUND, *_WORDS) if counts[state])
    return "".join(lines) + f"{told or 'no @poet function found'}\n"


def _json(rows: list[Row]) -> str:
    found = {"functions": [asdict(row) for row in rows], "counts": dict(Counter(row.state for row in rows))}
    return json.dumps(found, indent=2) + "\n"


def _github(rows: list[Row]) -> str:
    """Return workflow commands, which GitHub shows beside the lines (its documentation: workflow commands)."""
    return "".join(
        f"::error file={_escaped(row.path)},line={row.line},title=poet {row.state}::"
        f"{_escaped(f'{row.function} {row.reason}; {row.mend}'.strip('; '))}\n"
        for row in rows
        if row.state not in SOUND
    )


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A").replace(":", "%3A").replace(",", "%2C")


def _sarif(rows: list[Row]) -> str:
    """Return a log in the Static Analysis Results Interchange Format, 2.1.0 (OASIS)."""
    rules = [
        {"id": state, "shortDescription": {"text": f"The implementation {words}."}} for state, words in _WORDS.items()
    ]
    results = [
        {
            "ruleId": row.state,
            "level": "error",
            "message": {"text": f"{row.function}: {row.reason}. {row.mend}".strip()},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": row.path.replace("\\", "/")},
                        "region": {"startLine": row.line},
                    }
                }
            ],
        }
        for row in rows
        if row.state not in SOUND
    ]
    driver = {"name": "poet", "version": __version__, "rules": rules}
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    return json.dumps(log, indent=2) + "\n"


_SHAPES: dict[str, Callable[[list[Row]], str]] = {"text": _text, "json": _json, "github": _github, "sarif": _sarif}
