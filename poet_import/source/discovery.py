"""Find the functions that are marked with ``@poet``, whatever name the marker goes by, and read their options."""

from __future__ import annotations

import ast
import builtins
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from poet_import.errors import PoetWarning
from poet_import.model import PoetOptions
from poet_import.source.hosts import HOST_NAMES, is_marker
from poet_import.source.names import imported, resolve
from poet_import.source.options import NAMES, read_options
from poet_import.source.scopes import FunctionNode, Scope, ScopeTree

_COMPILERS = ("numba.", "torch.jit.", "triton.")


@dataclass(frozen=True, slots=True, eq=False)
class PoetFunction:
    """One function under ``@poet``, as the source tells of it."""

    node: FunctionNode
    scope: Scope  # of its body
    decorator: ast.expr
    options: PoetOptions
    binds_retry_on: bool = False  # the value of retry_on is known to the marker only
    left_alone: str = ""  # why it is not woven here: "dynamic" leaves it to the marker, any other reason to nobody

    @property
    def qualname(self) -> str:
        """Return the ``__qualname__`` that the function will have."""
        return self.scope.qualname

    @property
    def first_line(self) -> int:
        """Return the ``co_firstlineno`` that the function will have: that of its first decorator."""
        return min([self.node.lineno, *(decorator.lineno for decorator in self.node.decorator_list)])

    @property
    def outer(self) -> Scope:
        """Return the scope that the definition stands in."""
        assert self.scope.parent is not None  # only a module has none
        return self.scope.parent


@dataclass(frozen=True, slots=True)
class Discovery:
    """The marked functions of a module, outermost and first in the source first."""

    functions: tuple[PoetFunction, ...]
    lacks_import: bool  # the bare name ``poet`` is used and nothing binds it


def discover(scopes: ScopeTree, *, filename: str) -> Discovery:
    """Find every marked function of a module; an option that is wrong is left for the marker to refuse."""
    functions = tuple(found for node, scope in scopes.inside.items() if (found := _read(node, scope, filename)))
    lacks_import = any(_is_bare(found.decorator, found.outer) for found in functions)
    return Discovery(tuple(sorted(functions, key=lambda found: found.node.lineno)), lacks_import)


def _read(node: FunctionNode, scope: Scope, filename: str) -> PoetFunction | None:
    """Return the function with its options if it is marked."""
    outer = scope.parent
    assert outer is not None  # only a module has none
    markers = [decorator for decorator in node.decorator_list if _is_marker(decorator, outer)]
    if not markers:
        return None
    decorator = markers[-1]
    if len(markers) > 1:
        message = f"{filename}:{node.lineno}: {node.name} has {len(markers)} @poet: only the nearest to it counts"
        warnings.warn(message, PoetWarning, stacklevel=2)
    if reason := _bypass(node, outer):
        return PoetFunction(node, scope, decorator, PoetOptions(), left_alone=reason)
    try:
        options, binds = _read_options(decorator, outer, where=f"{filename}:{decorator.lineno}")
    except (TypeError, ValueError):
        return PoetFunction(node, scope, decorator, PoetOptions(), left_alone="dynamic")
    return PoetFunction(node, scope, decorator, options, binds_retry_on=binds)


def _is_marker(decorator: ast.expr, scope: Scope) -> bool:
    name = decorator.func if isinstance(decorator, ast.Call) else decorator
    if _is_bare(decorator, scope) or is_marker(resolve(name, scope)):
        return True
    return isinstance(name, ast.Name) and _is_guarded_import(name.id, scope)


def _is_bare(decorator: ast.expr, scope: Scope) -> bool:
    """Tell whether the decorator is a ``poet`` that nothing in the module can have bound."""
    name = decorator.func if isinstance(decorator, ast.Call) else decorator
    is_poet = isinstance(name, ast.Name) and name.id == "poet"
    return is_poet and scope.owner("poet") is None and not scope.module().has_star_import


def _is_guarded_import(name: str, scope: Scope) -> bool:
    """Tell whether ``name`` is our marker but where importing it fails, as in ``try: … except ImportError: …``."""
    owner = scope.owner(name)
    bindings = owner.bindings[name] if owner else []
    ours = [node for node in bindings if is_marker(imported(node, name))]
    if not owner or not ours:
        return False
    spare = {id(node) for handler in _import_handlers(owner.node) for node in ast.walk(handler)}
    return all(node in ours or id(node) in spare for node in bindings)


def _import_handlers(tree: ast.AST) -> Iterator[ast.ExceptHandler]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Try):
            yield from node.handlers


def _bypass(node: FunctionNode, scope: Scope) -> str:
    """Return why the function must stay as it is, or an empty string."""
    for decorator in node.decorator_list:
        name = resolve(decorator.func if isinstance(decorator, ast.Call) else decorator, scope) or ""
        if name.startswith(_COMPILERS):
            return f"{name} compiles it from its bytecode"
        if name == "typing.overload":
            return "an overload is never called"
    return ""


def _read_options(decorator: ast.expr, scope: Scope, *, where: str) -> tuple[PoetOptions, bool]:
    """Return the options, and whether the value of ``retry_on`` must be bound at run time.

    Raises:
        ValueError: An option is not a literal, or out of range.
        TypeError: An option is unknown or of the wrong type.
    """
    if not isinstance(decorator, ast.Call):
        return PoetOptions(), False
    given = {keyword.arg or "": keyword.value for keyword in decorator.keywords}
    if len(decorator.args) == 1 and "domain" not in given:
        given["domain"] = decorator.args[0]
    elif decorator.args:
        raise ValueError("only the marker can tell")
    if any(name not in NAMES and name not in HOST_NAMES for name in given):
        raise ValueError("only the marker can tell")
    retry_on = given.pop("retry_on", None)
    values = {name: ast.literal_eval(value) for name, value in given.items()}
    if retry_on is None or (isinstance(retry_on, ast.Constant) and retry_on.value is None):
        return read_options(values, where=where), False
    types = retry_on.elts if isinstance(retry_on, ast.Tuple) else [retry_on]
    known = bool(types) and all(_is_builtin_exception(item, scope) for item in types)
    return read_options(values, where=where, retry_on=ast.unparse(retry_on)), not known


def _is_builtin_exception(expression: ast.expr, scope: Scope) -> bool:
    if not isinstance(expression, ast.Name) or not scope.is_builtin(expression.id):
        return False
    value = getattr(builtins, expression.id)
    return isinstance(value, type) and issubclass(value, Exception)
