"""Literal bombs: short texts whose value fills the memory, computed from constants that stand in them."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator
from typing import Final

from poet_import.model import Violation
from poet_import.source.nodes import walk

_MOST_BITS: Final = 1_000_000  # of an integer
_MOST_ITEMS: Final = 10_000_000  # of a text, list or tuple
_MOST_AT_IMPORT: Final = 1_000_000  # of one that is built while the module is loaded
_MOST_RANGE: Final = 1_000_000_000
_MOST: Final = {"range": _MOST_RANGE, "factorial": 100_000, "pow": _MOST_BITS}  # else as many as items
_SIZED: Final = frozenset(
    "bytes bytearray range ljust rjust center zfill repeat factorial pow".split()
)  # take a number as a size
# Widths and precisions of more than seven digits.
_NUMBER: Final = re.compile(r"\d{8,}")
_PERCENT: Final = re.compile(r"%[-+ #0]*\d*\.?\d{8,}")
_FIELD: Final = re.compile(r"\{[^{}]*:[^{}]*\d{8,}")
_WIDE: Final = "a text of more than 10,000,000 characters is formatted"
_COLLECTS: Final = frozenset("list tuple set frozenset sorted bytes bytearray dict".split())


def check_sizes(tree: ast.Module) -> Iterator[Violation]:
    """Yield constants that a text computes and that are out of proportion to any input."""
    sizes = _Sizes()
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            yield from sizes.of_constant(statement, statement.value)
    for node in walk(tree):
        if message := sizes.message(node):
            yield Violation("security", "literal-bomb", getattr(node, "lineno", 1), message)


class _Sizes:
    """The sizes of the constants of a module, as they become known; numbers as their log2."""

    def __init__(self) -> None:
        self._numbers: dict[str, float] = {}
        self._lengths: dict[str, float] = {}

    def of_constant(self, statement: ast.Assign | ast.AnnAssign, value: ast.expr) -> Iterator[Violation]:
        """Note the size of a constant, and refuse one that is too large to be built at every import."""
        number, length = self.logarithm(value), self.length(value)
        largest = max((self.length(part) for part in walk(value) if isinstance(part, ast.expr)), default=0)
        if largest > _MOST_AT_IMPORT and not (isinstance(value, ast.Call) and _called(value) == "range"):
            message = f"a sequence of about {largest:.0e} items is built while the module is loaded"
            yield Violation("security", "literal-bomb", statement.lineno, message)
        for target in statement.targets if isinstance(statement, ast.Assign) else [statement.target]:
            if isinstance(target, ast.Name):
                self._lengths[target.id] = length
                if number is not None:
                    self._numbers[target.id] = number

    def message(self, node: ast.AST) -> str | None:
        """Return what is wrong with the size of what a node computes."""
        if isinstance(node, ast.BinOp):
            return self._binary(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        return _width(node.format_spec) if isinstance(node, ast.FormattedValue) else None

    def _binary(self, node: ast.BinOp) -> str | None:
        left, right = self.logarithm(node.left), self.logarithm(node.right)
        bits = None
        if isinstance(node.op, ast.Pow) and right is not None and right > 0:
            # Of an unknown base, the least that is not trivial.
            bits = (2.0 if left is None else left) * _power_of_two(right)
        elif isinstance(node.op, ast.LShift) and right is not None:
            bits = _power_of_two(right)
        elif isinstance(node.op, ast.Mult) and (length := self.length(node)) > _MOST_ITEMS:
            return f"a sequence of about {length:.0e} items is built"
        elif isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant):
            return _WIDE if _matches(_PERCENT, node.left) else None
        return f"a number of about {bits:.0e} bits is computed" if bits is not None and bits > _MOST_BITS else None

    def _call(self, node: ast.Call) -> str | None:
        name = _called(node)
        if name == "format":
            template = node.func.value if isinstance(node.func, ast.Attribute) else None
            wide = (
                _matches(_FIELD, template) if template is not None else any(_matches(_NUMBER, one) for one in node.args)
            )
            return _WIDE if wide else None
        if name not in _SIZED:
            return None
        sizes = [size for argument in node.args if (size := self.logarithm(argument)) is not None]
        most = _MOST.get(name, _MOST_ITEMS)
        if sizes and max(sizes) > math.log2(most) and not (name == "pow" and len(node.args) > 2):
            return f"{name} is given a size of about 2**{max(sizes):.0f}"
        return None

    def length(self, node: ast.expr) -> float:
        """Return the least number of items of a sequence that is written here, or 0."""
        match node:
            case ast.Constant(value=str() | bytes() as value):
                return len(value)
            case ast.List() | ast.Tuple() | ast.Set():
                return len(node.elts)
            case ast.Name(id=name):
                return self._lengths.get(name, 0)
            case ast.BinOp():
                return self._length_of_binary(node)
            case ast.Call(args=[first, *_]):
                return self._length_of_call(node, first)
        return float(isinstance(node, ast.JoinedStr))

    def _length_of_binary(self, node: ast.BinOp) -> float:
        left, right = self.length(node.left), self.length(node.right)
        if isinstance(node.op, ast.Add):
            return left + right
        if not isinstance(node.op, ast.Mult) or not (left or right):
            return 0
        times = [size for one in (node.left, node.right) if (size := self.logarithm(one)) is not None]
        return (left or right) * _power_of_two(sum(times))

    def _length_of_call(self, node: ast.Call, first: ast.expr) -> float:
        name = _called(node)
        if name == "range":
            sizes = [_power_of_two(size) for one in node.args if (size := self.logarithm(one)) is not None]
            return max(sizes, default=0)
        size = self.logarithm(first) if name in ("bytes", "bytearray") else None
        return _power_of_two(size) if size is not None else self.length(first) if name in _COLLECTS else 0

    def logarithm(self, node: ast.expr) -> float | None:
        """Return log2 of a positive number that is computed from constants, or None."""
        match node:
            case ast.Constant(value=int() | float() as value) if value > 0 and not math.isinf(value):
                return math.log2(value)
            case ast.Name(id=name):
                return self._numbers.get(name)
            case ast.UnaryOp(operand=operand):
                return self.logarithm(operand)
            case ast.BinOp(left=left, op=op, right=right):
                sides = self.logarithm(left), self.logarithm(right)
                return None if sides[0] is None or sides[1] is None else _combined(op, sides[0], sides[1])
        return None


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else str(getattr(node.func, "attr", ""))


def _width(spec: ast.expr | None) -> str | None:
    """Refuse a width such as ``{x:>999999999}``."""
    parts = walk(spec) if spec else ()
    return _WIDE if any(_matches(_NUMBER, part) for part in parts) else None


def _matches(pattern: re.Pattern[str], node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and pattern.search(node.value) is not None


def _power_of_two(exponent: float) -> float:
    return 2.0**exponent if exponent < 1000 else math.inf


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
