"""Which scope binds which name, so that a woven test never means another object than the user's annotation does.

Comprehensions and lambdas count to the scope around them. That can only bind more names than Python would, and a name
that is bound is never taken for a built-in.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass, field

from poet_import.source.hosts import is_home
from poet_import.source.nodes import children

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
ScopeNode = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_BUILTINS = frozenset(dir(builtins))
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


@dataclass(slots=True, eq=False)
class Scope:
    """One module, class or function body; mutable while the tree is walked, read-only after."""

    node: ScopeNode
    parent: Scope | None
    repeats: bool = False  # its definition stands in a loop of the scope around it
    bindings: dict[str, list[ast.AST]] = field(default_factory=dict)
    has_star_import: bool = False

    @property
    def is_class(self) -> bool:
        """Tell whether this is the body of a class."""
        return isinstance(self.node, ast.ClassDef)

    @property
    def is_function(self) -> bool:
        """Tell whether this is the body of a function."""
        return isinstance(self.node, FunctionNode)

    @property
    def qualname(self) -> str:
        """Return the ``__qualname__`` of the class or function, or an empty string for the module."""
        parts: list[str] = []
        scope: Scope | None = self
        while scope is not None and scope.parent is not None and not isinstance(scope.node, ast.Module):
            inside_function = scope.parent.is_function
            parts.append(f"<locals>.{scope.node.name}" if inside_function else scope.node.name)
            scope = scope.parent
        return ".".join(reversed(parts))

    def bind(self, name: str, node: ast.AST) -> None:
        """Note that ``node`` binds ``name`` here."""
        self.bindings.setdefault(name, []).append(node)

    def enclosing(self) -> Iterator[Scope]:
        """Yield this scope and every scope around it, the module last."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def module(self) -> Scope:
        """Return the scope of the module."""
        *_, module = self.enclosing()
        return module

    def owner(self, name: str) -> Scope | None:
        """Return the scope that ``name`` refers to when it is read here, or None if the module does not bind it.

        A class around a function does not count, as in Python; the class that this scope itself is does.
        """
        for scope in self.enclosing():
            if name in scope.bindings and (scope is self or not scope.is_class):
                return scope
        return None

    def is_builtin(self, name: str) -> bool:
        """Tell whether ``name``, read here, can only be the built-in of that name."""
        return name in _BUILTINS and self.owner(name) is None and not self.module().has_star_import


@dataclass(slots=True)
class ScopeTree:
    """The scopes of one module, and for each function the scope that its definition stands in."""

    module: Scope
    inside: dict[FunctionNode, Scope] = field(default_factory=dict)  # the function's own body
    binds: set[str] = field(default_factory=set)  # every name bound anywhere


def read_scopes(tree: ast.Module) -> ScopeTree:
    """Walk the tree once, without recursion: a chain of 500 ``elif`` is as deep as it is long."""
    result = ScopeTree(Scope(tree, None))
    stack: list[tuple[ast.AST, Scope, bool]] = [(child, result.module, False) for child in reversed(tree.body)]
    while stack:
        node, scope, in_loop = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = _open(node, scope, in_loop=in_loop)
            if not isinstance(node, ast.ClassDef):
                result.inside[node] = inner
            stack += [(child, inner, False) for child in reversed(node.body)]
            stack += [(child, scope, in_loop) for child in _outside_body(node)]
            continue
        _bind(node, scope)
        repeats = in_loop or isinstance(node, _LOOPS)
        stack += [(child, scope, repeats) for child in reversed(children(node))]
    scopes = [result.module, *result.inside.values()]
    result.binds = {name for scope in scopes for outer in scope.enclosing() for name in outer.bindings}
    return result


def _open(node: FunctionNode | ast.ClassDef, scope: Scope, *, in_loop: bool) -> Scope:
    """Bind the name of a definition and return the scope of its body, parameters and type parameters bound."""
    scope.bind(node.name, node)
    inner = Scope(node, scope, repeats=in_loop or (scope.is_class and scope.repeats))
    for parameter in getattr(node, "type_params", ()):
        inner.bind(parameter.name, parameter)
    if isinstance(node, FunctionNode):
        for argument in parameters(node):
            inner.bind(argument.arg, argument)
    return inner


def _outside_body(node: FunctionNode | ast.ClassDef) -> list[ast.AST]:
    """Return the parts of a definition that are evaluated in the scope around it."""
    if isinstance(node, ast.ClassDef):
        return [*node.decorator_list, *node.bases, *node.keywords]
    spec = node.args
    annotations = [argument.annotation for argument in parameters(node)]
    return [
        part for part in (*node.decorator_list, *spec.defaults, *spec.kw_defaults, *annotations, node.returns) if part
    ]


def parameters(node: FunctionNode) -> list[ast.arg]:
    """Return every parameter of a function in the order of its signature."""
    spec = node.args
    several = [*spec.posonlyargs, *spec.args, *([spec.vararg] if spec.vararg else []), *spec.kwonlyargs]
    return [*several, *([spec.kwarg] if spec.kwarg else [])]


def _bind(node: ast.AST, scope: Scope) -> None:
    """Note the names that one node binds by itself."""
    for name in names_bound_by(node):
        scope.bind(name, node)
        if isinstance(node, ast.Global):
            scope.module().bind(name, node)
    if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
        _bind_star(node, scope)


def names_bound_by(node: ast.AST) -> list[str]:
    """Return the names that a node, without those inside it, binds or declares as another scope's."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name) | ast.MatchMapping(rest=str(name)):
            return [name]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return [name]
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return [alias.asname or alias.name.partition(".")[0] for alias in aliases if alias.name != "*"]
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            return names
    return []


def _bind_star(node: ast.ImportFrom, scope: Scope) -> None:
    if node.module == "poet_import" or is_home(node.module):
        scope.bind("poet", node)  # of our own names the only one that matters here, and none is a built-in's
    if node.module != "poet_import":
        scope.has_star_import = True
