"""What the gates know of an original: where it stands in its module, and what it uses."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from textwrap import dedent

from poet_import.errors import TranspileError
from poet_import.model import Original, Semantics
from poet_import.source.compiling import parse
from poet_import.source.layout import first_line
from poet_import.source.nodes import children, walk
from poet_import.source.scopes import FunctionNode, Scope, ScopeTree, read_scopes
from poet_import.validation.bindings import Bindings
from poet_import.validation.flow import PARAMETER, Flow
from poet_import.validation.uses import Role, Use, attribute_of, import_targets, uses_in

_UNNAMED = "<original>"
_REPEATABLE = ast.Assign | ast.AnnAssign | ast.ClassDef | FunctionNode
_VERBATIM = (ast.ClassDef, ast.Global)


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
    def nodes(self) -> tuple[ast.AST, ...]:
        """Return every node in it."""
        return tuple(walk(self.function))

    @cached_property
    def names(self) -> frozenset[str]:
        """Return the names that it reads."""
        return frozenset(node.id for node in self.nodes if isinstance(node, ast.Name))

    def repeats(self, statement: ast.stmt) -> bool:
        """Tell whether a statement stands in its module already, at the top level, and is not itself."""
        if not isinstance(statement, _REPEATABLE) or getattr(statement, "name", None) == self.original.name:
            return False
        return ast.dump(statement) in self._statements

    @cached_property
    def _statements(self) -> frozenset[str]:
        body = [node for node in self.module.body if isinstance(node, _REPEATABLE) and node is not self.function]
        return frozenset(map(ast.dump, body))

    @cached_property
    def attributes(self) -> frozenset[str]:
        """Return the names of the attributes that it reads."""
        found = (attribute_of(use.node) for use in self._uses)
        return frozenset(asked[1] for asked in found if asked is not None)

    @cached_property
    def flow(self) -> Flow:
        """Return where its values come from."""
        return Flow(Bindings(self.function, self._around, scopes=self.scopes, main=self.function), self.outside)

    @cached_property
    def chains(self) -> frozenset[tuple[int, Role]]:
        """Return the form of every attribute in it, and of what it calls, each with what is done with it."""
        return frozenset((self.flow.form(use.node), use.role) for use in self._uses)

    @cached_property
    def calls(self) -> frozenset[int]:
        """Return the forms of its calls."""
        return frozenset(self.flow.form(node) for node in self.nodes if isinstance(node, ast.Call))

    @cached_property
    def verbatim(self) -> frozenset[str]:
        """Return every class and ``global`` in it, as its tree."""
        return frozenset(ast.dump(node) for node in self.nodes if isinstance(node, _VERBATIM))

    @cached_property
    def stores(self) -> frozenset[int]:
        """Return the forms of the attributes and items that it sets or deletes."""
        nodes = (node for node in self.nodes if isinstance(node, ast.Attribute | ast.Subscript))
        return frozenset(self.flow.form(node) for node in nodes if not isinstance(node.ctx, ast.Load))

    @cached_property
    def filled(self) -> frozenset[int]:
        """Return the forms of that of which it sets or deletes items."""
        nodes = (node for node in self.nodes if isinstance(node, ast.Subscript))
        return frozenset(self.flow.form(node.value) for node in nodes if not isinstance(node.ctx, ast.Load))

    @cached_property
    def outside_names(self) -> frozenset[str]:
        """Return the names that it reads and does not bind."""
        found = (use.node for use in self._uses if isinstance(use.node, ast.Name))
        return frozenset(node.id for node in found if self.flow.bindings.is_outside(node))

    @cached_property
    def called(self) -> frozenset[str]:
        """Return the paths of what is imported or built in and that it calls."""
        return self._paths_as("call")

    @cached_property
    def values(self) -> frozenset[str]:
        """Return the paths of what is imported or built in and that it hands on."""
        return self._paths_as("value")

    @cached_property
    def tested(self) -> frozenset[str]:
        """Return the paths of what is imported or built in and that it only compares with, or catches."""
        return self._paths_as("test")

    @cached_property
    def handed(self) -> frozenset[str]:
        """Return the names that it calls or hands on."""
        found = (use.node for use in self._uses if use.role in ("call", "value"))
        return frozenset(node.id for node in found if isinstance(node, ast.Name))

    @cached_property
    def contexts(self) -> frozenset[int]:
        """Return the forms of what its imports are handed on in."""
        return frozenset(
            self.flow.form(use.parent) for use in self._uses if use.role == "value" and self.flow.paths(use.node)
        )

    @cached_property
    def kinds(self) -> frozenset[type]:
        """Return the kinds of nodes in it."""
        return frozenset(type(node) for node in self.nodes)

    @cached_property
    def identifiers(self) -> frozenset[str]:
        """Return every name in it, of whatever it is."""
        fields = ("id", "name", "attr", "arg", "asname", "module", "rest")
        found = (getattr(node, field, None) for node in self.nodes for field in fields)
        return frozenset(name for name in found if isinstance(name, str))

    @cached_property
    def _uses(self) -> tuple[Use, ...]:
        return tuple(uses_in(self.function))

    def _paths_as(self, role: Role) -> frozenset[str]:
        return frozenset(path for use in self._uses if use.role == role for path in self.flow.paths(use.node))

    @property
    def _around(self) -> Scope:
        return self.inner.parent or self.inner

    def outside(self, name: str) -> str | None:
        """Return the path that a name around it is imported from, or the built-in that it is."""
        owner = self._around.owner(name)
        if owner is not None:
            targets = {import_targets(binding, name) for binding in owner.bindings[name]}
            return targets.pop() if len(targets) == 1 else None
        # A star import may bind it too, but then the text's name is the same.
        return f"builtins.{name}" if hasattr(builtins, name) else None

    @cached_property
    def modules(self) -> frozenset[str]:
        """Return what its module imports that is a module for sure, and the packages around it."""
        found: set[str] = set()
        for node in walk(self.module):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            for name in names:
                parts = name.split(".")
                found.update(".".join(parts[:count]) for count in range(1, len(parts) + 1))
        return frozenset(found)

    @cached_property
    def imported(self) -> frozenset[str]:
        """Return the modules that its module imports anywhere, and the paths of what it imports from them."""
        found: set[str] = set()
        for node in walk(self.module):
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
        handlers = (node for node in self.nodes if isinstance(node, ast.ExceptHandler))
        return any(handler.type is None for handler in handlers)

    @cached_property
    def leaves_finally(self) -> bool:
        """Tell whether a ``finally`` of it drops exceptions."""
        tries = (node for node in self.nodes if isinstance(node, ast.Try | ast.TryStar))
        return any(True for node in tries for _ in leaves(node.finalbody))

    @cached_property
    def catches_values(self) -> bool:
        """Tell whether it catches what it is told to."""
        handlers = (node for node in self.nodes if isinstance(node, ast.ExceptHandler))
        return any(node.type is not None and self.flow.origins(node.type) for node in handlers)

    @cached_property
    def raises_values(self) -> bool:
        """Tell whether it raises what it was given."""
        nodes = (node for node in self.nodes if isinstance(node, ast.Raise))
        return any(is_foreign_raise(node, self.flow) for node in nodes)

    @cached_property
    def names_by_form(self) -> frozenset[int]:
        """Return the forms of the names that it reads."""
        return frozenset(self.flow.form(use.node) for use in self._uses if isinstance(use.node, ast.Name))


def is_foreign_raise(node: ast.Raise, flow: Flow) -> bool:
    """Tell whether a statement raises a value that was given, and not one that it makes."""
    return node.exc is not None and not isinstance(node.exc, ast.Call) and PARAMETER in flow.origins(node.exc)


def leaves(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield each statement that ends a block before its last line, and drops what was raised in it."""
    stack: list[tuple[ast.AST, bool]] = [(node, False) for node in body]
    while stack:
        node, in_loop = stack.pop()
        if isinstance(node, ast.Return) or (isinstance(node, ast.Break | ast.Continue) and not in_loop):
            yield node
        if not isinstance(node, FunctionNode | ast.ClassDef | ast.Lambda):
            loops = in_loop or isinstance(node, ast.For | ast.AsyncFor | ast.While)
            stack += [(child, loops) for child in children(node)]


def read_original(original: Original) -> Facts:
    """Read an original where it stands.

    Raises:
        TranspileError: It is not Python, or not in its module.
    """
    try:
        alone = parse(original.source, _UNNAMED)
        tree, scopes = _read_module(original.module) if original.module else (alone, read_scopes(alone))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise TranspileError(f"the original is not Python: {error}", filename=_UNNAMED) from error
    found = [node for node, scope in scopes.inside.items() if scope.qualname == original.qualname]
    if not found:
        tree, scopes = alone, read_scopes(alone)
        found = [node for node in scopes.inside if node.name == original.name]
    if not found:
        raise TranspileError(f"the original holds no function {original.name}", filename=_UNNAMED)
    same = [node for node in found if _is_same(node, alone)]
    node = min(same or found, key=first_line)
    return Facts(original, node, tree, scopes=scopes, inner=scopes.inside[node])


@lru_cache(maxsize=2)  # the functions of a module are judged one after another; nobody changes the tree
def _read_module(text: str) -> tuple[ast.Module, ScopeTree]:
    tree = parse(text, _UNNAMED)
    return tree, read_scopes(tree)


def _is_same(node: FunctionNode, alone: ast.Module) -> bool:
    """Tell whether a function of the module is the one that is meant: a name may be bound by several."""
    own = [item for item in alone.body if isinstance(item, FunctionNode)]
    return bool(own) and [ast.dump(part) for part in node.body] == [ast.dump(part) for part in own[-1].body]
