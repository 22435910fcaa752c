"""Literal bombs: short texts whose value fills the memory, computed from constants that stand in them."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from typing import Final

from poet_import.model import Violation

_MOST_BITS: Final = 1_000_000  # of an integer
_MOST_ITEMS: Final = 10_000_000  # of a text, list or tuple
_MOST_RANGE: Final = 1_000_000_000


def check_sizes(tree: ast.Module) -> Iterator[Violation]:
    """Yield constants that a text computes and that are out of proportion to any input."""
    for node in ast.walk(tree):
        if message := _message(node):
            yield Violation("security", "literal-bomb", getattr(node, "lineno", 1), message)


def _message(node: ast.AST) -> str | None:
    if isinstance(node, ast.BinOp):
        return _binary(node)
    if isinstance(node, ast.Call):
        return _call(node)
    return _width(node.format_spec) if isinstance(node, ast.FormattedValue) else None


def _binary(node: ast.BinOp) -> str | None:
    left, right = _logarithm(node.left), _logarithm(node.right)
    bits = None
    if isinstance(node.op, ast.Pow) and right is not None and right > 0:
        # Of an unknown base, the least that is not trivial.
        bits = (2.0 if left is None else left) * _power_of_two(right)
    elif isinstance(node.op, ast.LShift) and right is not None:
        bits = _power_of_two(right)
    elif isinstance(node.op, ast.Mult):
        return _repetition(node, left, right)
    return f"a number of about {bits:.0e} bits is computed" if bits is not None and bits > _MOST_BITS else None


def _repetition(node: ast.BinOp, left: float | None, right: float | None) -> str | None:
    for sequence, times in ((node.left, right), (node.right, left)):
        if _length(sequence) and times is not None and times + math.log2(_length(sequence)) > math.log2(_MOST_ITEMS):
            return f"a sequence of about 2**{times:.0f} items is built"
    return None


def _length(node: ast.expr) -> int:
    """Return the least number of items of a sequence that is written here, or 0."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
        return len(node.value)
    if isinstance(node, ast.List | ast.Tuple):
        return len(node.elts)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return _length(node.left) or _length(node.right)
    return 1 if isinstance(node, ast.JoinedStr) else 0


def _call(node: ast.Call) -> str | None:
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if name in {"bytes", "bytearray", "range", "ljust", "rjust", "center", "zfill", "repeat", "factorial", "pow"}:
        most = {"range": _MOST_RANGE, "factorial": 100_000, "pow": _MOST_BITS}.get(name, _MOST_ITEMS)
        sizes = [size for argument in node.args if (size := _logarithm(argument)) is not None]
        if sizes and max(sizes) > math.log2(most) and not (name == "pow" and len(node.args) > 2):
            return f"{name} is given a size of about 2**{max(sizes):.0f}"
    return None


def _width(spec: ast.expr | None) -> str | None:
    """Refuse a width such as ``{x:>999999999}``."""
    texts = [part.value for part in ast.walk(spec) if isinstance(part, ast.Constant)] if spec else []
    digits = "".join(text for text in texts if isinstance(text, str))
    numbers = "".join(character if character.isdecimal() else " " for character in digits).split()
    return "a text of more than 10,000,000 characters is formatted" if any(len(n) > 7 for n in numbers) else None


def _power_of_two(exponent: float) -> float:
    return 2.0**exponent if exponent < 1000 else math.inf


def _logarithm(node: ast.expr) -> float | None:
    """Return log2 of a positive number that is computed from constants, or None."""
    match node:
        case ast.Constant(value=int() | float() as value) if value > 0 and not math.isinf(value):
            return math.log2(value)
        case ast.UnaryOp(operand=operand):
            return _logarithm(operand)
        case ast.BinOp(left=left, op=op, right=right):
            sides = _logarithm(left), _logarithm(right)
            return None if sides[0] is None or sides[1] is None else _combined(op, sides[0], sides[1])
    return None


def _combined(op: ast.operator, left: float, right: float) -> float | None:
    match op:
        case ast.Mult():
            return left + right
        case ast.Pow():
            return left * _power_of_two(right)
        case ast.LShift():
            return left + _power_of_two(right)
        case ast.Div() | ast.FloorDiv() | ast.RShift():
            return left - right if not isinstance(op, ast.RShift) else left
        case ast.Add():
            return max(left, right)
    return None
