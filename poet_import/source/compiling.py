"""Parse and compile, around two faults of the interpreter, and without its collector in the way."""

from __future__ import annotations

import ast
import gc
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType

from poet_import.source.linemap import NOWHERE

# On 3.11 parsing in several threads now and then raises a false SystemError (python/cpython#106905). On every version
# the warning filters are one for all threads.
_one_at_a_time = threading.RLock()
_WHILE_LOSES_HANDLERS = sys.version_info[:2] == (3, 13)  # python/cpython#130279


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep the SyntaxWarnings of a text that Python itself has already compiled from being shown again."""
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)  # invalid escapes, before 3.12
        yield


def parse(text: str, filename: str = "<text>") -> ast.Module:
    """Return the syntax tree of a source."""
    with _quietly():
        return ast.parse(text, filename)


def parse_expression(text: str) -> ast.expr:
    """Return the syntax tree of an expression."""
    with _quietly():
        return ast.parse(text, mode="eval").body


def compile_tree(tree: ast.Module, filename: str, *, optimize: int = -1) -> CodeType:
    """Return the code of a module."""
    with _quietly():
        return compile(tree, filename, "exec", dont_inherit=True, optimize=optimize)


def functions_of(module: CodeType) -> Iterator[CodeType]:
    """Yield the code of every function and class body in a module; comprehensions and lambdas are left out."""
    stack = [module]
    while stack:
        for constant in stack.pop().co_consts:
            if isinstance(constant, CodeType):
                stack.append(constant)
                if not constant.co_name.startswith("<"):
                    yield constant


def protect_loops(functions: list[ast.FunctionDef | ast.AsyncFunctionDef]) -> None:
    """Turn ``while test:`` into ``while True: if not test: break`` where an exception from outside may arrive.

    On 3.13 one that arrives while the test of a loop jumps back skips the function's handlers (python/cpython#130279).
    """
    if not _WHILE_LOSES_HANDLERS:
        return
    stack: list[ast.AST] = [statement for function in functions for statement in function.body]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.While) and not isinstance(node.test, ast.Constant) and not node.orelse:
            _protect(node)
        stack += ast.iter_child_nodes(node)


def _protect(node: ast.While) -> None:
    """Rewrite one loop; only the test and what it guards keep a position, so that tracers count its line as often."""
    test = node.test
    leave = ast.Break()
    negated = ast.copy_location(ast.UnaryOp(ast.Not(), test), test)
    node.body.insert(0, ast.copy_location(ast.If(negated, [leave], []), test))
    node.test = ast.Constant(value=True)
    for plumbing in (node, node.test, leave):
        plumbing.lineno, plumbing.col_offset, plumbing.end_lineno, plumbing.end_col_offset = NOWHERE


@contextmanager
def no_collection() -> Iterator[None]:
    """Keep the cyclic collector from visiting the growing tree over and over: it doubles the time of a large module."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
