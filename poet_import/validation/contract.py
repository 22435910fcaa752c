"""What a stub asks of its implementation: the keys and types that it returns, its annotation, its domain's checks."""

from __future__ import annotations

import ast
from dataclasses import asdict
from typing import Any, Final

from poet_import.source.nodes import walk
from poet_import.source.scopes import FunctionNode, parameters
from poet_import.validation.jail import Finished
from poet_import.validation.originals import Facts

_CONSTANT: Final = (ast.Constant, ast.Dict, ast.List, ast.Tuple, ast.Set, ast.UnaryOp, ast.unaryop, ast.expr_context)


def is_stub(function: FunctionNode) -> bool:
    """Tell whether a body is nothing but ``...``, ``pass``, a ``NotImplementedError``, or constants for its arguments.

    One that takes no arguments and returns a constant has all that it needs, and is none.
    """
    takes = bool(_arguments(function))
    return all(_is_empty(statement, may_return=takes) for statement in function.body)


def _arguments(function: FunctionNode) -> list[str]:
    names = [argument.arg for argument in parameters(function)]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def _is_empty(statement: ast.stmt, *, may_return: bool) -> bool:
    match statement:
        case ast.Pass() | ast.Expr(value=ast.Constant()) | ast.Return(value=None):
            return True
        case ast.Return(value=ast.expr() as value):
            return may_return and all(isinstance(part, _CONSTANT) for part in walk(value))
        case ast.Raise(exc=ast.Name(id="NotImplementedError") | ast.Call(func=ast.Name(id="NotImplementedError"))):
            return True
    return False


def promise_of(facts: Facts) -> dict[str, Any]:
    """Return what the child holds each result to: a sample of it, and the domain's checks."""
    returned = [node.value for node in facts.nodes if isinstance(node, ast.Return) and node.value]
    samples = {_sample(value) for value in returned}
    sample = samples.pop() if len(samples) == 1 else None
    return {"sample": sample, "checks": [asdict(check) for check in facts.original.checks]}


def _sample(value: ast.expr) -> str:
    """Return an expression for what is known of a result: constants, the keys of a dict, and ``...`` for the rest."""
    if isinstance(value, ast.Dict) and all(isinstance(key, ast.Constant) for key in value.keys):
        pairs = zip(value.keys, value.values, strict=True)
        return f"{{{', '.join(f'{ast.unparse(key)}: {_sample(item)}' for key, item in pairs if key)}}}"
    return ast.unparse(value) if all(isinstance(part, _CONSTANT) for part in walk(value)) else "..."


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
