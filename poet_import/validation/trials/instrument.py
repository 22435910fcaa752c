"""A text that tells where it goes: each loop counts, and each test and comparison shows what it was made on.

`poet_import.validation.trials.scout` runs it to look for inputs that lead elsewhere; nothing is judged by it.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from copy import deepcopy
from typing import Final, TypeVar

from poet_import.source.scopes import FunctionNode

STEP: Final = "poet_step_"
TEST: Final = "poet_test_"
SIDE: Final = "poet_side_"
_Loop = TypeVar("_Loop", ast.For, ast.AsyncFor, ast.While)
_Choice = TypeVar("_Choice", ast.If, ast.IfExp)


def instrumented(statements: Sequence[ast.stmt], first_place: int) -> str:
    """Return the text of statements in whose functions each test calls what `Tracer` gives.

    Args:
        statements: The statements; they stay as they are.
        first_place: The number of the first test.
    """
    transformer = _Transformer(first_place)
    changed = [
        transformer.visit(deepcopy(node)) if isinstance(node, FunctionNode | ast.ClassDef) else node
        for node in statements
    ]
    return ast.unparse(ast.fix_missing_locations(ast.Module(changed, [])))


class _Transformer(ast.NodeTransformer):
    def __init__(self, place: int) -> None:
        self._place = place

    def _next(self) -> ast.Constant:
        self._place += 1
        return ast.Constant(self._place)

    def _tested(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == TEST:
            return node
        return _call(TEST, self._next(), node)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:  # as ast.NodeVisitor asks
        self.generic_visit(node)
        place = self._next()
        sides: list[ast.expr] = [
            _call(SIDE, place, ast.Constant(n), side) for n, side in enumerate([node.left, *node.comparators])
        ]
        return _call(TEST, place, ast.Compare(sides[0], node.ops, sides[1:]))

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:  # as above
        self.generic_visit(node)
        node.values = [self._tested(value) for value in node.values]
        return node

    def _choice(self, node: _Choice) -> _Choice:
        self.generic_visit(node)
        node.test = self._tested(node.test)
        return node

    visit_If = visit_IfExp = _choice  # noqa: N815  # as above

    def _loop(self, node: _Loop) -> _Loop:
        self.generic_visit(node)
        if isinstance(node, ast.While):
            node.test = self._tested(node.test)
        node.body.insert(0, ast.Expr(_call(STEP)))
        return node

    visit_While = visit_For = visit_AsyncFor = _loop  # noqa: N815  # as above

    def visit_comprehension(self, node: ast.comprehension) -> ast.comprehension:
        self.generic_visit(node)
        node.ifs = [_call(STEP), *(self._tested(test) for test in node.ifs)]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:  # as above
        node.body = [ast.Expr(_call(STEP)), *(self.visit(statement) for statement in node.body)]
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:  # as above
        node.body = [ast.Expr(_call(STEP)), *(self.visit(statement) for statement in node.body)]
        return node


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name), list(arguments), [])
