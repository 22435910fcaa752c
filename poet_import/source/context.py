"""What a caller knows of a source beyond its text."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from poet_import.errors import TranspileError
from poet_import.source.compiling import parse

_PLACE = "<context.imports>"
_SCOPES = ("local", "public")  # the other ones of a host are nobody's business
_NAME = re.compile(r"[A-Za-z_]\w{0,63}", re.ASCII)
_MOST_NAMES = 100


def with_imports(source: str, context: Mapping[str, object] | None) -> str:
    """Return a source below the import statements that its context names under ``imports``.

    Raises:
        TranspileError: ``imports`` is no list of texts, or one of them is anything else than import statements.
    """
    imports = (context or {}).get("imports", ())
    if not isinstance(imports, list | tuple) or not all(isinstance(line, str) for line in imports):
        raise TranspileError(f"context.imports: expected a list of import statements, found {imports!r}")
    for number, line in enumerate(imports):
        if not _only_imports(line):
            raise TranspileError(f"context.imports[{number}]: expected import statements only, found {line!r}")
    return "".join(f"{line}\n" for line in imports) + source


def surroundings(sandbox_context: object) -> tuple[tuple[str, str], ...]:
    """Return names and types of the values around a call; a host tells them as a mapping of its scopes.

    Of a value nothing but its type is looked at, and of scopes only ``local`` and ``public``. What is no such mapping
    tells nothing, and neither does a name that is none.
    """
    if not isinstance(sandbox_context, Mapping):
        return ()
    scopes = [sandbox_context.get(scope) for scope in _SCOPES]
    found = {
        str(name): type(value).__name__
        for scope in reversed(scopes)
        if isinstance(scope, Mapping)
        for name, value in scope.items()
    }
    named = sorted((name, kind) for name, kind in found.items() if _NAME.fullmatch(name) and _NAME.fullmatch(kind))
    return tuple(named[:_MOST_NAMES])


def _only_imports(text: str) -> bool:
    try:
        tree = parse(text, _PLACE)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return all(isinstance(statement, ast.Import | ast.ImportFrom) for statement in tree.body)
