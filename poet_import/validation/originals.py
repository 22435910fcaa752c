"""What the gates know of an original: where it stands in its module, and what it uses."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cached_property
from textwrap import dedent

from poet_import.errors import TranspileError
from poet_import.model import Original, Semantics
from poet_import.source.compiling import parse
from poet_import.source.layout import first_line
from poet_import.source.names import resolve
from poet_import.source.scopes import FunctionNode, Scope, read_scopes

_UNNAMED = "<original>"


def original_from(text: str, *, semantics: Semantics = "preserve") -> Original:
    """Return the judged function of a whole text: the first one under ``@poet``, else the last one.

    Raises:
        TranspileError: The text is not Python, or holds no function.
    """
    whole = dedent(text)
    try:
        tree = parse(whole, _UNNAMED)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise TranspileError(f"the original is not Python: {error}", filename=_UNNAMED) from error
    scopes = read_scopes(tree)
    nodes = sorted(scopes.inside, key=lambda node: node.lineno)
    marked = [node for node in nodes if any("poet" in ast.unparse(item) for item in node.decorator_list)]
    own = [node for node in tree.body if isinstance(node, FunctionNode)]
    chosen = marked[0] if marked else (own or nodes)[-1] if nodes else None
    if chosen is None:
        raise TranspileError("the original holds no function", filename=_UNNAMED)
    lines = whole.splitlines(keepends=True)[chosen.lineno - 1 : chosen.end_lineno]
    source = dedent("".join(lines))
    qualname = scopes.inside[chosen].qualname
    return Original(source, chosen.name, qualname, module=whole, semantics=semantics)


@dataclass(frozen=True)
class Facts:
    """An original, read; what it uses is what a candidate may use."""

    original: Original
    function: FunctionNode
    module: ast.Module  # of its module, or of itself alone
    inner: Scope  # of its body
    names: frozenset[str] = field(default=frozenset())  # that it reads
    attributes: frozenset[str] = field(default=frozenset())  # names of attributes that it uses

    @cached_property
    def chains(self) -> frozenset[str]:
        """Return every expression of attributes and calls in it, as its tree."""
        kinds = (ast.Attribute, ast.Call, ast.Subscript)
        return frozenset(ast.dump(node) for node in ast.walk(self.function) if isinstance(node, kinds))

    @cached_property
    def paths(self) -> frozenset[str]:
        """Return the dotted names of everything imported or built in that it uses as a value or calls."""
        found = (self.path_of(node) for node in ast.walk(self.function) if isinstance(node, ast.Name | ast.Attribute))
        return frozenset(path for path in found if path)

    @cached_property
    def values(self) -> frozenset[str]:
        """Return those of its paths that it uses otherwise than by calling them or taking an attribute of them."""
        roots = set()
        for node in ast.walk(self.function):
            if isinstance(node, ast.Call):
                roots.add(id(node.func))
            elif isinstance(node, ast.Attribute):
                roots.add(id(node.value))
        nodes = (node for node in ast.walk(self.function) if isinstance(node, ast.Name | ast.Attribute))
        return frozenset(path for node in nodes if id(node) not in roots and (path := self.path_of(node)))

    def path_of(self, node: ast.expr) -> str | None:
        """Return the dotted name that an expression of the original means, or None if the module does not tell."""
        return resolve(node, self.inner)

    @cached_property
    def module_names(self) -> frozenset[str]:
        """Return the names that its module and the functions around it bind."""
        return frozenset(name for scope in self.inner.enclosing() for name in scope.bindings if scope is not self.inner)


def read_original(original: Original) -> Facts:
    """Read an original where it stands.

    Raises:
        TranspileError: It is not Python, or not in its module.
    """
    try:
        alone = parse(original.source, _UNNAMED)
        tree = parse(original.module, _UNNAMED) if original.module else alone
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise TranspileError(f"the original is not Python: {error}", filename=_UNNAMED) from error
    scopes = read_scopes(tree)
    found = [node for node, scope in scopes.inside.items() if scope.qualname == original.qualname]
    if not found:
        tree, scopes = alone, read_scopes(alone)
        found = [node for node in scopes.inside if node.name == original.name]
    if not found:
        raise TranspileError(f"the original holds no function {original.name}", filename=_UNNAMED)
    same = [node for node in found if _is_same(node, alone)]
    node = min(same or found, key=first_line)
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    attributes = {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}
    return Facts(original, node, tree, scopes.inside[node], frozenset(names), frozenset(attributes))


def _is_same(node: FunctionNode, alone: ast.Module) -> bool:
    """Tell whether a function of the module is the one that is meant: a name may be bound by several."""
    own = [item for item in alone.body if isinstance(item, FunctionNode)]
    return bool(own) and [ast.dump(part) for part in node.body] == [ast.dump(part) for part in own[-1].body]
