"""Woven text that needs the runtime alone: without the markers that have done their work."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator

from poet_import.source.compiling import parse
from poet_import.source.discovery import PoetFunction, discover
from poet_import.source.linemap import Source
from poet_import.source.scopes import read_scopes


def without_markers(text: str, filename: str) -> str:
    """Return a woven text without ``@poet``, and without the import of it where nothing else uses that.

    A marker that the running program needs stays: one that binds ``retry_on``, or whose options only the program knows.
    """
    tree = parse(text, filename)
    source = Source(text)
    with warnings.catch_warnings():  # of what was said when the user's text was read
        warnings.simplefilter("ignore")
        found = discover(read_scopes(tree), filename=filename).functions
    done = [one for one in found if _is_done(one)]
    gone = [_lines(source, one.decorator) for one in done]
    gone += [(node.lineno, node.end_lineno or node.lineno) for node in _idle_imports(tree, done)]
    kept, data = [], source.data
    start = 0
    for first, last in sorted(gone):
        kept.append(data[start : source.line_start(first)])
        start = source.line_start(last + 1)
    return b"".join([*kept, data[start:]]).decode()


def _is_done(function: PoetFunction) -> bool:
    return not function.left_alone and not function.binds_retry_on


def _lines(source: Source, decorator: ast.expr) -> tuple[int, int]:
    """Return the first and last line of a decorator; its sign may stand above its name."""
    sign = source.data.rindex(b"@", 0, source.offset(decorator.lineno, decorator.col_offset))
    return source.position(sign)[0], decorator.end_lineno or decorator.lineno


def _idle_imports(tree: ast.Module, done: list[PoetFunction]) -> Iterator[ast.ImportFrom]:
    """Yield the statements that import the marker, stand alone, and serve those decorators only."""
    served = {id(node) for one in done for node in ast.walk(one.decorator)}
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in served}
    lines = [statement.lineno for statement in tree.body]
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "poet_import" and lines.count(node.lineno) == 1:
            names = [(alias.name, alias.asname or alias.name) for alias in node.names]
            if [name for name, _ in names] == ["poet"] and names[0][1] not in read:
                yield node
