"""What the gates know of an original: where it stands in its module, and what it uses."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass
from functools import cached_property
from textwrap import dedent

from poet_import.errors import TranspileError
from poet_import.model import Original, Semantics
from poet_import.source.compiling import parse
from poet_import.source.layout import first_line
from poet_import.source.scopes import FunctionNode, Scope, ScopeTree, read_scopes
from poet_import.validation.uses import Role, Use, dotted, imported_path, uses_in

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
    scopes: ScopeTree
    inner: Scope  # of its body

    @cached_property
    def names(self) -> frozenset[str]:
        """Return the names that it reads."""
        return frozenset(node.id for node in ast.walk(self.function) if isinstance(node, ast.Name))

    @cached_property
    def attributes(self) -> frozenset[str]:
        """Return the names of the attributes that it reads."""
        nodes = (node for node in ast.walk(self.function) if isinstance(node, ast.Attribute))
        return frozenset(node.attr for node in nodes if isinstance(node.ctx, ast.Load))

    @cached_property
    def chains(self) -> frozenset[str]:
        """Return every chain of attributes and calls in it, every class and ``global``, as its tree."""
        kinds = (ast.Attribute, ast.Call, ast.Subscript, ast.ClassDef, ast.Global)
        return frozenset(ast.dump(node) for node in ast.walk(self.function) if isinstance(node, kinds))

    @cached_property
    def stores(self) -> frozenset[str]:
        """Return the attributes and items that it sets or deletes, as their trees."""
        nodes = (node for node in ast.walk(self.function) if isinstance(node, ast.Attribute | ast.Subscript))
        return frozenset(ast.dump(node) for node in nodes if not isinstance(node.ctx, ast.Load))

    @cached_property
    def called(self) -> frozenset[str]:
        """Return the paths of what is imported or built in and that it calls."""
        return frozenset(path for path, role in self._paths if role == "call")

    @cached_property
    def values(self) -> frozenset[str]:
        """Return the paths of what is imported or built in and that it uses in any other way."""
        return frozenset(path for path, role in self._paths if role == "value")

    @cached_property
    def _paths(self) -> frozenset[tuple[str, Role]]:
        found = ((self._path_of(use), use.role) for use in uses_in(self.function, self._around, self.scopes))
        return frozenset((path, role) for path, role in found if path is not None)

    @property
    def _around(self) -> Scope:
        return self.inner.parent or self.inner

    def _path_of(self, use: Use) -> str | None:
        chain = dotted(use.node)
        if chain is None:
            return None
        root, attributes = chain
        owner = use.scope.owner(root.id)
        path = imported_path(owner, root.id) if owner else None
        if owner is None and hasattr(
            builtins, root.id
        ):  # a star import may bind it too, but then the text's is the same
            path = f"builtins.{root.id}"
        return ".".join((path, *attributes)) if path else None

    @cached_property
    def imported(self) -> frozenset[str]:
        """Return the modules that its module imports anywhere, and the paths of what it imports from them."""
        found: set[str] = set()
        for node in ast.walk(self.module):
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                module = "." * node.level + (node.module or "")
                found.update((module, *(f"{module}.{alias.name}" for alias in node.names)))
        return frozenset(found)

    @cached_property
    def loggers(self) -> frozenset[str]:
        """Return the names that its module binds to loggers: any of its functions may log."""
        found = (node for node in self.module.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call))
        made = (node for node in found if ast.unparse(node.value.func).endswith("getLogger"))  # type: ignore[attr-defined]  # a call, as filtered
        return frozenset(target.id for node in made for target in node.targets if isinstance(target, ast.Name))

    @cached_property
    def has_bare_except(self) -> bool:
        """Tell whether it catches every exception."""
        handlers = (node for node in ast.walk(self.function) if isinstance(node, ast.ExceptHandler))
        return any(handler.type is None for handler in handlers)


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
    return Facts(original, node, tree, scopes=scopes, inner=scopes.inside[node])


def _is_same(node: FunctionNode, alone: ast.Module) -> bool:
    """Tell whether a function of the module is the one that is meant: a name may be bound by several."""
    own = [item for item in alone.body if isinstance(item, FunctionNode)]
    return bool(own) and [ast.dump(part) for part in node.body] == [ast.dump(part) for part in own[-1].body]
