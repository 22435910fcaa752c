"""What decides whether two functions are the same to a generator: their logic, and what they use of their module."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from copy import copy
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from poet_import.model import Original
from poet_import.source.compiling import parse
from poet_import.source.nodes import children, walk
from poet_import.source.scopes import FunctionNode

_UNNAMED = "<original>"
_IDLE: Final = frozenset(("ctx", "kind", "type_comment", "type_ignores"))  # they tell of no difference


def normalized(original: Original) -> str:
    """Return a text that is the same for the same function: comments, blanks and quotes do not change it.

    Names, defaults, annotations and the docstring do. A function in Dana is given back as it is written.
    """
    if original.language == "dana":
        return original.source
    return dumped(parse(original.source, _UNNAMED))


def source_digest(original: Original) -> str:
    """Return the digest of a function's logic and of what it sees of its module, the same under every Python."""
    parts = [normalized(original), *sorted(set(map(dumped, _seen(original))))]
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def dumped(node: ast.AST) -> str:
    """Return a tree as text, without its empty fields: versions of Python differ in those."""
    if isinstance(node, ast.Constant):
        return f"{type(node.value).__name__}:{node.value!r}"
    fields = [(name, _dumped_field(value)) for name, value in ast.iter_fields(node) if name not in _IDLE]
    return f"{type(node).__name__}({','.join(f'{name}={text}' for name, text in fields if text)})"


def _dumped_field(value: object) -> str:
    if isinstance(value, ast.AST):
        return dumped(value)
    if isinstance(value, list):
        return f"[{','.join(map(_dumped_field, value))}]" if value else ""
    return "" if value is None else repr(value)


def interfaces(original: Original) -> tuple[str, ...]:
    """Return what a function can see of each name of its module that it uses, sorted.

    A function by its signature, a class by its methods' and its bases, an import by what it imports, a constant by its
    value: what goes on inside of another function or class does not count. Of a Dana function: what stands beside it.
    """
    if original.language == "dana":
        return original.beside
    return tuple(sorted(set(map(_shown, _seen(original)))))


def _seen(original: Original) -> Iterator[ast.stmt]:
    """Yield the statements that bind the names of its module that a function uses, as far as it can see them."""
    used = {node.id for node in walk(parse(original.source, _UNNAMED)) if isinstance(node, ast.Name)}
    for names, statement in _told(original.module):
        if not used.isdisjoint(names):
            yield statement


@lru_cache(maxsize=2)  # the functions of a module are asked about one after another; nobody changes the tree
def _told(module: str) -> list[tuple[list[str], ast.stmt]]:
    """Return the statements of a module as others see them, each with the names that it binds."""
    statements = _statements(parse(module, _UNNAMED).body) if module else ()
    return [(names, _bared(statement)) for statement in statements if (names := _bound_by(statement))]


def _statements(body: Iterable[ast.AST]) -> Iterator[ast.stmt]:
    """Yield the statements of a module, those under its conditions too."""
    for node in body:
        if isinstance(node, ast.If | ast.Try | ast.With | ast.ExceptHandler):
            yield from _statements(children(node))
        elif isinstance(node, ast.stmt):
            yield node


def _bound_by(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return [alias.asname or alias.name.partition(".")[0] for alias in aliases]
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            return [node.id for target in targets for node in walk(target) if isinstance(node, ast.Name)]
    return []


def _bared(statement: ast.stmt) -> ast.stmt:
    """Return a function without its body and decorators, a class without those of its methods, and else itself."""
    if not isinstance(statement, FunctionNode | ast.ClassDef):
        return statement
    bare = copy(statement)
    bare.decorator_list = []
    bare.body = []
    if isinstance(statement, ast.ClassDef):
        kept = (node for node in statement.body if isinstance(node, ast.AnnAssign | ast.Assign | FunctionNode))
        bare.body = [_bared(node) for node in kept]
    return bare


def _shown(statement: ast.stmt) -> str:
    if isinstance(statement, FunctionNode):
        kind = "async def" if isinstance(statement, ast.AsyncFunctionDef) else "def"
        result = f" -> {ast.unparse(statement.returns)}" if statement.returns else ""
        return f"{kind} {statement.name}({ast.unparse(statement.args)}){result}"
    if isinstance(statement, ast.ClassDef):
        bases = ", ".join(map(ast.unparse, statement.bases))
        return "\n    ".join([f"class {statement.name}({bases}):", *map(_shown, statement.body)])
    return ast.unparse(statement)
