"""What a function names: each name and attribute in it, what it leads to, and whether it is called or handed on."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from poet_import.source.scopes import FunctionNode, Scope, ScopeTree

Role = Literal["call", "value", "base"]  # called, used in any other way, or asked for an attribute


@dataclass(frozen=True, slots=True)
class Use:
    """A name or attribute where it stands."""

    node: ast.Name | ast.Attribute
    scope: Scope
    role: Role


def uses_in(root: ast.AST, scope: Scope, scopes: ScopeTree) -> Iterator[Use]:
    """Yield every name and attribute that is read below a node, in no order; ``scope`` is the one around the node."""
    stack: list[tuple[ast.AST, Scope, Role]] = [(root, scope, "value")]
    while stack:
        node, around, role = stack.pop()
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            yield Use(node, around, role)
        stack += _below(node, around, scopes)


def _below(node: ast.AST, scope: Scope, scopes: ScopeTree) -> list[tuple[ast.AST, Scope, Role]]:
    if isinstance(node, ast.Call):
        arguments: list[ast.AST] = [*node.args, *node.keywords]
        return [(node.func, scope, "call"), *((argument, scope, "value") for argument in arguments)]
    if isinstance(node, ast.Attribute):
        return [(node.value, scope, "base")]
    if isinstance(node, FunctionNode) and node in scopes.inside:
        inner = scopes.inside[node]
        outside: list[ast.AST] = [*node.decorator_list, node.args, *([node.returns] if node.returns else [])]
        inside: list[ast.AST] = [*node.body]
        return [*((part, scope, "value") for part in outside), *((part, inner, "value") for part in inside)]
    return [(child, scope, "value") for child in ast.iter_child_nodes(node)]


def import_targets(binding: ast.AST, name: str) -> str | None:
    """Return the path that an import binds a name to, relative ones with their dots, or None for any other binding."""
    match binding:
        case ast.Import(names=aliases):
            bound = {alias.asname or alias.name.partition(".")[0]: alias for alias in aliases}
            return bound[name].name if bound[name].asname else name
        case ast.ImportFrom(module=module, names=aliases, level=level):
            originals = {alias.asname or alias.name: alias.name for alias in aliases}
            return f"{'.' * level}{f'{module}.' if module else ''}{originals.get(name, name)}"
    return None


def imported_path(scope: Scope, name: str) -> str | None:
    """Return what a name that a scope binds is imported from, or None if it is bound by anything else too."""
    targets = {import_targets(binding, name) for binding in scope.bindings[name]}
    return targets.pop() if len(targets) == 1 else None


def dotted(node: ast.expr) -> tuple[ast.Name, tuple[str, ...]] | None:
    """Return the name at the root of a chain of attributes, and the attributes; None if its root is no name."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return (node, tuple(reversed(attributes))) if isinstance(node, ast.Name) else None
