"""Where a function's lines stand: indentation, its first and last line, and statements that share a line."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from poet_import.source.anatomy import Anatomy, Header, Suite
from poet_import.source.linemap import NOWHERE, Patch, Place, Source
from poet_import.source.nodes import children

_BLANKS = b" \t\f"
_CASE = re.compile(rb"[ \t\f]*case\b")


@dataclass(frozen=True, slots=True)
class Shift:
    """The indentation that a woven block adds below a function's own."""

    base: str
    extra: str

    def apply(self, indent: str) -> str:
        """Return an indentation of the user's as it stands in the woven text."""
        return self.base + self.extra + indent[len(self.base) :]


def shifted(indent: str, shifts: list[Shift]) -> str:
    """Return an indentation with every shift applied, the innermost function's first."""
    for shift in sorted(shifts, key=lambda shift: -len(shift.base)):
        indent = shift.apply(indent)
    return indent


def indent_of(source: Source, line: int) -> str:
    """Return the blanks that a line begins with; a form feed starts the count anew, as for the tokenizer."""
    text = source.line(line)
    blanks = text[: len(text) - len(text.lstrip(_BLANKS))]
    return blanks.rpartition(b"\f")[2].decode()


def unit_of(indent: str) -> str:
    """Return what one more level of indentation adds."""
    return "\t" if indent.endswith("\t") else "    "


def stands_alone(source: Source, node: ast.stmt) -> bool:
    """Tell whether nothing but blanks comes before a statement on its line, nor a line that goes on with it."""
    line = first_line(node)
    return not source.line(line)[: _first_column(node)].strip(_BLANKS) and not _goes_on(source, line - 1)


def _goes_on(source: Source, line: int) -> bool:
    """Tell whether a line ends in a backslash that joins it to the next."""
    text = source.line(line).strip() if line else b""
    return text.endswith(b"\\") and not text.startswith(b"#")


def first_line(node: ast.stmt) -> int:
    """Return the line of a statement's first decorator, or of the statement."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _first_column(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return node.col_offset if not decorators else 0


def header_indent(source: Source, header: Header) -> str:
    """Return the indentation of a compound statement or clause."""
    line = header.pattern.lineno if isinstance(header, ast.match_case) else header.lineno
    while isinstance(header, ast.match_case) and not _CASE.match(source.line(line)):
        line -= 1  # a pattern in parentheses may begin below its keyword
    return indent_of(source, line)


def suite_indent(source: Source, suite: Suite) -> str:
    """Return the indentation of a suite, or the one that it gets where it shares its header's line."""
    first = suite.statements[0]
    if stands_alone(source, first):
        return indent_of(source, first_line(first))
    indent = header_indent(source, suite.header)
    return indent + unit_of(indent)


class LineBreaks:
    """Gives statements a line of their own where the user has joined them by ``:`` or ``;``."""

    def __init__(self, patch: Patch) -> None:
        self._source = patch.source
        self._patch = patch
        self._done: set[int] = set()

    def split(self, suite: Suite, shifts: list[Shift]) -> None:
        """Put each statement of a suite on a line of its own."""
        indent = shifted(suite_indent(self._source, suite), shifts)
        for statement in suite.statements:
            start = self._source.offset(statement.lineno, statement.col_offset)
            if start not in self._done and not stands_alone(self._source, statement):
                self._done.add(start)
                self._patch.replace(self._end_before(start), start, f"\n{indent}", place=NOWHERE)

    def split_below(self, statement: ast.stmt, above: list[tuple[str, Place]], indent: str) -> None:
        """Put a statement on a line of its own, below whole lines of ours."""
        start = self._source.offset(statement.lineno, statement.col_offset)
        self._done.add(start)
        self._patch.replace(self._end_before(start), start, "\n", place=NOWHERE)
        for text, place in above:
            self._patch.insert(start, text, place)
        self._patch.insert(start, indent, NOWHERE)

    def _end_before(self, start: int) -> int:
        """Return where the text ends that comes before the blanks or semicolon before a statement."""
        return len(self._source.data[:start].rstrip(b" \t\f;\\\n"))


@dataclass(frozen=True, slots=True)
class Layout:
    """The lines of one function's body."""

    indent: str  # of the body, as the user wrote it
    head: int  # offset at which woven lines go in before the body
    first: int  # first line of the body, comments above the first statement included
    last: int  # last line of the body
    joined: bool  # the body shares a line with the header or the docstring
    place: Place  # of the first statement: a breakpoint there stops before the woven lines


def lay_out(source: Source, anatomy: Anatomy, otherwise: Place) -> Layout:
    """Return where the body of a function stands; woven lines lie at ``otherwise`` where none of its own has code."""
    node = anatomy.node
    suite = Suite(node, node.body)
    indent = suite_indent(source, suite)
    last = node.body[-1].end_lineno or node.body[-1].lineno
    start = anatomy.body[0] if anatomy.body else node.body[0]
    line = first_line(start)
    place = _first_place(anatomy.body) or otherwise
    if not anatomy.body:
        return Layout(indent, source.line_start(last + 1), last + 1, last, not stands_alone(source, start), place)
    if not stands_alone(source, start):
        head = source.offset(start.lineno, start.col_offset)
        return Layout(indent, head, line, last, joined=True, place=place)
    first = line_after_header(source, anatomy, line)
    return Layout(indent, source.line_start(first), first, last, joined=False, place=place)


def _first_place(body: list[ast.stmt]) -> Place | None:
    """Return the place of the first statement that the compiler emits code for, if any."""
    for statement in body:
        if not isinstance(statement, ast.Global | ast.Nonlocal) and not _is_declaration(statement):
            node = _first_evaluated(statement)
            line = first_line(node) if isinstance(node, ast.stmt) else node.lineno
            return Place(line, node.col_offset, line, node.col_offset)
    return None


def _is_declaration(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.AnnAssign) and statement.value is None and isinstance(statement.target, ast.Name)


def _first_evaluated(statement: ast.stmt) -> ast.stmt | ast.expr:
    """Return what of a statement has code first: its keyword has none of its own."""
    match statement:
        case ast.If(test=first) | ast.While(test=first) | ast.Assert(test=first):
            return _leftmost(first)
        case ast.Return(value=ast.expr() as first) | ast.Expr(value=first) | ast.Raise(exc=ast.expr() as first):
            return _leftmost(first)
        case ast.Assign(value=first) | ast.AnnAssign(value=ast.expr() as first) | ast.Match(subject=first):
            return _leftmost(first)
    return statement


def _leftmost(node: ast.expr) -> ast.expr:
    """Return the part of an expression that is evaluated first."""
    while (first := _operand(node)) is not None and not isinstance(first, ast.Constant):
        node = first
    return node


def _operand(node: ast.expr) -> ast.expr | None:
    """Return the part of an expression that is evaluated before the others; None where it is one by itself."""
    match node:
        case ast.BoolOp(values=[first, *_]) | ast.UnaryOp(op=ast.Not(), operand=first):
            return first
        case ast.BinOp(left=first) | ast.Compare(left=first) | ast.Call(func=first) | ast.Await(value=first):
            return first
        case ast.Attribute(value=first) | ast.Subscript(value=first) | ast.IfExp(test=first):
            return first
    return None


def line_after_header(source: Source, anatomy: Anatomy, line: int) -> int:
    """Return the first of the comment and blank lines right above the body, not above its header or docstring."""
    above = anatomy.docstring or anatomy.node
    floor = above.lineno if above is anatomy.node else above.end_lineno or above.lineno
    while line - 1 > floor and _is_comment_or_blank(source.line(line - 1)):
        line -= 1
    return line


def _is_comment_or_blank(line: bytes) -> bool:
    text = line.strip()
    return not text or text.startswith(b"#")


def untouchable_lines(anatomy: Anatomy, source: Source) -> set[int]:
    """Return the lines that begin inside a string: blanks put there would change the string."""
    found: set[int] = set()
    stack: list[ast.AST] = list(anatomy.body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Constant | ast.JoinedStr) and _spans_lines(source, node):
            found.update(range(node.lineno + 1, (node.end_lineno or node.lineno) + 1))
        stack += children(node)
    return found


def _spans_lines(source: Source, node: ast.expr) -> bool:
    """Tell whether a string literal itself, not only a row of adjacent ones, goes over the end of a line."""
    if node.end_lineno == node.lineno:
        return False
    start = source.offset(node.lineno, node.col_offset)
    end = source.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)
    text = source.data[start:end]
    return b'"""' in text or b"'''" in text or b"\\\n" in text or isinstance(node, ast.JoinedStr)


def indent_lines(patch: Patch, layout: Layout, *, extra: str, keep: set[int]) -> None:
    """Shift the lines of a body to the right, but those that begin inside a string."""
    source = patch.source
    base = layout.indent.encode()
    for number in range(layout.first, layout.last + 1):
        text = source.line(number)
        if number in keep or not text.strip():
            continue
        feed = text[: len(text) - len(text.lstrip(_BLANKS))].rfind(b"\f") + 1
        at = feed + (len(base) if text[feed:].startswith(base) else 0)
        patch.insert(source.line_start(number) + at, extra, NOWHERE)
