"""The functions that a command is about, from its arguments; what cannot be read is told, and the rest goes on."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import click

from poet_import.cli.targets import refuse_unknown, target_of, targets_of
from poet_import.errors import PoetError
from poet_import.settings import Settings
from poet_import.templates import store_over
from poet_import.transpiler.project import Site, sites_of


@dataclass(frozen=True, slots=True)
class Unread:
    """A file whose functions cannot be told."""

    path: str
    line: int
    reason: str


def sites_in(arguments: Iterable[str], settings: Settings) -> Iterator[Site | Unread]:
    """Yield every function that may have another body in the files that arguments name, file by file.

    Raises:
        click.ClickException: There is no such file, folder, module or function.
    """
    templates = store_over(settings.templates)
    for target in targets_of(list(arguments) or ["."]):
        path = os.path.relpath(target.path)
        try:
            sites = sites_of(path, templates)
        except (OSError, SyntaxError, ValueError, PoetError) as error:
            yield Unread(path, getattr(error, "lineno", None) or getattr(error, "line", None) or 1, _reason(error))
            continue
        chosen = [site for site in sites if target.name in (None, site.name)]
        if target.name is not None and not chosen:
            raise refuse_unknown(path, target.name, [site.name for site in sites])
        yield from chosen


def one_site(argument: str, settings: Settings) -> Site:
    """Return the one function that an argument names; a file with one function names that.

    Raises:
        click.ClickException: There is no such function, or there are several.
    """
    target = target_of(argument)
    if os.path.isdir(target.path):
        raise click.ClickException(f"{argument} is a folder; name a function, as {argument}/shop.py::price")
    (*found,) = sites_in([argument], settings)
    for one in found:
        if isinstance(one, Unread):
            raise click.ClickException(f"{one.path}:{one.line}: {one.reason}")
    sites = [one for one in found if isinstance(one, Site)]
    if not sites:
        raise click.ClickException(f"{argument} has no @poet function that may have another body")
    if len(sites) > 1:
        names = ", ".join(dict.fromkeys(site.target for site in sites))
        raise click.ClickException(f"{argument} has several functions; name one of them: {names}")
    return sites[0]


def _reason(error: Exception) -> str:
    words = getattr(error, "strerror", None) or getattr(error, "msg", None) or getattr(error, "message", None)
    return str(words or error)
