"""Calls that a docstring shows."""

from __future__ import annotations

import ast
from doctest import DocTestParser

from poet_import.source.compiling import parse
from poet_import.source.scopes import FunctionNode

_MOST = 20


def examples_of(function: FunctionNode) -> list[str]:
    """Return the arguments of each call of the function in its docstring, as the text of a tuple of literals."""
    try:
        examples = DocTestParser().get_examples(ast.get_docstring(function) or "")
    except ValueError:
        return []
    found = (_arguments(example.source, function.name) for example in examples)
    return [text for text in found if text is not None][:_MOST]


def _arguments(source: str, name: str) -> str | None:
    try:
        body = parse(source).body
    except SyntaxError:
        return None
    calls = [node for statement in body for node in ast.walk(statement) if isinstance(node, ast.Call)]
    for call in calls:
        if (
            isinstance(call.func, ast.Name)
            and call.func.id == name
            and not call.keywords
            and all(map(_is_literal, call.args))
        ):
            return f"({''.join(f'{ast.unparse(argument)}, ' for argument in call.args)})"
    return None


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True
