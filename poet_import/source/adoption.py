"""Put our marker where a module names Dana's: that one would wrap what was woven once more."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from poet_import.source.discovery import PoetFunction
from poet_import.source.hosts import OURS, is_home
from poet_import.source.linemap import Patch, Place
from poet_import.source.names import resolve

MARKER = "_poet_marker"


@dataclass(frozen=True, slots=True)
class Adoption:
    """A part of a module that names Dana's marker, with the text that names ours in its place."""

    node: ast.stmt | ast.expr
    text: str

    def write(self, patch: Patch) -> None:
        """Put the text in the place of the node."""
        node = self.node
        start = patch.source.offset(node.lineno, node.col_offset)
        end = patch.source.offset(node.end_lineno or 0, node.end_col_offset or 0)
        patch.replace(
            start, end, self.text, place=Place(node.lineno, node.col_offset, node.lineno, node.col_offset + 1)
        )


def adoptions(tree: ast.Module, functions: Iterable[PoetFunction]) -> Iterator[Adoption]:
    """Yield what must change in a module so that its ``@poet`` is ours: imports, and decorators with a dot."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and is_home(node.module):
            names = [alias for alias in node.names if alias.name in ("poet", "*")]
            if names:
                yield Adoption(node, _import_text(node, names))
    for found in functions:
        name = found.decorator.func if isinstance(found.decorator, ast.Call) else found.decorator
        if isinstance(name, ast.Attribute) and resolve(name, found.outer) != OURS:
            yield Adoption(name, MARKER)


def _import_text(node: ast.ImportFrom, names: list[ast.alias]) -> str:
    """Return the statement without Dana's marker, and the import of ours under each of its names."""
    ours = ", ".join("poet" if alias.asname is None else f"poet as {alias.asname}" for alias in names)
    others = [alias for alias in node.names if alias.name != "poet"]
    rest = f"{ast.unparse(ast.ImportFrom(node.module, others, 0))}; " if others else ""
    return f"{rest}from poet_import import {ours}"
