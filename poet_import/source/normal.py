"""What decides whether two functions are the same to a generator: their logic, and what they use of their module."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from poet_import.model import Original
from poet_import.source.compiling import parse
from poet_import.source.scopes import FunctionNode

_UNNAMED = "<original>"


def normalized(original: Original) -> str:
    """Return a text that is the same for the same function: comments, blanks and quotes do not change it.

    Names, defaults, annotations and the docstring do.
    """
    return ast.dump(parse(original.source, _UNNAMED), annotate_fields=False)


def interfaces(original: Original) -> tuple[str, ...]:
    """Return what a function can see of each name of its module that it uses, sorted.

    A function by its signature, a class by its methods' and its bases, an import by what it imports, a constant by its
    value: what goes on inside of another function or class does not count.
    """
    used = {node.id for node in ast.walk(parse(original.source, _UNNAMED)) if isinstance(node, ast.Name)}
    module = parse(original.module, _UNNAMED).body if original.module else []
    found = (text for statement in _statements(module) for name, text in _told(statement) if name in used)
    return tuple(sorted(set(found)))


def _statements(body: Iterable[ast.AST]) -> Iterator[ast.stmt]:
    """Yield the statements of a module, those under its conditions too."""
    for node in body:
        if isinstance(node, ast.If | ast.Try | ast.With | ast.ExceptHandler):
            yield from _statements(ast.iter_child_nodes(node))
        elif isinstance(node, ast.stmt):
            yield node


def _told(statement: ast.stmt) -> Iterator[tuple[str, str]]:
    """Yield each name that a statement of the module binds, with what can be seen of it."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            yield name, _signature(statement)
        case ast.ClassDef():
            yield statement.name, _shape(statement)
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            for alias in aliases:
                yield alias.asname or alias.name.partition(".")[0], ast.unparse(statement)
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names = (node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name))
            yield from ((name, ast.unparse(statement)) for name in names)


def _shape(node: ast.ClassDef) -> str:
    """Return a class without the bodies of its methods."""
    bases = ", ".join(map(ast.unparse, node.bases))
    fields = [ast.unparse(field) for field in node.body if isinstance(field, ast.AnnAssign | ast.Assign)]
    methods = [_signature(method) for method in node.body if isinstance(method, FunctionNode)]
    return "\n    ".join([f"class {node.name}({bases}):", *fields, *methods])


def _signature(node: FunctionNode) -> str:
    kind = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{kind} {node.name}({ast.unparse(node.args)}){result}"
