"""What a function names: each name and attribute in it, and whether it is called, handed on, or only compared with."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from poet_import.source.scopes import FunctionNode, parameters

# Called or raised; compared with, caught or annotated, so that it cannot be called from there; asked for an attribute;
# used in any other way.
Role = Literal["call", "test", "base", "value"]
BY_NAME: Final = frozenset({"getattr", "hasattr"})  # take the name of an attribute as a text
_ASKS_KIND: Final = frozenset({"isinstance", "issubclass"})
_KEEPS_ROLE: Final = (ast.Tuple, ast.List, ast.Starred, ast.BinOp, ast.Subscript, ast.MatchValue, ast.IfExp)

# Of the fields of some nodes; all others hold values.
_ROLES: Final[dict[type, dict[str, Role]]] = {
    ast.Attribute: {"value": "base"},
    ast.Raise: {"exc": "call"},
    ast.ExceptHandler: {"type": "test"},
    ast.Compare: {"left": "test", "comparators": "test"},
    ast.MatchClass: {"cls": "test"},
    ast.AnnAssign: {"annotation": "test"},
    ast.withitem: {"context_expr": "test"},
}

_Found = list[tuple[ast.AST, Role]]


@dataclass(frozen=True, slots=True)
class Use:
    """A name, an attribute, or a call that asks for an attribute by a text, where it stands."""

    node: ast.Name | ast.Attribute | ast.Call
    role: Role
    parent: ast.AST


def uses_in(root: ast.AST) -> Iterator[Use]:
    """Yield every name and attribute that is read in a node, in no order."""
    stack: list[tuple[ast.AST, Role, ast.AST]] = [(root, "value", root)]
    while stack:
        node, role, parent = stack.pop()
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            yield Use(node, role, parent)
        elif isinstance(node, ast.Call) and asked_by_text(node) is not None:
            yield Use(node, "test" if is_named(node.func, {"hasattr"}) else role, parent)
        stack += [(child, of_child, node) for child, of_child in _below(node, role)]


def _below(node: ast.AST, role: Role) -> _Found:
    if isinstance(node, ast.Call):
        return _below_call(node)
    if isinstance(node, FunctionNode):
        return _below_function(node)
    roles = _ROLES.get(type(node), {})
    kept: Role = "test" if role == "test" and isinstance(node, _KEEPS_ROLE) else "value"
    return [
        (part, roles.get(field, kept))
        for field, value in ast.iter_fields(node)
        for part in (value if isinstance(value, list) else [value])
        if isinstance(part, ast.AST)
    ]


def _as(role: Role, *nodes: ast.AST | None) -> _Found:
    return [(node, role) for node in nodes if node is not None]


def _below_call(node: ast.Call) -> _Found:
    if asked_by_text(node) is not None:
        return [(node.func, "call"), (node.args[0], "base"), *_as("value", *node.args[1:])]
    arguments = _as("value", *node.args, *node.keywords)
    if is_named(node.func, _ASKS_KIND):
        arguments[1:] = [(argument, "test") for argument, _ in arguments[1:]]
    return [(node.func, "call"), *arguments]


def _below_function(node: FunctionNode) -> _Found:
    values = (*node.decorator_list, *node.args.defaults, *node.args.kw_defaults, *node.body)
    annotations = [argument.annotation for argument in parameters(node)]
    return [*_as("value", *values, *getattr(node, "type_params", ())), *_as("test", *annotations, node.returns)]


def is_hidden(name: str) -> bool:
    """Tell whether an attribute belongs to the language's own machinery, or to a class's private parts."""
    return name.startswith(("__", "gi_", "cr_", "ag_", "tb_", "f_", "co_", "func_", "im_"))


def is_named(node: ast.AST, names: frozenset[str] | set[str]) -> bool:
    """Tell whether a node is one of some names."""
    return isinstance(node, ast.Name) and node.id in names


def asked_by_text(node: ast.Call) -> str | None:
    """Return the attribute that a ``getattr`` or ``hasattr`` asks for, or None if it is not written there."""
    if not is_named(node.func, BY_NAME) or len(node.args) < 2 or isinstance(node.args[0], ast.Starred):
        return None
    text = node.args[1].value if isinstance(node.args[1], ast.Constant) else None
    return text if isinstance(text, str) and text.isidentifier() and not node.keywords else None


def attribute_of(node: ast.AST) -> tuple[ast.expr, str] | None:
    """Return the object and the name of what asks for an attribute, by its name or by a text."""
    if isinstance(node, ast.Attribute):
        return node.value, node.attr
    asked = asked_by_text(node) if isinstance(node, ast.Call) else None
    return (node.args[0], asked) if isinstance(node, ast.Call) and asked is not None else None


def dotted(node: ast.AST) -> tuple[ast.Name, tuple[str, ...]] | None:
    """Return the name at the root of a chain of attributes, and the attributes; None if its root is no name."""
    attributes: list[str] = []
    while (asked := attribute_of(node)) is not None:
        node, attribute = asked
        attributes.append(attribute)
    return (node, tuple(reversed(attributes))) if isinstance(node, ast.Name) else None


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
