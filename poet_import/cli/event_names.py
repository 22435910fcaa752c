"""Which function's events an argument means: they tell a function by module and qualified name, and by no file."""

import difflib
import os
from collections.abc import Iterable, Mapping

import click

from poet_import.cli.targets import target_of
from poet_import.events.scanning import Counts
from poet_import.source.modules import modules_of


def function_named(argument: str, known: Iterable[str]) -> str:
    """Return the one function, of those that events are stored of, that an argument means.

    Args:
        argument: ``shop.py::price``, ``shop.basket:price``, ``shop.basket.price``, or a file or module with one such
            function.
        known: The functions that events are stored of.

    Raises:
        click.ClickException: There is none, or several, or no such file.
    """
    names = sorted(known)
    meant = _meant(argument)
    found = [name for name in names if plain(name) in meant]
    found = found or [name for name in names if name.startswith(tuple(f"{one}." for one in meant))]
    if not found:
        raise _refused(argument, names)
    if len(found) > 1:
        raise click.ClickException(f"{argument} may mean several functions; name one of them: {', '.join(found)}")
    return found[0]


def called(counts: Mapping[str, Counts], path: str, name: str) -> Counts | None:
    """Return what is counted of a function in a file, under whatever name the file was imported; None where nothing is.

    Neither the function's name nor the names in ``counts`` have ``<locals>`` in them.
    """
    names = [f"{module}.{name}" for module in modules_of(path)] if counts else []
    found = [counts[name] for name in names if name in counts]
    return Counts(sum(one.calls for one in found), sum(one.failures for one in found)) if found else None


def _meant(argument: str) -> list[str]:
    if "::" not in argument and not os.path.exists(argument):
        return [plain(argument.replace(":", "."))]
    target = target_of(argument)
    if os.path.isdir(target.path):
        raise click.ClickException(f"{argument} is a folder; name a function, as {argument}/shop.py::price")
    return [f"{module}.{target.name}" if target.name else module for module in modules_of(target.path)]


def plain(name: str) -> str:
    """Return a name as it is written in an argument."""
    return name.replace("<locals>.", "")


def _refused(argument: str, names: list[str]) -> click.ClickException:
    if not names:
        return click.ClickException(
            f"no call of {argument} is stored, and none of any other function; "
            "a function with optimize_for tells of its calls once it runs, where POET_EVENTS names jsonl"
        )
    last = argument.replace(":", ".").rpartition(".")[2]
    likely = [name for name in names if name.rpartition(".")[2] == last]
    likely = likely or difflib.get_close_matches(argument, names, n=3) or names[:10]
    return click.ClickException(f"no call of {argument} is stored; there are calls of {', '.join(likely)}")
