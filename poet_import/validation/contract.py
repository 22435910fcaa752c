"""What a stub asks of its implementation: the keys and types that it returns, its annotation, its domain's checks."""

from __future__ import annotations

import ast
from dataclasses import asdict
from typing import Any, Final

from poet_import.source.scopes import FunctionNode
from poet_import.validation.jail import Finished
from poet_import.validation.originals import Facts

_CONSTANT: Final = (ast.Constant, ast.Dict, ast.List, ast.Tuple, ast.Set, ast.UnaryOp, ast.unaryop, ast.expr_context)


def is_stub(function: FunctionNode) -> bool:
    """Tell whether a body is nothing but constants, ``...``, ``pass``, or the return or raise of such."""
    return all(_is_empty(statement) for statement in function.body)


def _is_empty(statement: ast.stmt) -> bool:
    match statement:
        case ast.Pass():
            return True
        case ast.Expr(value=value) | ast.Return(value=ast.expr() as value):
            return all(isinstance(part, _CONSTANT) for part in ast.walk(value))
        case ast.Return(value=None):
            return True
        case ast.Raise(exc=ast.Name(id="NotImplementedError") | ast.Call(func=ast.Name(id="NotImplementedError"))):
            return True
    return False


def promise_of(facts: Facts) -> dict[str, Any]:
    """Return what the child holds each result to: a sample of it, and the domain's checks."""
    returned = [node.value for node in ast.walk(facts.function) if isinstance(node, ast.Return) and node.value]
    sample = ast.unparse(returned[-1]) if returned else None
    return {"sample": sample, "checks": [asdict(check) for check in facts.original.checks]}


# What only a mistake raises; anything else may be the answer to an odd argument.
_MISTAKES: Final = frozenset(
    "TypeError AttributeError NameError UnboundLocalError ZeroDivisionError IndexError KeyError RecursionError "
    "MemoryError AssertionError NotImplementedError OverflowError".split()
)


def judge_promise(finished: Finished) -> tuple[int | None, str, str] | None:
    """Return what is wrong with the results of trials: the number of the input, the rule and the words."""
    outcomes = [answer for answer in finished.answers if isinstance(answer, list)]
    if any(len(outcome) != 3 or not isinstance(outcome[1], list) for outcome in outcomes):
        return None, "ends", "it answers for the trial itself"
    tried = [(number, outcome) for number, outcome in enumerate(outcomes) if outcome[1]]
    for number, (_, (ended, *_), broken) in tried:
        if broken:
            return number, "contract", broken
        if ended.removeprefix("raises ") in _MISTAKES:
            return number, "exception", f"it {ended}"
    if finished.end != "finished":
        return None, "ends", f"it does not end ({finished.detail or finished.end})"
    returned = [outcome for _, outcome in tried if not outcome[1][0].startswith("raises ")]
    if 2 * len(returned) < len(tried) or not tried:
        return None, "untried", f"it returns for {len(returned)} of {len(tried)} arguments only"
    return None
