"""What a command's arguments name: files, folders, modules, and functions in them. Nothing is imported to find them."""

import difflib
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.machinery import ModuleSpec

import click

_NOT_SOURCE = frozenset(("__pycache__", "node_modules", "site-packages"))


@dataclass(frozen=True, slots=True)
class Target:
    """A file, and the function in it that is meant, or None for all."""

    path: str
    name: str | None = None


def target_of(argument: str) -> Target:
    """Return the file that an argument names, and the function: ``shop.py``, ``shop.py::price``, ``shop.basket:price``.

    Raises:
        click.ClickException: There is no such file or module.
    """
    # A single colon in a file's name stays the file's.
    separator = "::" if "::" in argument or os.path.exists(argument) else ":"
    place, _, name = argument.partition(separator)
    path = place if os.path.exists(place) else _module_path(place)
    return Target(path, name.replace("<locals>.", "") or None)


def targets_of(arguments: Iterable[str]) -> list[Target]:
    """Return every file that arguments name, those below a folder in the order of their paths; none twice.

    Raises:
        click.ClickException: There is no such file, folder or module.
    """
    found: dict[Target, None] = {}
    for argument in arguments:
        target = target_of(argument)
        if os.path.isdir(target.path):
            found.update((Target(path, target.name), None) for path in _files_below(target.path))
        else:
            found[target] = None
    return list(found)


def _files_below(folder: str) -> Iterator[str]:
    """Yield the Python files below a folder; what is hidden, installed or a cache is nobody's source."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if _is_source(os.path.join(place, name), name))
        for name in sorted(files):
            if name.endswith(".py"):
                yield os.path.normpath(os.path.join(place, name))


def _is_source(path: str, name: str) -> bool:
    return not (name.startswith(".") or name in _NOT_SOURCE or os.path.exists(os.path.join(path, "pyvenv.cfg")))


def refuse_unknown(path: str, name: str, names: Iterable[str]) -> click.ClickException:
    """Return the error for a function that a file does not have."""
    known = list(names)
    likely = difflib.get_close_matches(name, known, n=3) or known[:10]
    hint = f"did you mean {' or '.join(likely)}?" if likely else "it has none at all"
    return click.ClickException(f"{path} has no function {name}; {hint}")


def _module_path(name: str) -> str:
    spec = _module_spec(name)
    if spec is None or not spec.has_location or spec.origin is None:
        raise click.ClickException(f"no such file or module: {name}; give a path, or a module that is found from here")
    return spec.origin


def _module_spec(name: str) -> ModuleSpec | None:
    """Ask the finders, package by package: `importlib.util.find_spec` would import the packages, and so run them."""
    package = name.rpartition(".")[0]
    around = _module_spec(package) if package else None
    if package and (around is None or around.submodule_search_locations is None):
        return None
    folders = [os.getcwd(), *sys.path] if around is None else around.submodule_search_locations
    specs = (finder.find_spec(name, folders) for finder in sys.meta_path)
    return next((spec for spec in specs if spec is not None), None)
