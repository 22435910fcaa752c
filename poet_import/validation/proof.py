"""Proof: a text whose function is the original's own, to the last statement."""

from __future__ import annotations

import ast

from poet_import.source.scopes import FunctionNode, names_bound_by
from poet_import.validation.originals import Facts
from poet_import.validation.uses import import_targets


def is_proven(tree: ast.Module, function: FunctionNode, facts: Facts) -> bool:
    """Tell whether the function does what the original does, because its statements and what they name are the same."""
    if _dumped(function) != _dumped(facts.function):
        return False
    around = [node for node in tree.body if node is not function]
    if any(_computes(node) for node in around):
        return False  # what runs when the module is loaded may fail
    return all(_leads_there(node, name, facts) for node in around for name in _bound(node) if name in facts.names)


def _computes(node: ast.stmt) -> bool:
    """Tell whether a statement does more, when its module is loaded, than to bind names to what is written there."""
    if isinstance(node, ast.Import | ast.ImportFrom | FunctionNode):
        return False
    return any(isinstance(part, ast.Call | ast.BinOp | ast.UnaryOp | ast.Subscript) for part in ast.walk(node))


def _dumped(function: FunctionNode) -> list[str]:
    return [ast.dump(statement) for statement in function.body if not _is_documentation(statement)]


def _is_documentation(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _bound(node: ast.stmt) -> list[str]:
    parts = [node] if isinstance(node, FunctionNode) else ast.walk(node)
    return [name for part in parts for name in names_bound_by(part)]


def _leads_there(node: ast.stmt, name: str, facts: Facts) -> bool:
    """Tell whether a statement binds a name to the very thing that the original means by it."""
    owner = facts.inner.owner(name)
    target = import_targets(node, name)
    if owner is None or target is None:
        return False
    return {import_targets(binding, name) for binding in owner.bindings[name]} == {target}
