"""``poet diff``: a function beside its implementation."""

import difflib
import os
import sys
from collections.abc import Iterator

import click

from poet_import.cli.sites import one_site
from poet_import.cli.terminal import width_shown
from poet_import.settings import Settings
from poet_import.transpiler.project import Site

_WIDE = 120  # columns of a terminal from which on both stand side by side


@click.command("diff")
@click.argument("name", metavar="PATH::NAME|MODULE:NAME")
@click.option("--from", "earlier", metavar="VERSION", help="Compare with an earlier version, not with the function.")
def diff_command(name: str, *, earlier: str | None) -> None:
    """Compare a function with its implementation: side by side on a wide terminal, else as a unified diff.

    \b
    Examples:
      poet diff shop.py::price
      poet diff shop.py::price --from v1
      poet diff shop.py::price | less
    """
    found = one_site(name, Settings.read())
    site, state = found.site, found.state
    if state.frozen is None:
        raise click.ClickException(f"{site.target}: {state.reason}; run poet build {site.target}")
    label, old = _old(site, earlier)
    new = state.frozen.text.splitlines()
    heads = (label, os.path.relpath(state.frozen.path))
    width = width_shown()
    if width is not None and width >= _WIDE:
        click.echo("\n".join(_beside(old, new, heads, width=width)))
        return
    lines = difflib.unified_diff(old, new, *heads, lineterm="")
    click.echo("\n".join(map(_coloured, lines)) or f"{site.target}: both are the same")


def _old(site: Site, earlier: str | None) -> tuple[str, list[str]]:
    if earlier is None:
        return f"{site.path}::{site.name}", site.wanted.original.source.splitlines()
    if earlier not in site.store.versions(site.place):
        known = ", ".join(site.store.versions(site.place))
        raise click.ClickException(f"{site.target} has no version {earlier}; it has {known}")
    found = site.store.read(site.place, earlier)
    return os.path.relpath(found.path), found.text.splitlines()


def _beside(old: list[str], new: list[str], heads: tuple[str, str], *, width: int) -> Iterator[str]:
    half = (width - 3) // 2
    yield _pair(heads[0], " ", heads[1], half=half)
    yield _pair("-" * half, "-", "-" * half, half=half)
    for tag, old_from, old_to, new_from, new_to in difflib.SequenceMatcher(None, old, new).get_opcodes():
        mark = {"equal": " ", "replace": "|", "delete": "<", "insert": ">"}[tag]
        left, right = old[old_from:old_to], new[new_from:new_to]
        for number in range(max(len(left), len(right))):
            one = left[number] if number < len(left) else ""
            other = right[number] if number < len(right) else ""
            yield _pair(one, mark, other, half=half)


def _pair(one: str, mark: str, other: str, *, half: int) -> str:
    left, right = (text if len(text) <= half else f"{text[: half - 1]}…" for text in (one, other))
    return f"{left:{half}} {mark} {right}".rstrip()


def _coloured(line: str) -> str:
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or line.startswith(("---", "+++")):
        return line
    colour = {"-": "red", "+": "green", "@": "cyan"}.get(line[:1])
    return click.style(line, fg=colour) if colour else line
