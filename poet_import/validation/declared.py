"""What the modules that a domain declares hand out: public names, no other modules. None is run to find out."""

from __future__ import annotations

import ast
import importlib
import os
import sys
from collections.abc import Iterator
from functools import cache
from types import ModuleType

from poet_import.source.compiling import parse
from poet_import.source.scopes import names_bound_by


def is_declared(module: str, name: str, declared: tuple[str, ...]) -> bool:
    """Tell whether a declared module binds a name itself, for others to use."""
    return module in declared and not name.startswith("_") and name in _own_names(module)


@cache
def _own_names(module: str) -> frozenset[str]:
    path = _file_of(module)
    if path is not None:
        return _names_of(path)
    if module.partition(".")[0] not in sys.stdlib_module_names:
        return frozenset()
    loaded = importlib.import_module(module)  # of the standard library and compiled: there is no text to read
    return frozenset(name for name, value in vars(loaded).items() if not isinstance(value, ModuleType))


def _file_of(module: str) -> str | None:
    """Return the file of a module, found without importing anything."""
    parts = module.split(".")
    for root in sys.path:
        place = os.path.join(root or os.curdir, *parts)
        for path in (os.path.join(place, "__init__.py"), f"{place}.py"):
            if os.path.isfile(path):
                return path
    return None


def _names_of(path: str) -> frozenset[str]:
    try:
        with open(path, encoding="utf-8") as file:
            tree = parse(file.read(), path)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    return frozenset(name for node in _statements(tree.body) for name in _bound(node))


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try):
            yield from _statements([child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)])


def _bound(node: ast.stmt) -> list[str]:
    """Return the names that a statement defines; what it imports from a sibling is the module's own, too."""
    if isinstance(node, ast.ImportFrom):
        return names_bound_by(node) if node.level else []
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return [name for part in ast.walk(node) for name in names_bound_by(part)]
    return [] if isinstance(node, ast.Import) else names_bound_by(node)
