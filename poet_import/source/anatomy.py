"""What the weaver must know of a function's body before it touches it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from poet_import.source.nodes import children
from poet_import.source.scopes import FunctionNode, names_bound_by, parameters

Header = ast.stmt | ast.excepthandler | ast.match_case
_NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_FRAME_READERS = frozenset(("locals", "vars", "dir"))


@dataclass(frozen=True, slots=True)
class Suite:
    """A run of statements and the header that it belongs to."""

    header: Header
    statements: list[ast.stmt]


@dataclass(frozen=True, slots=True)
class ReturnSite:
    """One ``return`` of the function itself."""

    node: ast.Return
    suite: Suite
    guarded: bool  # inside a try or with, which might swallow an exception raised here


@dataclass(slots=True)
class Anatomy:
    """The parts of one function's body."""

    node: FunctionNode
    docstring: ast.Expr | None = None
    body: list[ast.stmt] = field(default_factory=list)  # after the docstring
    returns: list[ReturnSite] = field(default_factory=list)
    yields: list[ast.Yield | ast.YieldFrom] = field(default_factory=list)
    frame_readers: list[ast.Call] = field(default_factory=list)  # locals(), vars() and dir()

    @property
    def is_async(self) -> bool:
        """Tell whether the function is declared with ``async def``."""
        return isinstance(self.node, ast.AsyncFunctionDef)

    @property
    def is_generator(self) -> bool:
        """Tell whether a call returns a generator or an asynchronous generator."""
        return bool(self.yields)

    @property
    def is_stub(self) -> bool:
        """Tell whether the body is nothing but ``...``, ``pass`` or a docstring."""
        return all(isinstance(node, ast.Pass) or _is_ellipsis(node) for node in self.body)

    @property
    def falls_off(self) -> bool:
        """Tell whether execution may reach the end of the body, as far as the syntax shows."""
        return not _ends(self.body)


def dissect(node: FunctionNode) -> Anatomy:
    """Walk the body of a function once, without recursion."""
    has_docstring = ast.get_docstring(node, clean=False) is not None
    first = node.body[0]
    result = Anatomy(node, first if has_docstring and isinstance(first, ast.Expr) else None)
    result.body = node.body[1:] if has_docstring else node.body
    stack: list[tuple[ast.AST, Suite, bool]] = [(child, Suite(node, node.body), False) for child in reversed(node.body)]
    while stack:
        child, suite, guarded = stack.pop()
        _note(child, suite, result, guarded=guarded)
        if isinstance(child, _NESTED):
            continue
        inside = reversed(list(_children(child, suite)))
        stack += [(inner, within, guarded or _guards(child, within)) for inner, within in inside]
    return result


def _guards(node: ast.AST, suite: Suite) -> bool:
    """Tell whether a statement might swallow an exception that is raised in one of its suites."""
    if isinstance(node, ast.Try | ast.TryStar):
        return bool(node.handlers) and suite.statements is node.body
    return isinstance(node, ast.With | ast.AsyncWith)


def _note(node: ast.AST, suite: Suite, result: Anatomy, *, guarded: bool) -> None:
    if isinstance(node, ast.Return):
        result.returns.append(ReturnSite(node, suite, guarded))
    elif isinstance(node, ast.Yield | ast.YieldFrom):
        result.yields.append(node)
    elif isinstance(node, ast.Call) and _reads_frame(node):
        result.frame_readers.append(node)


def _reads_frame(call: ast.Call) -> bool:
    is_reader = isinstance(call.func, ast.Name) and call.func.id in _FRAME_READERS
    return is_reader and not call.args and not call.keywords


def _children(node: ast.AST, suite: Suite) -> Iterator[tuple[ast.AST, Suite]]:
    """Yield the children of a node, each with the suite that it stands in."""
    for _, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            yield value, suite
        elif isinstance(value, list):
            inside = suite
            if value and isinstance(value[0], ast.stmt) and isinstance(node, Header):
                inside = Suite(node, value)
            yield from ((item, inside) for item in value if isinstance(item, ast.AST))


def _is_ellipsis(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value is ...


def _ends(body: list[ast.stmt]) -> bool:
    """Tell whether the end of a suite is surely never reached; a ``with`` may always swallow what was raised in it."""
    return any(_leaves(statement) for statement in body)


def _leaves(statement: ast.stmt) -> bool:
    """Tell whether execution surely does not go on below a statement."""
    match statement:
        case ast.Return() | ast.Raise():
            return True
        case ast.If(body=then, orelse=otherwise):
            return _ends(then) and _ends(otherwise)
        case ast.While(test=ast.Constant(value=value), body=inside) if value:
            return not any(isinstance(node, ast.Break) for node in _own_loop(inside))
        case ast.Try(body=tried, handlers=handlers, orelse=otherwise, finalbody=final):
            return _ends(final) or (_ends(otherwise or tried) and all(_ends(handler.body) for handler in handlers))
    return False


def _own_loop(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Yield the nodes of a loop's body whose ``break`` would leave that loop."""
    stack: list[ast.AST] = list(body)
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, ast.For | ast.AsyncFor | ast.While):
            stack += node.orelse
        elif not isinstance(node, _NESTED):
            stack += children(node)


def rebound_parameters(anatomy: Anatomy) -> list[str]:
    """Return the parameters that the body, or a function nested in it, binds anew or deletes."""
    bound: set[str] = set()
    stack: list[ast.AST] = list(anatomy.node.body)
    while stack:
        node = stack.pop()
        if not isinstance(node, ast.arg):
            bound.update(names_bound_by(node))
        stack += children(node)
    return [argument.arg for argument in parameters(anatomy.node) if argument.arg in bound]
