"""From the text of a request to the module that is transpiled: one marked function, its imports and its helpers.

Run in a worker process: a text may make the parser work as hard as it likes.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from poet_import.errors import TranspileError
from poet_import.service.faults import Fault, without_input
from poet_import.source.compiling import parse
from poet_import.source.discovery import PoetFunction
from poet_import.source.scopes import FunctionNode
from poet_import.transpiler.reading import Reading, read_source

FILENAME = "<function_code>"
_CODE = "/function_code"
_OPTIONS = (
    "each option of @poet must be written as a literal: domain and optimize_for as texts, retries as a whole number "
    "from 0, timeout as seconds above 0, retry_on as built-in exceptions, on_violation as one of raise, warn, off, "
    "semantics as one of preserve, intent"
)
_BLANKS = " \t\f"
_MOST_LINES = 5_000  # weaving takes some 60 µs a line


class Refused(Exception):  # noqa: N818  (what the caller sent is refused; nothing of ours has failed)
    """A text cannot be transpiled as one function."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(*faults)
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Sent:
    """A request's text as a module."""

    reading: Reading
    marked: PoetFunction
    shift: int  # lines of imports above the text

    def syntax_fault(self, error: SyntaxError) -> Fault:
        """Return what the compiler, which looks at more than the parser does, says of the text."""
        return _syntax(error, shift=self.shift)


def read_function(code: str, imports: Sequence[str]) -> Sent:
    """Return a request's text as a module, its imports above it.

    Raises:
        Refused: It is not one function under ``@poet`` with imports and private helpers beside it, or no Python.
    """
    if code.count("\n") > _MOST_LINES:
        raise Refused(Fault("too-long", f"the text has more than {_MOST_LINES:,} lines", _CODE))
    above = "".join(f"{line}\n" for line in _checked(imports))
    text = above + at_the_left_edge(code.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"))
    shift = above.count("\n")
    try:
        reading = read_source(text, FILENAME)
    except SyntaxError as error:
        raise Refused(_syntax(error, shift=shift)) from error
    except ValueError as error:  # a null byte
        raise Refused(Fault("syntax", "the text holds a null byte", _CODE)) from error
    except TranspileError as error:
        raise Refused(_unreadable(error)) from error
    marked = _only(reading.functions, shift=shift)
    _check_statements(reading, marked, shift=shift)
    return Sent(reading, marked, shift)


def _unreadable(error: TranspileError) -> Fault:
    if isinstance(error.__cause__, RecursionError | MemoryError):
        return Fault("too-deep", error.message, _CODE)
    return Fault("reserved-name", "__poet__ and names that begin with _poet_ belong to woven code: rename it", _CODE)


def _syntax(error: SyntaxError, *, shift: int) -> Fault:
    line = error.lineno - shift if error.lineno and error.lineno > shift else None
    return Fault("syntax", without_input(error.msg), _CODE, line=line, column=error.offset or None)


def _checked(imports: Sequence[str]) -> Sequence[str]:
    """Return imports that are nothing else.

    Raises:
        Refused: One is no import statement.
    """
    faults = [
        Fault("import-statements-only", "expected import statements and nothing else", f"/context/imports/{number}")
        for number, line in enumerate(imports)
        if not _only_imports(line)
    ]
    if faults:
        raise Refused(*faults)
    return imports


def _only_imports(text: str) -> bool:
    try:
        tree = parse(text, FILENAME)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return bool(tree.body) and all(isinstance(statement, ast.Import | ast.ImportFrom) for statement in tree.body)


def at_the_left_edge(code: str) -> str:
    """Return a text without the indentation that all of it has; lines inside a string stay as they are."""
    lines = code.split("\n")
    first = next((line for line in lines if line.strip() and not line.lstrip().startswith("#")), "")
    margin = first[: len(first) - len(first.lstrip(_BLANKS))]
    if not margin:
        return code
    inside = _string_lines(f"if True:\n{code}")
    return "\n".join(
        line.removeprefix(margin) if number not in inside else line for number, line in enumerate(lines, 2)
    )


def _string_lines(text: str) -> set[int]:
    """Return the lines that begin inside a string; none of a text that does not parse, which is refused anyway."""
    try:
        tree = parse(text, FILENAME)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    strings = (node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr | ast.Constant))
    return {
        line
        for node in strings
        if isinstance(node, ast.JoinedStr) or isinstance(node.value, str | bytes)
        for line in range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)
    }


def _only(functions: tuple[PoetFunction, ...], *, shift: int) -> PoetFunction:
    """Return the one marked function.

    Raises:
        Refused: There is none or another, or its options cannot be read.
    """
    if not functions:
        raise Refused(Fault("no-poet-function", "no function is marked with @poet; mark one", _CODE))
    if len(functions) > 1:
        line = functions[1].node.lineno - shift
        detail = f"{len(functions)} functions are marked with @poet; send one at a time"
        raise Refused(Fault("several-poet-functions", detail, _CODE, line=line))
    (only,) = functions
    line, column = only.decorator.lineno - shift, only.decorator.col_offset + 1
    if only.left_alone == "dynamic" or only.binds_retry_on:
        raise Refused(Fault("options", _OPTIONS, _CODE, line=line, column=column))
    if only.left_alone:
        raise Refused(Fault("left-alone", "another decorator compiles it, so nothing can be woven", _CODE, line=line))
    return only


def _check_statements(reading: Reading, marked: PoetFunction, *, shift: int) -> None:
    """Refuse what stands beside the function and is neither an import, a private helper nor a docstring.

    Raises:
        Refused: There is such a statement, or the function stands inside another one.
    """
    module = reading.scopes.module.node
    assert isinstance(module, ast.Module)
    if marked.node not in module.body:
        detail = "the marked function stands inside another definition; send it alone"
        raise Refused(Fault("nested-function", detail, _CODE, line=marked.node.lineno - shift))
    further = [node for node in module.body if node is not marked.node and not _may_stand_beside(node)]
    if further:
        detail = "beside the function only imports and private helpers (def _name) may stand"
        raise Refused(*(Fault("further-statement", detail, _CODE, line=node.lineno - shift) for node in further[:20]))


def _may_stand_beside(node: ast.stmt) -> bool:
    if isinstance(node, FunctionNode):
        return node.name.startswith("_") and not node.decorator_list
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return is_text or isinstance(node, ast.Import | ast.ImportFrom)
