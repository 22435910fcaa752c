"""What a caller knows of a source beyond its text."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from poet_import.errors import TranspileError
from poet_import.source.compiling import parse

_PLACE = "<context.imports>"


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


def _only_imports(text: str) -> bool:
    try:
        tree = parse(text, _PLACE)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return all(isinstance(statement, ast.Import | ast.ImportFrom) for statement in tree.body)
